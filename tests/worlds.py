"""Random histories: people and agents on several replicas, writing and syncing, some of them badly.

Every history is admissible (S6, V2), and has what state stumbles over: concurrent revocations,
forks, rotations, refuted refutations, grants that are wider than their parents, wrong receipts.
"""

from __future__ import annotations

from functools import cache
from random import Random

from lodestamp.core.keys import KeyEvent, SigningKey, next_key_digest
from lodestamp.core.operations import (
    attestation,
    build_cap,
    build_cap_1,
    build_op,
    claim,
    confirm,
    evidence,
    grant,
    key,
    notice,
    receipt,
    refutation,
    revocation,
)
from lodestamp.core.operations.graph import Position

PREDICATES = ("prefers.tea", "prefers.milk", "lives.in")
NOW = 1_750_000_000


@cache
def signer(name):
    """The key of a person, by name."""
    return SigningKey.from_seed("ed25519", name.encode().ljust(32, b"."))


class World:
    """Replicas that share a history in part. `ops` are all operations, parents first."""

    def __init__(self, seed, *, replicas=3, nodes=None):
        self.random = Random(seed)
        self.ops = []
        self.by_id = {}
        self.known = [set() for _ in range(replicas)]
        self.nodes = nodes or [f"node{number}" for number in range(replicas)]
        self.caps = {}
        self.events = {}
        first = KeyEvent.inception(
            "human", signer("did-0").public_key, nonce=bytes(16),
            next=next_key_digest(signer("did-1").key_id),
        )  # fmt: skip
        self.inception = first
        self.did = first.did
        self.roots = [signer("root").key_id, self.did]
        self.positions = {}

    def heads(self, replica):
        known = self.known[replica]
        parents = {parent for op_id in known for parent in self.by_id[op_id].prev}
        return sorted(known - parents)

    def write(self, replica, who, kind, body, *, version=1, cap=None, ts=None, seq=None, node=None):
        """Sign an operation on a replica, on top of all that it knows."""
        node = node or self.nodes[replica]
        author = signer(who).key_id
        prev = self.heads(replica)
        if version == 2 and seq is None:
            chain = [
                self.by_id[each].seq
                for each in self.known[replica]
                if (self.by_id[each].author, self.by_id[each].node) == (author, node)
                and self.by_id[each].v == 2
            ]
            seq = max(chain, default=-1) + 1
        if ts is None:
            ts = NOW + len(self.ops)
        op = build_op(
            signer(who), node, kind, body, prev, ts, version=version, seq=seq,
            cap=cap if version == 2 else None,
        )  # fmt: skip
        if op.op_id not in self.by_id:
            self.by_id[op.op_id] = op
            self.ops.append(op)
        self.known[replica].add(op.op_id)
        return op

    def sync(self, source, target):
        self.known[target] |= self.known[source]

    def step(self):
        """Let somebody do something."""
        random = self.random
        replica = random.randrange(len(self.known))
        if random.random() < 0.25:
            self.sync(replica, random.randrange(len(self.known)))
            return
        kinds = (
            "evidence", "claim", "claim", "claim", "refutation", "refutation", "grant", "grant",
            "revocation", "attestation", "receipt", "key", "notice", "confirm",
        )  # fmt: skip
        getattr(self, "_" + random.choice(kinds))(replica)

    def grow(self, count):
        """Take steps until there are `count` operations."""
        steps = 0
        while len(self.ops) < count and steps < 20 * count:
            self.step()
            steps += 1
        return self

    def place(self, share):
        """Give some operations positions, which agree with the order of their pasts."""
        height = 1
        for leaf, op in enumerate(self.ops):
            height += self.random.random() < 0.3
            if self.random.random() < share:
                late = 90_000 if self.random.random() < 0.1 else 0
                time = (NOW + leaf + late) * 1000
                self.positions[op.op_id] = Position(height, 0, leaf, time)
        return self

    # Who does what

    def _who(self):
        people = ("root", "did-0", "did-1", "agent", "sub", "stranger")
        return self.random.choices(people, (6, 3, 2, 5, 3, 1))[0]

    def _held(self, replica, *types):
        known = (self.by_id[op_id] for op_id in sorted(self.known[replica]))
        return [op for op in known if op.type in types]

    def _cap_for(self, replica, who):
        caps = [
            op.body["cap"]["cap_id"]
            for op in self._held(replica, "grant")
            if op.v == 2 and op.body["cap"]["audience"] in {signer(who).key_id, self.did}
        ]
        return self.random.choice(caps) if caps and who != "root" else None

    def _author(self, replica, kind, body):
        who = self._who()
        cap = self._cap_for(replica, who)
        version = 2 if cap or self.random.random() < 0.4 else 1
        return self.write(replica, who, kind, body, version=version, cap=cap)

    def _evidence(self, replica):
        source = self.random.choice(("mail/1", "mail/2", "calendar"))
        number = len(self.ops)
        self._author(
            replica, "evidence",
            evidence(source=source, kind="k", content={"n": number}, captured_at=number),
        )  # fmt: skip

    def _claim(self, replica):
        held = self._held(replica, "evidence", "claim")
        sources = self.random.sample(held, min(len(held), self.random.randrange(3)))
        self._author(
            replica, "claim",
            claim(
                subject=self.random.choice(("user", "house")),
                predicate=self.random.choice(PREDICATES),
                object=len(self.ops), confidence_bp=self.random.choice((4_000, 9_000)),
                derived_from=[op.op_id for op in sources],
                deriver="reader" if sources else "user", rationale="r",
            ),
        )  # fmt: skip

    def _refutation(self, replica):
        held = self._held(replica, "evidence", "claim", "refutation", "refutation")
        if held:
            body = refutation(target=self.random.choice(held).op_id, reason=str(len(self.ops)))
            self._author(replica, "refutation", body)

    def _grant(self, replica):
        random = self.random
        if random.random() < 0.3:
            cap = build_cap_1(
                signer("root"), audience=signer("agent").key_id, predicates=PREDICATES,
                issued_at=NOW, expires_at=NOW + 10_000,
            )  # fmt: skip
            self.write(replica, random.choice(("root", "root", "stranger")), "grant", grant(cap))
            return
        parents = [op.body["cap"] for op in self._held(replica, "grant") if op.v == 2]
        parent = random.choice(parents) if parents and random.random() < 0.6 else None
        who = random.choice(("agent", "agent", "did-0", "did-1", "stranger"))
        who = who if parent else random.choice(("root", "root", "did-0", "did-1", "stranger"))
        audience = random.choice((signer("agent").key_id, signer("sub").key_id, self.did))
        commands = ["/attest", "/claim", "/evidence", "/grant", "/refute"]
        wide = random.random() < 0.1
        subject = self.did if who.startswith("did") and random.random() < 0.7 else None
        begins = NOW - 5 + random.choice((0, 0, 0, 0, 0, 0, 0, 5, 1_000))
        cap = build_cap(
            signer(who), audience=audience, nonce=random.randbytes(16),
            predicates=("prefers.*", *(("lives.in",) if random.random() < 0.5 else ())),
            commands=commands[random.randrange(2) :] if not wide else [*commands, "/sync"],
            not_before=begins, expires_at=begins + random.choice((25, 10_000, 10_000)),
            min_confidence_bp=random.choice((0, 0, 5_000)),
            subject=parent["subject"] if parent else subject,
            parent=parent["cap_id"] if parent else None,
            depth_left=max(0, parent["depth_left"] - (random.random() < 0.8)) if parent else 3,
        )  # fmt: skip
        acting = cap.parent if random.random() < 0.9 else self._cap_for(replica, who)
        writer = who if random.random() < 0.95 else "stranger"
        self.write(replica, writer, "grant", grant(cap), version=2, cap=acting)

    def _revocation(self, replica):
        caps = [op.body["cap"]["cap_id"] for op in self.ops if op.type == "grant"]
        if caps and self.random.random() < 0.5:
            body = revocation(cap_id=self.random.choice(caps), reason=str(len(self.ops)))
            audience = {
                op.body["cap"]["cap_id"]: op.body["cap"]["audience"]
                for op in self.ops
                if op.type == "grant"
            }[body["cap_id"]]
            people = ("agent", "sub", "did-0")
            holder = next((who for who in people if signer(who).key_id == audience), "did-1")
            if self.random.random() < 0.5:
                self.write(replica, holder, "revocation", body, version=2)
            else:
                self._author(replica, "revocation", body)

    def _attestation(self, replica):
        random = self.random
        grants, claims = self._held(replica, "grant"), self._held(replica, "claim")
        if not grants or not claims:
            return
        cap, told = random.choice(grants).body["cap"], random.choice(claims)
        people = ("root", "agent", "sub", "did-0", "did-1", "stranger")
        issuer = next(name for name in people if signer(name).key_id == cap["issuer"])
        body = attestation(
            cap_id=cap["cap_id"], claim_op=told.op_id, subject=told.body["subject"],
            predicate=told.body["predicate"],
            object=told.body["object"] if random.random() < 0.9 else "other",
            confidence_bp=told.body["confidence_bp"] - random.choice((0, 0, 1_000)),
            provenance_commitment=told.op_id if random.random() < 0.9 else cap["cap_id"],
            attested_at=NOW + random.choice((1, 15, 25)),
        )  # fmt: skip
        who = issuer if random.random() < 0.9 else self._who()
        acting = self._cap_for(replica, who)
        self.write(replica, who, "attestation", body, version=2 if acting else 1, cap=acting)

    def _receipt(self, replica):
        held = self._held(replica, "revocation")
        if held:
            revoked = self.random.choice(held)
            caps = [revoked.body["cap_id"], *(op.body["cap_id"] for op in held)]
            body = receipt(
                cap_id=self.random.choice(caps), revocation_op=revoked.op_id,
                purged_attestations=0, statement=str(len(self.ops)),
            )  # fmt: skip
            self._author(replica, "receipt", body)

    def _key(self, replica):
        random = self.random
        rotation = self.inception.rotation(
            signer("did-1").public_key,
            next=random.choice((None, next_key_digest(signer("did-2").key_id))),
        )
        stolen = self.inception.rotation(signer("did-0").public_key)
        last = rotation.deactivation(signer(random.choice(("did-1", "did-2"))).public_key)
        event = random.choice((self.inception, self.inception, rotation, rotation, stolen, last))
        people = ("did-0", "did-1", "did-2")
        who = next(name for name in people if signer(name).key_id == event.key.key_id)
        self.write(replica, who, "key", key(event), version=2)

    def _notice(self, replica):
        held = self._held(replica, "attestation")
        if held:
            body = notice(
                attestation_op=self.random.choice(held).op_id, state="stale",
                audience=signer("agent").key_id,
            )  # fmt: skip
            who = self._who()
            cap = self._cap_for(replica, who)
            self.write(replica, who, "notice", body, version=2, cap=cap)

    def _confirm(self, replica):
        held = self._held(replica, "evidence", "claim", "grant", "refutation")
        if held:
            keep = self.random.choice(held)
            node = keep.node if self.random.random() < 0.9 else "elsewhere"
            body = confirm(author=keep.author, node=node, keep=keep.op_id, reason="r")
            who = self.random.choice(("root", "root", "did-0", "agent"))
            self.write(replica, who, "confirm", body, version=2)
