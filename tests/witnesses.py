"""Witnesses to test with, and notes that they cosigned."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from hashlib import sha256

from lodestamp.core.keys import Mldsa44Key
from lodestamp.core.proof import Proof
from lodestamp.core.transparency import Cosigner, parse_note
from proofs import ORIGIN, TIME, key

W1, W2, W3 = (Cosigner(f"witness.example/{name}", key(name)) for name in ("w1", "w2", "w3"))
SAME_KEY = Cosigner("witness.example/w9", key("w1"))
"""The key of W1 under another name."""
COSIGNED_AT = TIME + 60


def post_quantum(label: str, name: str | None = None) -> Cosigner:
    """Return a cosigner of type 06, whose seed is the SHA-256 of a label. It signs at random."""
    seed = sha256(f"lodestamp vectors: {label}".encode()).digest()
    return Cosigner(name or f"witness.example/{label}", Mldsa44Key.from_seed(seed))


def own_post_quantum() -> Cosigner:
    """Return the log's own key of type 06 (R17)."""
    return post_quantum("log pq", ORIGIN)


def line_of(note: str, witness: Cosigner, time: int = COSIGNED_AT) -> str:
    """Return the line of a witness under a note, with its newline."""
    return witness.sign(parse_note(note.encode()).text, time).line() + "\n"


def cosigned(proof: Proof, *witnesses: Cosigner, carry: Iterable[Cosigner] | None = None) -> Proof:
    """Return a proof whose note these witnesses cosigned; it carries their keys, or others."""
    assert proof.checkpoint is not None
    note = proof.checkpoint.note
    note += "".join(line_of(note, each) for each in witnesses)
    keys = {each.verifier_key for each in (witnesses if carry is None else carry)}
    vkeys = sorted({*proof.checkpoint.vkeys, *keys}, key=lambda each: each.text().encode())
    return replace(proof, checkpoint=replace(proof.checkpoint, note=note, vkeys=tuple(vkeys)))
