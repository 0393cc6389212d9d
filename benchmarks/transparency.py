"""Witnesses: judging a post-quantum cosignature, and a whole request to cosign."""

from __future__ import annotations

from dilithium_py.ml_dsa import ML_DSA_44

from benchmarks.merkle import log_entries, tree_of
from benchmarks.table import Findings, compare, trial
from lodestamp.core.keys import Mldsa44Key, SigningKey
from lodestamp.core.merkle import ConsistencyProof, prove_consistency, root_at, verify_consistency
from lodestamp.core.transparency import (
    AddCheckpoint,
    Checkpoint,
    Cosigner,
    NoteSigner,
    Outcome,
    WitnessState,
    cosign_message,
    decide,
    encode_add_checkpoint,
    parse_add_checkpoint,
    parse_note,
    sign_note,
    verify_cosignature,
)

NOW = 1_735_700_000
COSIGNATURE_TIMES_MIN = 50


def findings(*, quick: bool) -> Findings:
    """Verify one ML-DSA-44 cosignature, and decide one request over 2^16 leaves."""
    cosigner = Cosigner("witness.example/w1", Mldsa44Key.from_seed(bytes(32)))
    text = Checkpoint("bench.example/log", 1 << 20, bytes(range(32))).text()
    line = cosigner.sign(text, NOW)
    vkey = cosigner.verifier_key
    message = cosign_message(vkey, text, NOW)
    signature = line.blob[8:]
    assert ML_DSA_44.verify(vkey.public, message, signature)
    assert verify_cosignature(vkey, text, line).time == NOW
    batch, rounds = (100, 2) if quick else (500, 10)

    def ours() -> None:
        for _ in range(batch):
            verify_cosignature(vkey, text, line)

    def theirs() -> None:
        for _ in range(rounds):
            ML_DSA_44.verify(vkey.public, message, signature)

    yield compare(
        "verify an ML-DSA-44 cosignature",
        unit="line",
        ours=trial(ours, batch),
        peer="dilithium-py",
        theirs=trial(theirs, rounds),
        aim=COSIGNATURE_TIMES_MIN,
        rounds=3,
    )
    yield from _deciding()


def _deciding() -> Findings:
    """Decide a request whole, beside the two checks that nobody could save."""
    old, size = 50_000, 1 << 16
    _root, tiles = tree_of(log_entries(size))
    state = WitnessState(old, root_at(tiles, old))
    signer = NoteSigner("bench.example/log", SigningKey.from_seed("ed25519", bytes(32)))
    root = root_at(tiles, size)
    note = parse_note(sign_note(Checkpoint(signer.name, size, root).text(), [signer]))
    hashes = prove_consistency(tiles, old, size).hashes
    body = encode_add_checkpoint(AddCheckpoint(old, hashes, note))
    keys = [signer.verifier_key]
    raw, message, blob = keys[0].public, note.text.encode(), note.signatures[0].blob
    assert decide(state, parse_add_checkpoint(body), keys).outcome is Outcome.COSIGN

    def ours() -> None:
        for _ in range(200):
            decide(state, parse_add_checkpoint(body), keys)

    def theirs() -> None:
        from lodestamp.core.keys import ed25519_verify

        for _ in range(200):
            ed25519_verify(raw, message, blob)
            verify_consistency(ConsistencyProof(old, size, hashes), state.root, root)

    yield compare(
        "decide a request to cosign",
        unit="request",
        ours=trial(ours, 200),
        peer="its two checks alone",
        theirs=trial(theirs, 200),
    )
