"""Authority to test with: chains of grants, identities, and state notes, made from fixed seeds.

The state tree is built the slow way, as in `proofs`.
"""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from lodestamp.core.encoding import canonical_json
from lodestamp.core.keys import KeyEvent, SigningKey, next_key_digest
from lodestamp.core.operations import (
    Cap,
    Operation,
    StateNote,
    build_cap,
    build_op,
    grant,
    parse_cap,
)
from lodestamp.core.operations import key as key_body
from lodestamp.core.proof import (
    Authority,
    AuthorityState,
    Content,
    Proof,
    authority_from,
    from_parts,
)
from lodestamp.core.transparency import NoteSigner, sign_note
from proofs import (
    LOG_KEY,
    NODE,
    ORIGIN,
    OTHER_LOG_KEY,
    STRANGER,
    TIME,
    content_of,
    edited,
    evidence_of,
    identified,
    key,
    sealed,
    statement_of,
    tree_path,
    tree_root,
)

DATA = b"hello world\n"
ROOT = key("root")
AGENTS = tuple(key(f"agent {at}") for at in range(1, 6))
"""Those to whom a chain passes on: each link's audience, the next link's issuer."""
COMMANDS = ("/grant/create", "/proof/create")
HOUR = 3_600


def written(
    signer: SigningKey, kind: str, body: dict[str, Any], *, cap: str | None = None, ts: int = TIME
) -> Operation:
    """Return an operation of version 2."""
    return build_op(signer, NODE, kind, body, (), ts, version=2, seq=0, cap=cap)


def cap_of(signer: SigningKey, audience: str, parent: Cap | None = None, **changes: Any) -> Cap:
    """Return a capability that is narrower than `parent`, but for the changes."""
    fields: dict[str, Any] = {
        "predicates": ["prefers.*"],
        "commands": COMMANDS,
        "not_before": TIME - HOUR,
        "expires_at": TIME + HOUR,
        "nonce": sha256(f"{signer.key_id} to {audience}".encode()).digest()[:16],
        "depth_left": parent.depth_left - 1 if parent else 4,
        "parent": parent.cap_id if parent else None,
        "subject": parent.subject if parent else None,
    }
    return build_cap(signer, audience=audience, **{**fields, **changes})


def granted(
    signer: SigningKey, cap: Cap, *, acting: str | None = None, ts: int = TIME
) -> Operation:
    """Return the grant of a capability; by default made under its parent."""
    return written(signer, "grant", grant(cap), cap=acting or cap.parent, ts=ts)


def chain_of(links: int, **changes: Any) -> list[Operation]:
    """Return grants from the root to the agent of that number; the last one with the changes."""
    grants: list[Operation] = []
    parent: Cap | None = None
    for at in range(links):
        signer = ROOT if at == 0 else AGENTS[at - 1]
        last = changes if at == links - 1 else {}
        parent = cap_of(signer, AGENTS[at].key_id, parent, **last)
        grants.append(granted(signer, parent))
    return grants


def cap_id_of(grants: list[Operation]) -> str:
    """Return the id of the last capability of a chain."""
    cap: Any = grants[-1].body["cap"]
    return str(cap["cap_id"])


def content() -> Content:
    return content_of(DATA)


def evidence_by(signer: SigningKey, cap: str | None = None, ts: int = TIME) -> Operation:
    """Return the evidence of the content by this author, under a capability if it names one."""
    body: Any = evidence_of(statement_of(content())).body
    return written(signer, "evidence", dict(body), cap=cap, ts=ts)


def under(grants: list[Operation], signer: SigningKey | None = None, ts: int = TIME) -> Operation:
    """Return the evidence that the last audience of a chain records under it."""
    return evidence_by(signer or AGENTS[len(grants) - 1], cap_id_of(grants), ts)


def identity(*labels: str, suite: str = "ed25519", entity: str = "agent") -> list[KeyEvent]:
    """Return the inception and the rotations of an identity whose keys have these labels."""
    keys = [signer_of(label, suite) for label in labels]
    promised = [next_key_digest(each.key_id) for each in keys[1:]]
    events = [
        KeyEvent.inception(
            entity,
            keys[0].public_key,
            nonce=bytes(16),
            next=promised[0] if promised else None,
        )
    ]
    for at, each in enumerate(keys[1:], start=1):
        promise = promised[at] if at < len(promised) else None
        events.append(events[-1].rotation(each.public_key, next=promise))
    return events


def key_op(event: KeyEvent, signer: SigningKey) -> Operation:
    """Return the operation that carries a key event."""
    return written(signer, "key", key_body(event))


def key_ops(*labels: str, entity: str = "agent") -> list[Operation]:
    """Return the key operations of an identity whose Ed25519 keys have these labels."""
    events = identity(*labels, entity=entity)
    return [key_op(event, key(label)) for event, label in zip(events, labels, strict=True)]


def signer_of(label: str, suite: str) -> SigningKey:
    """Return the key of a suite whose seed begins with the SHA-256 of a label."""
    seed = sha256(f"lodestamp vectors: {label}".encode()).digest()
    return SigningKey.from_seed(suite, seed * 2 if suite == "hybrid" else seed)


def state_of(
    subject: Operation,
    status: int = 0,
    *,
    size: int = 5,
    origin: str = ORIGIN,
    signer: SigningKey = LOG_KEY,
) -> AuthorityState:
    """Return the state of a log of `size` in which the operation has this status byte."""
    others = [sha256(f"filler {at}".encode()).digest() for at in range(size - 1)]
    leaves = sorted([subject.digest + bytes([status]), *(each + b"\0" for each in others)])
    index = leaves.index(subject.digest + bytes([status]))
    hashes = [sha256(b"\0" + leaf).digest() for leaf in leaves]
    text = StateNote(origin, size, tree_root(hashes), size).text()  # type: ignore[arg-type]
    note = sign_note(text, [NoteSigner(origin, signer)]).decode()
    return AuthorityState(note, index, b"".join(tree_path(hashes, index)))


def proof_with(
    subject: Operation, authority: Authority | None, *, content_too: bool = True
) -> Proof:
    """Return the proof of an operation that is entry 2 of a log of 5, with this authority."""
    stated = content() if content_too else None
    return from_parts(subject, (), stated, *sealed(subject, 2, 5), authority=authority)


def authority_proof(
    subject: Operation,
    grants: Iterable[Operation] = (),
    keys: Iterable[Operation] = (),
    state: AuthorityState | None = None,
) -> bytes:
    """Return the file of such a proof."""
    return proof_with(subject, authority_from(grants, keys, state)).encode()


def did_of(keys: list[Operation]) -> str:
    """Return the DID whose events these operations carry."""
    return KeyEvent.parse(keys[0].body["event"]).did


def for_identity(*labels: str, by: str) -> tuple[Operation, list[Operation], list[Operation]]:
    """Return what one key of an identity does under a grant to it, the grant, and the keys."""
    keys = key_ops(*labels)
    grants = [granted(ROOT, cap_of(ROOT, did_of(keys)))]
    return under(grants, key(by)), grants, keys


def by_suite(suite: str, keep: Callable[[str, Callable[[], Operation]], Operation]) -> bytes:
    """Return the proof of an author whose id only names the key; `keep` remembers signatures."""
    signer = signer_of(suite, suite)
    event = identity(suite, suite=suite)[0]
    begun = keep(f"{suite}_key", lambda: key_op(event, signer))
    subject = keep(f"{suite}_evidence", lambda: evidence_by(signer))
    return authority_proof(subject, (), [begun])


def _grant_changed(change: Callable[[dict[str, Any]], dict[str, Any]]) -> bytes:
    """Return the proof of a chain of two whose second grant was changed."""
    grants = chain_of(2)

    def replace(top: dict[str, Any]) -> None:
        top["authority"]["grants"][1] = change(top["authority"]["grants"][1])

    return edited(authority_proof(under(grants), grants), replace)


def _cap_changed(signer: SigningKey, *, renewed: bool = True, **changes: Any) -> bytes:
    """Return the proof of a root grant whose capability was changed, and signed anew."""
    document: dict[str, Any] = {**cap_of(ROOT, AGENTS[0].key_id).document, **changes}
    block = {name: value for name, value in document.items() if name not in {"cap_id", "sig"}}
    signature = signer.sign(b"lodestamp/cap/2\n" + canonical_json(block))
    block["sig"] = b64encode(signature).decode()
    if renewed:
        document["cap_id"] = "sha256:" + sha256(canonical_json(block)).hexdigest()
    body = {"cap": {**block, "cap_id": document["cap_id"]}}
    grants = [written(ROOT, "grant", body)]
    return authority_proof(under(grants), grants)


def _chain(links: int, ts: int = TIME, **changes: Any) -> bytes:
    """Return the proof of what is done under a chain whose last link has these changes."""
    grants = chain_of(links, **changes)
    return authority_proof(under(grants, ts=ts), grants)


def _issued_by_stranger() -> bytes:
    first = chain_of(1)
    parent = parse_cap(first[0].body["cap"])
    grants = [*first, granted(STRANGER, cap_of(STRANGER, AGENTS[1].key_id, parent))]
    return authority_proof(under(grants), grants)


def _granted_by_another() -> bytes:
    grants = [granted(STRANGER, cap_of(ROOT, AGENTS[0].key_id))]
    return authority_proof(under(grants), grants)


def _sixth_link() -> bytes:
    grants = chain_of(5)
    last = parse_cap(grants[-1].body["cap"])
    cap = cap_of(AGENTS[4], STRANGER.key_id, last, depth_left=0)
    subject = granted(AGENTS[4], cap)
    return proof_with(subject, authority_from(grants), content_too=False).encode()


def _link_not_granted_under_its_parent() -> bytes:
    first = chain_of(1)
    cap = cap_of(AGENTS[0], AGENTS[1].key_id, parse_cap(first[0].body["cap"]))
    grants = [*first, written(AGENTS[0], "grant", grant(cap))]
    return authority_proof(under(grants), grants)


def _no_grants_of_its_own() -> bytes:
    return authority_proof(evidence_by(AGENTS[0]), chain_of(1))


def _stolen_key() -> bytes:
    first = identity("first", "second")[0]
    thief = first.rotation(key("thief").public_key)
    keys = [key_op(first, key("first")), key_op(thief, key("thief"))]
    return authority_proof(evidence_by(key("thief")), (), keys)


def _keys_changed(change: Callable[[list[Any]], object]) -> bytes:
    subject, grants, keys = for_identity("first", "second", by="second")
    proof = authority_proof(subject, grants, keys)
    return edited(proof, lambda top: change(top["authority"]["keys"]))


def _stranger_keys() -> bytes:
    grants = chain_of(1)
    return authority_proof(under(grants), grants, key_ops("nobody here"))


def stated(status: int = 0, **made: Any) -> bytes:
    """Return the proof of a chain of one with the log's word for this status."""
    grants = chain_of(1)
    subject = under(grants)
    return authority_proof(subject, grants, (), state_of(subject, status, **made))


def _state_changed(name: str, change: Callable[[Any], Any]) -> bytes:
    def replace(top: dict[str, Any]) -> None:
        top["authority"]["state"][name] = change(top["authority"]["state"][name])

    return edited(stated(), replace)


def _another_character(note: str) -> str:
    at = len(note) - 20
    return note[:at] + ("A" if note[at] != "A" else "B") + note[at + 1 :]


def _wrong_audience() -> bytes:
    grants = chain_of(1)
    return authority_proof(under(grants, STRANGER), grants)


def _another_cap() -> bytes:
    grants = chain_of(2)
    return authority_proof(under(grants), grants[:1])


def _under_a_link_that_may_not_grant() -> bytes:
    first = granted(ROOT, cap_of(ROOT, AGENTS[0].key_id, commands=["/proof/create"]))
    parent = parse_cap(first.body["cap"])
    cap = cap_of(AGENTS[0], AGENTS[1].key_id, parent, commands=["/proof/create"])
    grants = [first, granted(AGENTS[0], cap)]
    return authority_proof(under(grants), grants)


DEFECTS: dict[str, tuple[str, Callable[[], bytes]]] = {
    "no_grant_among_grants": (
        "schema", lambda: _grant_changed(lambda _wire: json.loads(evidence_by(ROOT).wire)),
    ),
    "keys_out_of_order": ("key_event", lambda: _keys_changed(lambda keys: keys.reverse())),
    "keys_twice": ("schema", lambda: _keys_changed(lambda keys: keys.append(keys[-1]))),
    "keys_of_a_stranger": ("schema", _stranger_keys),
    "key_operation_changed": (
        "bad_signature", lambda: _keys_changed(
            lambda keys: keys.__setitem__(1, identified({**keys[1], "ts": 0}))
        ),
    ),
    "grant_changed": ("id_mismatch", lambda: _grant_changed(lambda wire: {**wire, "ts": 0})),
    "grant_changed_id_renewed": (
        "bad_signature", lambda: _grant_changed(lambda wire: identified({**wire, "ts": 0})),
    ),
    "cap_signed_by_another": ("bad_signature", lambda: _cap_changed(STRANGER)),
    "rotation_by_a_stolen_key": ("key_event", _stolen_key),
    "history_without_its_beginning": ("key_event", lambda: _keys_changed(lambda keys: keys.pop(0))),
    "cap_that_ends_as_it_begins": ("bad_cap", lambda: _cap_changed(ROOT, expires_at=TIME - HOUR)),
    "cap_with_another_id": (
        "cap_id_mismatch", lambda: _cap_changed(ROOT, renewed=False, cap_id="sha256:" + "0" * 64),
    ),
    "link_issued_by_a_stranger": ("bad_issuer", _issued_by_stranger),
    "grant_by_another": ("bad_issuer", _granted_by_another),
    "root_that_is_no_root": ("bad_issuer", lambda: _chain(1, subject=STRANGER.key_id)),
    "last_link_missing": ("chain_broken", _another_cap),
    "first_link_missing": (
        "chain_broken",
        lambda: edited(_chain(2), lambda top: top["authority"]["grants"].pop(0)),
    ),
    "grants_of_another": ("chain_broken", _no_grants_of_its_own),
    "chain_of_six": ("chain_too_long", _sixth_link),
    "wider_predicate": ("not_attenuated", lambda: _chain(2, predicates=["lives.in"])),
    "wider_command": ("not_attenuated", lambda: _chain(3, commands=["/refute"])),
    "longer_window": ("not_attenuated", lambda: _chain(2, expires_at=TIME + 2 * HOUR)),
    "author_is_not_the_audience": ("no_authority", _wrong_audience),
    "link_not_granted_under_its_parent": ("no_authority", _link_not_granted_under_its_parent),
    "before_it_begins": ("not_yet_valid", lambda: _chain(1, ts=TIME - HOUR - 1)),
    "granted_before_it_begins": ("not_yet_valid", lambda: _chain(1, not_before=TIME + 121)),
    "as_it_ends": ("expired", lambda: _chain(1, ts=TIME + HOUR)),
    "command_not_covered": ("out_of_scope", lambda: _chain(1, commands=["/claim"])),
    "resource_not_covered": ("out_of_scope", lambda: _chain(1, resources=["mail/*"])),
    "link_may_not_grant": ("out_of_scope", _under_a_link_that_may_not_grant),
    "state_note_is_none": ("bad_note", lambda: _state_changed("note", lambda _note: "moon\n")),
    "state_of_another_log": ("origin_mismatch", lambda: stated(origin="log.example/other")),
    "state_signature_changed": (
        "bad_signature", lambda: _state_changed("note", _another_character),
    ),
    "state_signed_by_another": ("no_log_signature", lambda: stated(signer=OTHER_LOG_KEY)),
    "state_of_a_smaller_log": ("index_range", lambda: stated(size=2)),
    "state_index_of_a_neighbour": (
        "path_invalid", lambda: _state_changed("index", lambda index: (index + 1) % 5),
    ),
    "state_path_cut": ("path_invalid", lambda: _state_changed("path", lambda _path: "")),
    "state_refuted": ("refuted", lambda: stated(1)),
    "state_source_invalid": ("source_invalid", lambda: stated(2)),
    "state_unauthorised": ("unauthorised", lambda: stated(3)),
    "state_ineffective": ("ineffective", lambda: stated(4)),
    "state_revoked": ("revoked", lambda: stated(5)),
    "state_stale": ("stale", lambda: stated(6)),
}  # fmt: skip
"""What refutes the ``authority`` leg: the reason, and the proof that has this one defect."""


def grants_absent() -> bytes:
    grants = chain_of(1)
    return authority_proof(under(grants), (), (), state_of(under(grants)))


def by_a_former_key(*, with_state: bool = False) -> bytes:
    """Return the proof of what a key did that the carried events have replaced."""
    subject, grants, keys = for_identity("first", "second", by="first")
    return authority_proof(subject, grants, keys, state_of(subject) if with_state else None)


def keys_absent() -> bytes:
    """Return the proof of what an identity did, without its key operations."""
    subject, grants, _keys = for_identity("first", "second", by="second")
    return authority_proof(subject, grants)
