"""Checking one operation: against libsodium alone, and against the same rules read naively."""

from __future__ import annotations

import base64
import hashlib
import json
import random
from collections.abc import Callable, Sequence
from typing import Any

import rfc8785
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from nacl.bindings import crypto_sign_open

from benchmarks.table import SEED, Findings, compare, trial
from lodestamp.core.encoding import address_of
from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import Operation, build_op, claim, parse_op, verify_op

_SENTENCE = (
    "the invoice of March was paid on time by transfer from the account named in the order and "
    "its total agrees with the sum of the lines that the supplier listed"
)
_WORDS = _SENTENCE.split()


def claims(count: int) -> list[Operation]:
    """Return signed claims whose wire form has about 1 kB, two sources and one parent each."""
    draw = random.Random(SEED)
    signer = SigningKey.from_seed("ed25519", draw.randbytes(32))
    return [_claim(draw, signer, number) for number in range(count)]


def _claim(draw: random.Random, signer: SigningKey, number: int) -> Operation:
    sources = sorted(address_of(draw.randbytes(32)) for _ in range(2))
    body = claim(
        subject=f"invoice/2025/{number:06}",
        predicate="settled-by",
        object={
            "amount_cents": draw.randrange(1, 10_000_000),
            "currency": "EUR",
            "lines": [{"item": draw.choice(_WORDS), "n": draw.randrange(100)} for _ in range(3)],
        },
        confidence_bp=draw.randrange(10_001),
        derived_from=sources,
        deriver="matcher/3",
        rationale=" ".join(draw.choices(_WORDS, k=32)),
    )
    return build_op(
        signer, "ledger", "claim", body, [address_of(draw.randbytes(32))], 1_735_700_000
    )


def findings(*, quick: bool) -> Findings:
    """Parse and verify claims of about 1 kB, from their wire form to the verdict."""
    ops = claims(100 if quick else 500)
    rounds = 5 if quick else 9
    wires = [op.wire for op in ops]
    size = sum(map(len, wires)) // len(wires)

    def verify_wires() -> None:
        for wire in wires:
            verify_op(parse_op(wire))

    ours = trial(verify_wires, len(wires))
    yield compare(
        f"parse and verify one claim of {size:,} bytes",
        unit="claim",
        ours=ours,
        peer="libsodium verify alone (PyNaCl)",
        theirs=trial(_bare(ops), len(ops)),
        aim=0.60,
        rounds=rounds,
    )

    def verify_in_two_passes() -> None:
        for wire in wires:
            _verify_in_two_passes(wire)

    yield compare(
        f"parse and verify one claim of {size:,} bytes",
        unit="claim",
        ours=ours,
        peer="json, rfc8785 twice, cryptography",
        theirs=trial(verify_in_two_passes, len(wires)),
        aim=2.5,
        rounds=rounds,
    )


def _bare(ops: Sequence[Operation]) -> Callable[[], None]:
    """Return what cannot be saved: libsodium on signature and payload, ready in one buffer."""
    signed = [(op.sig + op.payload, bytes.fromhex(op.author.partition(":")[2])) for op in ops]

    def verify() -> None:
        for message, raw in signed:
            crypto_sign_open(message, raw)

    return verify


def _verify_in_two_passes(wire: bytes) -> None:
    """Check canonical form, id and signature as the spec reads, serializing for each anew."""
    envelope: dict[str, Any] = json.loads(wire)
    assert rfc8785.dumps(envelope) == wire
    op_id = envelope.pop("op_id")
    assert op_id == "sha256:" + hashlib.sha256(rfc8785.dumps(envelope)).hexdigest()
    sig = base64.b64decode(envelope.pop("sig"), validate=True)
    raw = bytes.fromhex(envelope["author"].partition(":")[2])
    Ed25519PublicKey.from_public_bytes(raw).verify(sig, rfc8785.dumps(envelope))
