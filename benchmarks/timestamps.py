"""OpenTimestamps against python-opentimestamps: running, reading and writing files; batches."""

from __future__ import annotations

import random
from collections.abc import Callable

from opentimestamps.core.notary import PendingAttestation
from opentimestamps.core.serialize import BytesDeserializationContext, BytesSerializationContext
from opentimestamps.core.timestamp import DetachedTimestampFile, make_merkle_tree
from opentimestamps.core.timestamp import Timestamp as StockTimestamp

from benchmarks.table import SEED, Findings, Timing, compare, timed, trial
from lodestamp.core.merkle import InclusionProof, WholeTree, leaf_hashes
from lodestamp.core.timestamps import (
    ENTRY_OPS,
    LEAF_OPS,
    SHA256,
    BitcoinHeader,
    Detached,
    Op,
    Pending,
    anchor_ops,
    apply_ops,
    attested,
    encode_detached,
    encode_path,
    lead_to,
    merge,
    parse_detached,
    path_ops,
    replay,
    transaction_ops,
    walk,
)

SMALL, LARGE = 688, 1_746
"""Bytes of a complete file of one calendar, and of our own beside two calendars that still wait."""
_PROMISE = Pending("https://calendar.example")


def findings(*, quick: bool) -> Findings:
    """Run and read files of two sizes, and aggregate 10,000 digests (1,000 when quick)."""
    draw = random.Random(SEED)
    times = 200 if quick else 1_000
    for size, source in ((SMALL, _small(draw)), (LARGE, _large(draw))):
        assert len(source) == size
        yield from _running(source, times)
    yield from _aggregating(draw, 1_000 if quick else 10_000)


def _small(draw: random.Random) -> bytes:
    """Return a path through a calendar's tree, a transaction and a block of ten levels."""
    ops = [Op.append(draw.randbytes(16)), SHA256]
    for _ in range(3):
        ops += [Op.append(draw.randbytes(32)), SHA256]
    return _complete(draw, ops, levels=10, size=SMALL, calendars=0)


def _large(draw: random.Random) -> bytes:
    """Return the way of an operation in a log of a million, with two calendars that wait."""
    hashes = tuple(draw.randbytes(32) for _ in range(20))
    path = path_ops(InclusionProof(0xB5A2C, 1 << 20, hashes))
    ops = [*ENTRY_OPS, *path, *anchor_ops("log.example/main", 1 << 20)]
    return _complete(draw, ops, levels=12, size=LARGE, calendars=2)


def _complete(
    draw: random.Random, ops: list[Op], *, levels: int, size: int, calendars: int
) -> bytes:
    """Lead from a digest by `ops`, a transaction and a block to a header, in exactly `size` bytes.

    The transaction's first part fills up what is missing.
    """
    digest = draw.randbytes(32)
    start = apply_ops(ops, digest)
    branch = [draw.randbytes(32) for _ in range(levels)]
    waiting = [
        lead_to(start, [nonce, SHA256], attested(apply_ops([nonce, SHA256], start), _PROMISE))
        for nonce in (Op.append(draw.randbytes(16)) for _ in range(calendars))
    ]
    for length in range(1, size):
        block = transaction_ops(bytes(length), bytes(4), branch, 0b0101)
        root = attested(apply_ops(block, start), BitcoinHeader(900_000))
        end = lead_to(start, block, root)
        for each in waiting:
            end = merge(end, each)
        source = encode_detached(Detached(SHA256, lead_to(digest, ops, end)))
        if len(source) == size:
            return source
    raise AssertionError(size)


def _stock(source: bytes) -> DetachedTimestampFile:
    return DetachedTimestampFile.deserialize(BytesDeserializationContext(source))


def _running(source: bytes, times: int) -> Findings:
    """Run one file, read it as a tree, and write it, many times."""
    own, stock = parse_detached(source), _stock(source)
    assert {(msg, each.payload) for msg, each in walk(own.timestamp)} == {
        (msg, payload) for msg, _, payload in replay(source)
    }
    assert {msg for msg, _ in stock.timestamp.all_attestations()} == {
        msg for msg, _, _ in replay(source)
    }

    def write_stock() -> None:
        for _ in range(times):
            context = BytesSerializationContext()
            stock.serialize(context)

    peer = "python-opentimestamps 0.4.5"
    for measure, ours, theirs, aim in (
        ("read and run", lambda: replay(source), None, 5),
        ("read into a tree", lambda: parse_detached(source), None, None),
        ("write", lambda: encode_detached(own), write_stock, None),
    ):
        yield compare(
            f"{measure} a timestamp file of {len(source):,} bytes",
            unit="file",
            ours=trial(lambda ours=ours: _repeat(ours, times), times),  # type: ignore[misc]
            peer=peer,
            theirs=trial(theirs or (lambda: _repeat(lambda: _stock(source), times)), times),
            aim=aim,
        )


def _repeat(work: Callable[[], object], times: int) -> None:
    for _ in range(times):
        work()


def _aggregating(draw: random.Random, count: int) -> Findings:
    """Make one tree of a batch of digests: its root alone, and with every digest's way to it."""
    messages = [draw.randbytes(32) for _ in range(count)]
    tree = WholeTree(leaf_hashes(messages))
    for at in (0, count // 3, count - 1):
        assert apply_ops((*LEAF_OPS, *path_ops(tree.prove(at))), messages[at]) == tree.root

    def stock_tree() -> Timing:
        stamps = [StockTimestamp(message) for message in messages]
        return timed(lambda: make_merkle_tree(stamps), count)

    def stock_answers() -> Timing:
        stamps = [StockTimestamp(message) for message in messages]

        def work() -> None:
            make_merkle_tree(stamps).attestations.add(PendingAttestation(_PROMISE.uri))
            for stamp in stamps:
                stamp.serialize(BytesSerializationContext())

        return timed(work, count)

    def own_answers() -> None:
        whole = WholeTree(leaf_hashes(messages))
        for at in range(count):
            encode_path((*LEAF_OPS, *path_ops(whole.prove(at))), _PROMISE)

    yield compare(
        f"aggregate a batch of {count:,} digests, every path at hand",
        unit="digest",
        ours=trial(lambda: WholeTree(leaf_hashes(messages)), count),
        peer="make_merkle_tree",
        theirs=stock_tree,
        aim=10,
    )
    yield compare(
        f"the same, and write the {count:,} answers",
        unit="digest",
        ours=trial(own_answers, count),
        peer="make_merkle_tree, serialize",
        theirs=stock_answers,
        rounds=3,
    )
