"""Proofs to test with: made from fixed seeds, with a tree built the slow way.

The Merkle tree here is the recursive definition of RFC 9162 §2.1.1 and §2.1.3.1, so that a proof
made in a test does not lean on the code that checks it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from hashlib import sha256
from typing import Any

from lodestamp.core.content import DEFAULT, address_file, get_profile
from lodestamp.core.encoding import OP_CID_PREFIX, canonical_json
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import Operation, build_op, claim, evidence
from lodestamp.core.proof import (
    CONTENT_KIND,
    STATEMENT_PREDICATE,
    Checkpoint,
    Content,
    Log,
    Proof,
    from_parts,
)
from lodestamp.core.transparency import (
    ED25519_NOTE,
    NoteSigner,
    VerifierKey,
    sign_note,
)
from lodestamp.core.transparency import Checkpoint as NoteCheckpoint

ORIGIN = "log.example/proofs"
NODE = "press-1"
TIME = 1_767_225_600
"""2026-01-01T00:00:00Z, in Unix seconds."""


LEDGER: dict[str, Any] = {
    "engine": "embedded",
    "chain": "example",
    "height": 7,
    "transaction": "dHg=",
    "index": 0,
    "count": 1,
    "path": "",
    "header": {"height": 7},
    "finality": {"form": "authority"},
}
"""A ledger section by its shape alone: this version reads no further."""


def key(label: str) -> SigningKey:
    """Return the Ed25519 key whose seed is the SHA-256 of a label."""
    return SigningKey.from_seed("ed25519", sha256(f"lodestamp vectors: {label}".encode()).digest())


AUTHOR, STRANGER, LOG_KEY, OTHER_LOG_KEY = map(key, ("author", "stranger", "log", "other log"))


def operation(kind: str, body: dict[str, Any], signer: SigningKey = AUTHOR) -> Operation:
    return build_op(signer, NODE, kind, body, (), TIME)


def content_of(data: bytes, profile: str = DEFAULT) -> Content:
    return Content(address_file((data,), get_profile(profile)).cid, profile, len(data))


def statement_of(content: Content, **more: Any) -> dict[str, Any]:
    return {**content.as_json(), **more}


def evidence_of(
    stated: Any, *, kind: str = CONTENT_KIND, signer: SigningKey = AUTHOR, source: str | None = None
) -> Operation:
    """Return the evidence that states this content, as ``stamp`` records it."""
    source = source or f"ipfs://{stated['cid']}"
    body = evidence(source=source, kind=kind, content=stated, captured_at=TIME)
    return operation("evidence", body, signer)


def claim_of(
    sources: Iterable[Operation],
    value: Any = "I wrote this report.",
    subject: str | None = None,
    predicate: str | None = None,
) -> Operation:
    """Return a claim as ``stamp`` makes it, about the content that the first source states.

    One with a subject of its own, or with no such source, says something of another kind.
    """
    sources = list(sources)
    stated = sources[0].body.get("content") if sources else None
    about = stated.get("cid") if isinstance(stated, dict) else None
    if predicate is None:
        predicate = STATEMENT_PREDICATE if about and not subject else "example/says"
    subject = subject or (about if isinstance(about, str) else "the report")
    body = claim(
        subject=subject,
        predicate=predicate,
        object=value,
        confidence_bp=10_000,
        derived_from=[source.op_id for source in sources],
        deriver="lodestamp/stamp",
        rationale="stamp",
    )
    return operation("claim", body)


def tree_root(leaves: list[bytes]) -> bytes:
    """MTH of RFC 9162 §2.1.1 over leaf hashes."""
    if len(leaves) == 1:
        return leaves[0]
    split = 1 << (len(leaves) - 1).bit_length() - 1
    return sha256(b"\x01" + tree_root(leaves[:split]) + tree_root(leaves[split:])).digest()


def tree_path(leaves: list[bytes], index: int) -> list[bytes]:
    """PATH of RFC 9162 §2.1.3.1 over leaf hashes."""
    if len(leaves) == 1:
        return []
    split = 1 << (len(leaves) - 1).bit_length() - 1
    if index < split:
        return [*tree_path(leaves[:split], index), tree_root(leaves[split:])]
    return [*tree_path(leaves[split:], index - split), tree_root(leaves[:split])]


def entry_leaves(entry: bytes, index: int, size: int) -> list[bytes]:
    """Return the leaf hashes of a log in which `entry` stands among made-up operations."""
    digests = (sha256(f"filler {at}".encode()).digest() for at in range(size))
    entries = [OP_CID_PREFIX + digest for digest in digests]
    entries[index] = entry
    return [sha256(b"\x00" + item).digest() for item in entries]


def log_vkey(signer: SigningKey = LOG_KEY, origin: str = ORIGIN) -> VerifierKey:
    return VerifierKey(origin, ED25519_NOTE, signer.public_key.raw)


def sealed(
    subject: Operation,
    index: int = 0,
    size: int = 1,
    *,
    origin: str = ORIGIN,
    signer: SigningKey = LOG_KEY,
) -> tuple[Log, Checkpoint]:
    """Return the place of an operation in a log of `size`, and the checkpoint of that log."""
    leaves = entry_leaves(subject.entry, index, size)
    note = signed_note(origin, size, tree_root(leaves), signer)
    path = b"".join(tree_path(leaves, index))
    return Log(origin, index, size, path), Checkpoint(note, (log_vkey(signer, origin),))


def signed_note(origin: str, size: int, root: bytes, signer: SigningKey = LOG_KEY) -> str:
    text = NoteCheckpoint(origin, size, root).text()
    return sign_note(text, [NoteSigner(origin, signer)]).decode()


def proof_of_content(data: bytes = b"hello world\n", index: int = 2, size: int = 5) -> Proof:
    """Return the smallest usual proof: an evidence of a small file in a small log."""
    content = content_of(data)
    subject = evidence_of(statement_of(content))
    return from_parts(subject, (), content, *sealed(subject, index, size))


def edited(proof: Proof | bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    """Return the canonical bytes of a proof file after `change` had its way with the JSON."""
    value = json.loads(proof if isinstance(proof, bytes) else proof.encode())
    change(value)
    return canonical_json(value)


def resigned(wire: dict[str, Any], signer: SigningKey = AUTHOR) -> dict[str, Any]:
    """Return a version-1 wire object signed anew, whatever is wrong with its fields."""
    signed = {name: wire[name] for name in wire if name not in ("sig", "op_id")}
    return identified({**signed, "sig": _base64(signer.sign(canonical_json(signed)))})


def identified(wire: dict[str, Any]) -> dict[str, Any]:
    """Return a wire object with the op id of the rest of it."""
    block = {name: wire[name] for name in wire if name != "op_id"}
    return {**block, "op_id": "sha256:" + sha256(canonical_json(block)).hexdigest()}


def _base64(data: bytes) -> str:
    from base64 import b64encode

    return b64encode(data).decode()
