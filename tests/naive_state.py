"""The state of a set of operations, read off the rules as slowly as they are written.

An oracle for the graph: it recurses, it keeps the past of each operation as a set, it knows no
order of arrival, and it shares nothing with the graph but the documents' own checks.
"""

from __future__ import annotations

from functools import cache

from lodestamp.core.encoding import canonical_json
from lodestamp.core.keys import KeyEvent, is_did, next_key_digest
from lodestamp.core.operations import (
    attenuates,
    check,
    derived_from,
    needed_commands,
    parse_cap,
    references,
    verify_cap,
)
from lodestamp.errors import CapError


class Naive:
    """Statuses of operations closed under `prev`; positions are (height, tx, leaf, time in ms)."""

    def __init__(self, operations, positions, roots):
        self.ops = {op.op_id: op for op in operations}
        self.positions = positions
        self.roots = set(roots)
        for name in (
            "past", "status", "standing", "row", "barred", "grant_holds", "revokes", "effective",
        ):  # fmt: skip
            setattr(self, name, cache(getattr(self, name)))
        self.caps = {}
        for op in self.of_type("grant"):
            cap = parse_cap(op.body["cap"])
            if self.fault(cap) != "cap-id-mismatch":
                self.caps[cap.cap_id] = cap

    def statuses(self):
        return {op_id: self.status(op_id) for op_id in self.ops}

    def of_type(self, *types):
        return [op for op in self.ops.values() if op.type in types]

    def past(self, op_id):
        found, waiting = set(), list(self.ops[op_id].prev)
        while waiting:
            parent = waiting.pop()
            if parent not in found:
                found.add(parent)
                waiting.extend(self.ops[parent].prev)
        return frozenset(found)

    def position(self, op_id):
        return self.positions.get(op_id)

    def placed_before(self, a, b):
        return a in self.positions and b in self.positions and self.position(a) < self.position(b)

    # Keys

    def row(self, did):
        """Events that stand, each with the operations that carry it (K8)."""
        events, carriers = {}, {}
        for op in self.of_type("key"):
            event = KeyEvent.parse(op.body["event"])
            if event.did == did:
                events[event.digest] = event
                carriers.setdefault(event.digest, []).append(op.op_id)
        row, last = [], None
        while True:
            rivals = [e for e in events.values() if self.may_follow(last, e)]
            if len(rivals) > 1:
                placed = [
                    (self.position(op_id), e.digest)
                    for e in rivals
                    for op_id in carriers[e.digest]
                    if op_id in self.positions
                ]
                rivals = [events[min(placed)[1]]] if placed else []
            if not rivals:
                return row
            last = rivals[0]
            row.append((last, carriers[last.digest]))

    def may_follow(self, last, event):
        if last is None:
            return event.index == 0
        if last.kind == "deactivation" or event.prior != last.digest:
            return False
        if event.index != last.index + 1:
            return False
        if last.next is None:
            return event.kind == "deactivation" and event.key == last.key
        return last.next == next_key_digest(event.key.key_id)

    def speaks(self, key_id, principal, at):
        if not is_did(principal):
            return key_id == principal
        governing = None
        for event, carriers in self.row(principal):
            acts = any(c == at or c in self.past(at) or self.placed_before(c, at) for c in carriers)
            if not acts:
                break
            governing = event
        alive = governing is not None and governing.kind != "deactivation"
        return alive and governing.key.key_id == key_id

    def is_root(self, op):
        return any(self.speaks(op.author, root, op.op_id) for root in self.roots)

    # Forks of a chain, by rule S7

    def later(self, members, version):
        """Which operations of a chain come after the place where it forks."""
        if version == 2:
            seqs = [op.seq for op in members]
            doubled = [seq for seq in seqs if seqs.count(seq) > 1]
            return {op.op_id for op in members if doubled and op.seq > min(doubled)}
        ids = [op.op_id for op in members]
        trunk = set()
        for one in sorted(ids, key=lambda each: len(self.past(each) & set(ids))):
            before = self.past(one) & set(ids)
            comparable = all(o == one or o in self.past(one) or one in self.past(o) for o in ids)
            if before <= trunk and comparable:
                trunk.add(one)
        rest = [each for each in ids if each not in trunk]
        starts = [each for each in rest if not self.past(each) & set(rest)]
        return {each for each in rest if self.past(each) & set(starts)}

    def barred(self, author, node, version):
        members = [
            op for op in self.ops.values() if (op.author, op.node, op.v) == (author, node, version)
        ]
        barred = self.later(members, version)
        for op in self.of_type("confirm"):
            keep = self.ops[op.body["keep"]]
            if keep not in members or self.standing(op.op_id) != 0:
                continue
            following = [m for m in members if m == keep or keep.op_id in self.past(m.op_id)]
            stopped = self.later(following, version)
            barred -= {m.op_id for m in following} - stopped
            barred -= self.past(keep.op_id)
        return barred

    def is_barred(self, op):
        return op.op_id in self.barred(op.author, op.node, op.v)

    # Capabilities

    def fault(self, cap):
        keys = {}
        for op in self.of_type("key"):
            key = KeyEvent.parse(op.body["event"]).key
            keys[key.key_id] = key
        try:
            verify_cap(cap, keys)
        except CapError as error:
            return error.code
        return ""

    def links(self, cap_id):
        """A capability and those above it, itself first."""
        found = []
        while cap_id in self.caps and len(found) < 7:
            found.append(self.caps[cap_id])
            cap_id = found[-1].parent
        return found

    def revokes(self, op_id):
        """S24."""
        op = self.ops[op_id]
        if self.is_barred(op):
            return False
        links = self.links(op.body["cap_id"])
        may = self.is_root(op)
        for place, cap in enumerate(links):
            above = links[place + 1].audience if place + 1 < len(links) else cap.subject
            may |= op.author == cap.issuer or self.speaks(op.author, above, op_id)
        if links and links[0].v == 2:
            may |= self.speaks(op.author, links[0].audience, op_id)
        return may

    def revoked_before(self, cap_id, op_id):
        """S31: a revocation of a link is in the past, or concurrent and not placed later."""
        links = {cap.cap_id for cap in self.links(cap_id)}
        for op in self.of_type("revocation"):
            if op.body["cap_id"] not in links or not self.revokes(op.op_id):
                continue
            if op.op_id in self.past(op_id):
                return True
            after = op_id in self.past(op.op_id) or self.placed_before(op_id, op.op_id)
            if not after:
                return True
        return False

    def has_good_grant(self, cap_id, op_id):
        return any(
            parse_cap(self.ops[each].body["cap"]).cap_id == cap_id and self.grant_holds(each)
            for each in self.past(op_id)
            if self.ops[each].type == "grant"
        )

    def grant_holds(self, op_id):
        """S21."""
        op = self.ops[op_id]
        cap = parse_cap(op.body["cap"])
        if self.is_barred(op) or self.fault(cap) or op.author != cap.issuer:
            return False
        if cap.not_before > op.ts + 120:
            return False
        if cap.parent is None:
            return self.is_root(op) and self.speaks(op.author, cap.subject, op_id)
        parent = self.caps.get(cap.parent)
        if parent is None or len(self.links(cap.cap_id)) > 5:
            return False
        if not self.has_good_grant(cap.parent, op_id):
            return False
        try:
            attenuates(cap, parent, speaks_for=lambda key, who: self.speaks(key, who, op_id))
        except CapError:
            return False
        return self.is_root(op) or (op.cap == cap.parent and self.acts(op))

    def usable(self, cap_id, op_id):
        if not self.has_good_grant(cap_id, op_id) or self.revoked_before(cap_id, op_id):
            return False
        position = self.position(op_id)
        return position is None or all(
            position[3] // 1000 <= cap.expires_at + 86_400 for cap in self.links(cap_id)
        )

    def acts(self, op):
        """A root, or a capability that covers it (S22, S23)."""
        if self.is_root(op):
            return True
        if op.cap is None or op.cap not in self.caps:
            return False
        subject = op
        while subject.type == "refutation":
            subject = self.ops[subject.body["target"]]
        body = subject.body
        asked = {
            "evidence": lambda: (None, None, body["source"]),
            "claim": lambda: (body["predicate"], body["confidence_bp"], body["subject"]),
            "attestation": lambda: (body["predicate"], body["confidence_bp"], body["subject"]),
        }.get(subject.type, lambda: (None, None, None))()
        chain = self.links(op.cap)[::-1]
        covered = any(
            check(chain, command, *asked, op.ts, speaks_for=lambda *_: True).allowed
            for command in needed_commands(op)
        )
        holder = self.speaks(op.author, self.caps[op.cap].audience, op.op_id)
        return covered and holder and self.usable(op.cap, op.op_id)

    # Standing, refutation, status

    def standing(self, op_id):
        """0 valid, 2 an attestation of what was invalid, 3 unauthorised, 4 disputed."""
        op = self.ops[op_id]
        if op.type == "confirm":
            keep = self.ops[op.body["keep"]]
            named = (keep.author, keep.node) == (op.body["author"], op.body["node"])
            return 0 if named and self.is_root(op) else 3
        if op.type == "key":
            event = KeyEvent.parse(op.body["event"])
            standing = any(op_id in carriers for _, carriers in self.row(event.did))
            return 0 if standing and event.key.key_id == op.author else 3
        if self.is_barred(op):
            return 3
        if op.type == "grant":
            return 0 if self.grant_holds(op_id) else 3
        if op.type == "revocation":
            return 0 if self.revokes(op_id) else 3
        if op.type == "refutation":
            own = self.ops[op.body["target"]].author == op.author
            return 0 if own or self.acts(op) else 4
        if op.type == "attestation":
            return self.attests(op) if self.acts(op) else 3
        if op.type == "receipt":
            return 0 if self.receives(op) else 3
        return 0 if self.acts(op) else 3

    def attests(self, op):
        """S25."""
        body, claim = op.body, self.ops[op.body["claim_op"]]
        cap = self.caps.get(body["cap_id"])
        if cap is None or op.author != cap.issuer or not self.usable(cap.cap_id, op.op_id):
            return 3
        same = all(
            canonical_json(body[name]) == canonical_json(claim.body[name])
            for name in ("subject", "predicate", "object")
        )
        told = any(source in canonical_json(body).decode() for source in derived_from(claim))
        if not same or told or body["confidence_bp"] > claim.body["confidence_bp"]:
            return 3
        asked = (body["predicate"], body["confidence_bp"], body["subject"])
        chain = self.links(cap.cap_id)[::-1]
        if not check(
            chain, "/claim/read", *asked, body["attested_at"], speaks_for=lambda *_: True
        ).allowed:
            return 3
        known = Naive([self.ops[each] for each in self.past(op.op_id)], {}, self.roots)
        return 0 if known.status(claim.op_id) == 0 else 2

    def receives(self, op):
        """S29."""
        revocation = self.ops[op.body["revocation_op"]]
        cap = self.caps.get(op.body["cap_id"])
        return (
            cap is not None
            and revocation.body["cap_id"] == cap.cap_id
            and self.speaks(op.author, cap.audience, op.op_id)
            and self.revokes(revocation.op_id)
        )

    def effective(self, op_id):
        """S13."""
        return self.standing(op_id) == 0 and not self.refuted(op_id)

    def refuted(self, op_id):
        """S12."""
        against = [op for op in self.of_type("refutation") if op.body["target"] == op_id]
        return any(self.effective(op.op_id) for op in against)

    def status(self, op_id):
        op, standing = self.ops[op_id], self.standing(op_id)
        if standing == 3:
            return 3
        if op.type == "refutation":
            return 4 if standing == 4 or self.refuted(op_id) else 0
        if op.type in {"evidence", "claim"}:
            if self.refuted(op_id):
                return 1
            return 2 if any(self.status(each) for each in derived_from(op)) else 0
        if op.type == "grant":
            links = {cap.cap_id for cap in self.links(parse_cap(op.body["cap"]).cap_id)}
            revocations = self.of_type("revocation")
            hit = any(r.body["cap_id"] in links and self.revokes(r.op_id) for r in revocations)
            return 5 if hit else 0
        if op.type == "attestation":
            return standing or (6 if self.status(references(op)[0].op_id) else 0)
        return standing
