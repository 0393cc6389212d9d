"""Judging a whole proof, beside the sum of the primitives that nobody could save."""

from __future__ import annotations

from collections.abc import Callable
from hashlib import sha256
from random import Random

import orjson
from nacl.bindings import crypto_sign_open

from benchmarks.merkle import log_entries, tree_of
from benchmarks.table import SEED, Fact, Findings, compare, trial
from lodestamp.core.content import DEFAULT, add_bytes, get_profile
from lodestamp.core.encoding import Digest, JsonObject
from lodestamp.core.keys import SigningKey
from lodestamp.core.merkle import InclusionProof, prove_inclusion
from lodestamp.core.operations import Operation, build_op, evidence
from lodestamp.core.proof import CONTENT_KIND, Checkpoint, Content, Log, from_parts, verify
from lodestamp.core.transparency import Checkpoint as TreeHead
from lodestamp.core.transparency import NoteSigner, open_note, sign_note
from lodestamp.core.verdict import Status

PROOFS_PER_SECOND_MIN = 2_000


def findings(*, quick: bool) -> Findings:
    """Verify one proof of a small file, 2^20 leaves deep (2^16 when quick), with its content."""
    content = Random(SEED).randbytes(1_000)
    key = SigningKey.from_seed("ed25519", bytes(32))
    root, _blocks = add_bytes(content, get_profile(DEFAULT))
    stated: JsonObject = {"cid": str(root.cid), "profile": root.profile, "size": root.size}
    body = evidence(
        source=f"ipfs://{root.cid}", kind=CONTENT_KIND, content=stated, captured_at=1_735_700_000
    )
    op = build_op(key, "laptop", "evidence", body, (), 1_735_700_000)

    entries = log_entries(1 << (16 if quick else 20))
    entries[len(entries) // 3] = op.entry
    tree_root, tiles = tree_of(entries)
    path = prove_inclusion(tiles, len(entries) // 3, len(entries))
    signer = NoteSigner("bench.example/log", key)
    note = sign_note(TreeHead(signer.name, path.size, Digest(tree_root)).text(), [signer])
    data = from_parts(
        op,
        content=Content(root.cid, root.profile, root.size),
        log=Log(signer.name, path.index, path.size, path.to_bytes()),
        checkpoint=Checkpoint(note.decode(), (signer.verifier_key,)),
    ).encode()
    assert verify(data, content=content).verdict is Status.ESTABLISHED

    def judge() -> None:
        for _ in range(100):
            verify(data, content=content)

    row = compare(
        f"verify a whole proof of {len(data):,} bytes, {len(path.hashes)} levels deep",
        unit="proof",
        ours=trial(judge, 100),
        peer="its primitives alone",
        theirs=trial(_primitives(data, content, op, path, (note, signer)), 100),
        rounds=5 if quick else 9,
    )
    yield row
    per_second = 1 / row.ours.cpu
    yield Fact(
        "… proofs per CPU-second",
        f"{per_second:,.0f}",
        aim=f"≥ {PROOFS_PER_SECOND_MIN:,}",
        is_met=per_second >= PROOFS_PER_SECOND_MIN,
    )


def _primitives(
    data: bytes,
    content: bytes,
    op: Operation,
    path: InclusionProof,
    sealed: tuple[bytes, NoteSigner],
) -> Callable[[], None]:
    """Return the least that any verifier does: parse and serialize once, two signatures, hashes."""
    note, signer = sealed
    raw = signer.verifier_key.public
    opened = open_note(note, [signer.verifier_key])
    signature = signer.signer.sign(opened.text.encode())
    signed = (op.sig + op.payload, signature + opened.text.encode())
    hashed = [content, op.block, b"\x00" + op.entry]
    hashed += [b"\x01" + each + each for each in path.hashes]

    def work() -> None:
        for _ in range(100):
            orjson.dumps(orjson.loads(data), option=orjson.OPT_SORT_KEYS)
            for message in signed:
                crypto_sign_open(message, raw)
            for message in hashed:
                sha256(message).digest()

    return work
