"""Judging a whole proof, beside the sum of the primitives that nobody could save.

And what a hostile file of the largest size costs at most.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from hashlib import sha256
from random import Random

import orjson
from nacl.bindings import crypto_sign_open

from benchmarks.merkle import log_entries, tree_of
from benchmarks.table import SEED, Fact, Findings, compare, trial
from lodestamp.core.bitcoin import (
    REGTEST,
    BlockHeader,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    meets_target,
)
from lodestamp.core.content import DEFAULT, add_bytes, get_profile
from lodestamp.core.encoding import Digest, JsonObject, canonical_json
from lodestamp.core.keys import SigningKey
from lodestamp.core.merkle import prove_inclusion
from lodestamp.core.operations import build_op, evidence, parse_op
from lodestamp.core.proof import (
    CONTENT_KIND,
    RUN_HEADERS,
    Anchor,
    AnchorChain,
    AnchorCovenant,
    AnchorKind,
    BitcoinTrust,
    Checkpoint,
    Content,
    Log,
    Proof,
    Trust,
    Unpinned,
    anchor_digest,
    compress_run,
    from_parts,
    replace_checkpoint,
    verify,
)
from lodestamp.core.timestamps import (
    BitcoinHeader,
    Op,
    Pending,
    apply_ops,
    encode_path,
    transaction_ops,
)
from lodestamp.core.transparency import Checkpoint as TreeHead
from lodestamp.core.transparency import (
    Cosigner,
    NoteSigner,
    cosign_message,
    parse_checkpoint,
    parse_note,
    sign_note,
    threshold_policy,
)
from lodestamp.core.verdict import Status

HEIGHT = 930_000
HOSTILE_S_MAX = 2
"""Seconds of CPU that any file may cost (transparency spec R78)."""
PROOFS_PER_SECOND_MIN = 2_000


def findings(*, quick: bool) -> Findings:
    """Verify a proof of a small file, 2^20 leaves deep (2^16 when quick), with its content.

    First with the log's checkpoint alone, then whole: two cosignatures, and an anchor with a block
    branch of 12 levels and six headers. Then the largest hostile files there are.
    """
    content = Random(SEED).randbytes(1_000)
    bare = _logged(content, 1 << (16 if quick else 20))
    whole, trust = _whole(bare)
    rounds = 5 if quick else 9
    for label, proof, trusted in (("with its log", bare, None), ("whole", whole, trust)):
        data = proof.encode()
        assert verify(data, trusted, content).verdict is Status.ESTABLISHED

        def judge(data: bytes = data, trusted: Trust | None = trusted) -> None:
            for _ in range(100):
                verify(data, trusted, content)

        row = compare(
            f"verify a proof of {len(data):,} bytes, {label}",
            unit="proof",
            ours=trial(judge, 100),
            peer="its primitives alone",
            theirs=trial(_primitives(proof, content), 100),
            rounds=rounds,
        )
        yield row
        per_second = 1 / row.ours.cpu
        yield Fact(
            f"… proofs per CPU-second, {label}",
            f"{per_second:,.0f}",
            aim=f"≥ {PROOFS_PER_SECOND_MIN:,}",
            is_met=per_second >= PROOFS_PER_SECOND_MIN,
        )
    for label, data in _hostile(whole):
        spent = trial(partial(_refuse, data), 1)().cpu
        yield Fact(
            f"hostile file, {label}, {len(data):,} bytes",
            f"{spent:.2f} s of CPU",
            aim=f"< {HOSTILE_S_MAX} s",
            is_met=spent < HOSTILE_S_MAX,
        )


def _refuse(data: bytes) -> None:
    assert verify(data, network="regtest").verdict is not Status.ESTABLISHED


def _logged(content: bytes, leaves: int) -> Proof:
    """Return a proof of a file in a log of so many operations."""
    key = SigningKey.from_seed("ed25519", bytes(32))
    root, _blocks = add_bytes(content, get_profile(DEFAULT))
    stated: JsonObject = {"cid": str(root.cid), "profile": root.profile, "size": root.size}
    body = evidence(
        source=f"ipfs://{root.cid}", kind=CONTENT_KIND, content=stated, captured_at=1_735_700_000
    )
    op = build_op(key, "laptop", "evidence", body, (), 1_735_700_000)
    entries = log_entries(leaves)
    entries[len(entries) // 3] = op.entry
    tree_root, tiles = tree_of(entries)
    path = prove_inclusion(tiles, len(entries) // 3, len(entries))
    signer = NoteSigner("bench.example/log", key)
    note = sign_note(TreeHead(signer.name, path.size, Digest(tree_root)).text(), [signer])
    return from_parts(
        op,
        content=Content(root.cid, root.profile, root.size),
        log=Log(signer.name, path.index, path.size, path.to_bytes()),
        checkpoint=Checkpoint(note.decode(), (signer.verifier_key,)),
    )


def _whole(proof: Proof) -> tuple[Proof, Trust]:
    """Return the proof with two witnesses and an anchor on regtest, and who believes all that."""
    assert proof.log is not None
    assert proof.checkpoint is not None
    text = proof.checkpoint.note.partition("\n\n")[0] + "\n"
    keys = [SigningKey.from_seed("ed25519", bytes([n] * 32)) for n in (1, 2)]
    witnesses = [Cosigner(f"bench.example/w{n}", key) for n, key in enumerate(keys)]
    lines = "".join(each.sign(text, 1_735_700_001).line() + "\n" for each in witnesses)
    vkeys = [each.verifier_key for each in witnesses]
    head = parse_checkpoint(text)
    digest = anchor_digest(head.origin, head.size, head.root)
    siblings = [sha256(b"%d" % level).digest() for level in range(12)]
    ops = transaction_ops(bytes(101), bytes(4), siblings, 1_234)
    run = [_mined(apply_ops(ops, digest), bytes(32), 0)]
    while len(run) < RUN_HEADERS:
        run.append(_mined(bytes(32), run[-1].hash, len(run)))
    anchor = Anchor(
        AnchorKind.OTS,
        "regtest",
        encode_path(ops, BitcoinHeader(HEIGHT)),
        HEIGHT,
        compress_run([each.encode() for each in run]),
    )
    checkpoint = Checkpoint(
        proof.checkpoint.note + lines,
        tuple(sorted((*proof.checkpoint.vkeys, *vkeys), key=lambda each: each.text())),
    )
    trust = Trust(
        unpinned=Unpinned.SELF_ASSERTED,
        witnesses=threshold_policy(2, vkeys),
        bitcoin=BitcoinTrust("regtest"),
    )
    return replace_checkpoint(proof, proof.log, checkpoint, [anchor]), trust


def _mined(merkle: bytes, prev: bytes, place: int) -> BlockHeader:
    nonce, time = 0, 1_735_703_600 + 600 * place
    while True:
        header = BlockHeader(0x20000000, prev, merkle, time, REGTEST.pow_limit_bits, nonce)
        if meets_target(header.hash, header.bits):
            return header
        nonce += 1


def _hostile(proof: Proof) -> list[tuple[str, bytes]]:
    """Return files that make a verifier work as hard as the limits let them."""
    end = encode_path([], Pending("a"))
    branches = [
        b"\xff\xf0\x02" + number.to_bytes(2, "big") + b"\x08" + end for number in range(4_990)
    ]
    wide = b"".join(branches) + b"\x08" + end
    paths = [encode_ops(Op.append(bytes([n + 1]) * 4_058)) + wide for n in range(8)]
    anchors = tuple(Anchor(AnchorKind.OTS, "main", path) for path in sorted(paths))
    outputs = tuple(TxOut(0, b"") for _ in range(250_000))
    crowd = Transaction(2, (TxIn(OutPoint(bytes(32), 0)),), outputs).encode(witness=False)
    covenant = AnchorCovenant(b"\x51", (crowd,))
    first = proof.anchors[0]
    chain = AnchorChain(bytes(32), bytes(32), covenant)
    crowded = replace(first, kind=AnchorKind.CHAIN, chain=chain)
    return [
        ("eight paths of 10,000 operations", replace(proof, anchors=anchors).encode()),
        ("a transaction of 250,000 outputs", replace(proof, anchors=(crowded,)).encode()),
    ]


def encode_ops(*ops: Op) -> bytes:
    """Return the bytes of operations, with no end behind them."""
    end = encode_path([], Pending("a"))
    return encode_path(ops, Pending("a")).removesuffix(end)


def _primitives(proof: Proof, content: bytes) -> Callable[[], None]:
    """Return the least that any verifier does: parse and write once, signatures, hashes."""
    data = proof.encode()
    op = parse_op(canonical_json(proof.subject.operation))
    assert proof.log is not None
    assert proof.checkpoint is not None
    note = parse_note(proof.checkpoint.note.encode())
    keys = {(vkey.name, vkey.key_id): vkey for vkey in proof.checkpoint.vkeys}
    raw = SigningKey.from_seed("ed25519", bytes(32)).public_key.raw
    signed = [(op.sig + op.payload, raw)]
    for line in note.signatures:
        vkey, blob, message = keys[line.name, line.key_id], line.blob, note.text.encode()
        if len(blob) > 64:
            message, blob = cosign_message(vkey, note.text, int.from_bytes(blob[:8])), blob[8:]
        signed.append((blob + message, vkey.public))
    hashed = [content, op.block, b"\x00" + op.entry]
    hashed += [b"\x01" + bytes(64)] * (len(proof.log.path) // 32)
    for anchor in proof.anchors:
        hashed += [bytes(64)] * (2 * 12 + 2) + [bytes(80)] * (2 * len(anchor.run()))

    def work() -> None:
        for _ in range(100):
            orjson.dumps(orjson.loads(data), option=orjson.OPT_SORT_KEYS)
            for message, public in signed:
                crypto_sign_open(message, public)
            for message in hashed:
                sha256(message).digest()

    return work
