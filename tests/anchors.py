"""Anchors to test with: honest paths to headers that were worked for, where work is cheap.

Work on main and signet is not cheap, so one header of each was worked for once (`NONCES`): it is
over the anchor of `proof_of_content()` and of nothing else.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256

from headers import worked
from lodestamp.core.bitcoin import (
    REGTEST,
    BlockHeader,
    NetworkParams,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    is_xonly,
    network_named,
    sha256d,
)
from lodestamp.core.covenants import (
    Covenant,
    Kind,
    anchor_script,
    build,
    genesis_state,
    next_state,
)
from lodestamp.core.proof import (
    Anchor,
    AnchorChain,
    AnchorCovenant,
    AnchorKind,
    Proof,
    anchor_digest,
    compress_run,
)
from lodestamp.core.timestamps import (
    BitcoinHeader,
    Op,
    Pending,
    apply_ops,
    encode_path,
    state_ops,
    transaction_ops,
)
from lodestamp.core.transparency import Checkpoint, parse_checkpoint, parse_note
from proofs import ORIGIN, TIME, proof_of_content

HEIGHT = 930_000
CALENDAR = "https://calendar.example"
LEVELS = 12
"""Levels of a block of a few thousand transactions."""


def checkpoint_of(proof: Proof) -> Checkpoint:
    assert proof.checkpoint is not None
    return parse_checkpoint(parse_note(proof.checkpoint.note.encode()).text)


def digest_of(proof: Proof) -> bytes:
    """Return the anchor digest of a proof's checkpoint."""
    checkpoint = checkpoint_of(proof)
    return anchor_digest(checkpoint.origin, checkpoint.size, checkpoint.root)


def around(value: bytes) -> tuple[bytes, bytes]:
    """Return what stands before and behind 32 bytes that a transaction publishes (R56)."""
    coin = OutPoint(sha256(b"a coin").digest(), 0)
    outputs = (
        TxOut(90_000, b"\x51\x20" + sha256(b"a key").digest()),
        TxOut(0, b"\x6a\x20" + value),
    )
    encoded = Transaction(2, (TxIn(coin, sequence=0xFFFFFFFD),), outputs, 929_999).encode(
        witness=False
    )
    before, _, behind = encoded.partition(value)
    return before, behind


def branch(levels: int = LEVELS) -> list[bytes]:
    return [sha256(b"sibling %d" % level).digest() for level in range(levels)]


def ops_of(digest: bytes, levels: int = LEVELS) -> tuple[Op, ...]:
    """Return the operations from an anchor digest to the Merkle root of a block."""
    return transaction_ops(*around(digest), branch(levels), 1_234 & (1 << levels) - 1)


def first_header(merkle: bytes, net: NetworkParams, time: int = TIME + 3_600) -> BlockHeader:
    """Return a header over a Merkle root, not worked for yet."""
    return BlockHeader(
        0x20000000, sha256d(b"the block before"), merkle, time, net.pow_limit_bits, 0
    )


def mined_upon(first: BlockHeader, count: int) -> list[BlockHeader]:
    """Work for a header, and for as many upon it as make a run of `count`."""
    run = [worked(first)]
    while len(run) < count:
        before = run[-1]
        merkle = sha256d(b"block %d" % len(run))
        run.append(worked(replace(before, prev=before.hash, merkle=merkle, time=before.time + 600)))
    return run


@dataclass(frozen=True)
class Made:
    """An anchor and the headers it carries."""

    anchor: Anchor
    run: list[BlockHeader]


def complete(
    proof: Proof,
    network: str = "regtest",
    *,
    height: int = HEIGHT,
    count: int = 6,
    levels: int = LEVELS,
    time: int = TIME + 3_600,
) -> Made:
    """Return an anchor of a proof's checkpoint in a block that was mined for it."""
    digest = digest_of(proof)
    ops = ops_of(digest, levels)
    run = mined_upon(first_header(apply_ops(ops, digest), network_named(network), time), count)
    return Made(anchor_in(ops, run, network, height), run)


def anchor_in(
    ops: Sequence[Op], run: Sequence[BlockHeader], network: str = "regtest", height: int = HEIGHT
) -> Anchor:
    """Return the anchor of these operations and headers."""
    headers = compress_run([header.encode() for header in run])
    path = encode_path(ops, BitcoinHeader(height))
    return Anchor(AnchorKind.OTS, network, path, height, headers)


def pending(proof: Proof, network: str = "main", uri: str = CALENDAR) -> Anchor:
    """Return an anchor that a calendar has promised to complete."""
    assert digest_of(proof)
    ops = [Op.append(sha256(uri.encode()).digest()[:16]), Op(0x08), Op.append(b"\x01" * 8)]
    return Anchor(AnchorKind.OTS, network, encode_path(ops, Pending(uri)))


def with_anchors(proof: Proof, *anchors: Anchor) -> Proof:
    """Return a proof that carries these anchors and no others."""
    return replace(proof, anchors=tuple(sorted(anchors, key=lambda each: each.order)))


@dataclass(frozen=True)
class Chain:
    """A best chain by its first height and its hashes, in internal byte order."""

    network: NetworkParams
    start: int
    hashes: Sequence[bytes]

    def hash_at(self, height: int) -> bytes | None:
        place = height - self.start
        return self.hashes[place] if 0 <= place < len(self.hashes) else None

    def confirmations(self, block_hash: bytes) -> int:
        return len(self.hashes) - self.hashes.index(block_hash) if block_hash in self.hashes else 0


def store_of(
    run: Sequence[BlockHeader], net: NetworkParams = REGTEST, start: int = HEIGHT
) -> Chain:
    """Return the store of a verifier who knows these headers."""
    return Chain(net, start, [header.hash for header in run])


def chained(proof: Proof, before: int = 2, *, owner: bytes | None = None) -> Made:
    """Return an anchor of the kind `chain`, upon a genesis and `before` - 1 states more."""
    covenant = build(Kind.T6, owner=owner or xonly("owner"))
    state = genesis_state(ORIGIN)
    txs = [_publishing(covenant, state, OutPoint(sha256(b"two coins").digest(), 0))]
    roots = [sha256(b"batch %d" % number).digest() for number in range(before - 1)]
    for root in roots:
        state = next_state(state, root)
        txs.append(_publishing(covenant, state, OutPoint(txs[-1].txid, 0)))
    tip_ops = (Op.append(sha256(b"beside us").digest()), Op(0x08))
    tip = apply_ops(tip_ops, digest_of(proof))
    after = next_state(state, tip)
    last = _publishing(covenant, after, OutPoint(txs[-1].txid, 0)).encode(witness=False)
    prefix, _, suffix = last.partition(after)
    ops = (*tip_ops, *state_ops(state), *transaction_ops(prefix, suffix, branch(3), 5))
    run = mined_upon(first_header(apply_ops(ops, digest_of(proof)), REGTEST), 2)
    chain = AnchorChain(
        txs[0].txid,
        state,
        AnchorCovenant(
            bytes(covenant.leaf), tuple(each.encode(witness=False) for each in txs), tuple(roots)
        ),
    )
    anchor = replace(anchor_in(ops, run), kind=AnchorKind.CHAIN, chain=chain)
    return Made(anchor, run)


def xonly(label: str) -> bytes:
    """Return the x of a point, made from a label."""
    number = 0
    while not is_xonly(made := sha256(b"%s %d" % (label.encode(), number)).digest()):
        number += 1
    return made


def _publishing(covenant: Covenant, state: bytes, coin: OutPoint) -> Transaction:
    """Return a transaction of the shape that a T6 script rebuilds."""
    fee = OutPoint(sha256(state).digest(), 1)
    outputs = (TxOut(10_000, covenant.script_pubkey), TxOut(0, anchor_script(state)))
    return Transaction(2, (TxIn(coin), TxIn(fee)), outputs)


NONCES = {"main": 4_224_914_175, "signet": 7_072_067}
"""What headers over the anchor of `proof_of_content()` were worked for with, once: 2^32 hashes at
the easiest target of main, 2^22 on signet."""


def lone(network: str) -> Made:
    """Return the anchor of `proof_of_content()` in a lone header of the easiest target."""
    digest = digest_of(proof_of_content())
    ops = ops_of(digest)
    unworked = first_header(apply_ops(ops, digest), network_named(network))
    header = replace(unworked, nonce=NONCES[network])
    return Made(anchor_in(ops, [header], network), [header])
