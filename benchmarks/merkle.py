"""The tree in memory: building, proving and verifying, against pymerkle and plain hashlib."""

from __future__ import annotations

import hashlib
import random
from collections.abc import Sequence

import pymerkle

from benchmarks.table import SEED, Findings, Timing, compare, timed, trial
from lodestamp.core.encoding import OP_CID_PREFIX
from lodestamp.core.merkle import (
    TILE_WIDTH,
    Frontier,
    InclusionProof,
    leaf_hashes,
    prove_inclusion,
    root,
    verify_inclusion,
)


class Tiles:
    """A tree's hashes in memory, as a store would hold them."""

    def __init__(self, levels: Sequence[bytes]) -> None:
        self._levels = levels

    def hashes(self, level: int, start: int, count: int) -> bytes:
        """Return `count` hashes of a tile level from `start`."""
        return self._levels[level][start * 32 : (start + count) * 32]


def findings(*, quick: bool) -> Findings:
    """Build a tree of 2^20 leaves (2^16 when quick), prove and verify inclusion in it."""
    size = 1 << (16 if quick else 20)
    entries = log_entries(size)
    tree: list[pymerkle.InmemoryTree] = []
    yield from _building(entries, tree)
    yield from _proving(entries, tree[0], quick=quick)


def log_entries(count: int) -> list[bytes]:
    """Return entries as the log has them: 36 bytes, the CIDs of operations that never were."""
    draw = random.Random(SEED)
    return [OP_CID_PREFIX + draw.randbytes(32) for _ in range(count)]


BATCH = 1_000
"""Leaves that a recorder appends at once."""


def tree_of(entries: Sequence[bytes]) -> tuple[bytes, Tiles]:
    """Return a tree's root and its tiles, grown in batches as a recorder grows it."""
    frontier = Frontier.EMPTY
    levels: list[bytearray] = []
    for at in range(0, len(entries), BATCH):
        frontier, gains = frontier.grow(leaf_hashes(entries[at : at + BATCH]))
        levels += [bytearray() for _ in gains[len(levels) :]]
        for level, gain in zip(levels, gains, strict=False):
            level.extend(gain)
    return frontier.root(), Tiles([bytes(level) for level in levels])


def _plain(entries: Sequence[bytes]) -> bytes:
    """Build the tree as anyone would with hashlib alone."""
    level = [hashlib.sha256(b"\x00" + entry).digest() for entry in entries]
    while len(level) > 1:
        odd = [level[-1]] if len(level) % 2 else []
        level = [
            hashlib.sha256(b"\x01" + level[at] + level[at + 1]).digest()
            for at in range(0, len(level) - 1, 2)
        ] + odd
    return level[0]


def _building(entries: list[bytes], kept: list[pymerkle.InmemoryTree]) -> Findings:
    """Build the tree that can prove, and the root alone; `kept` gets pymerkle's last tree."""
    size = len(entries)

    def pymerkle_tree() -> Timing:
        kept[:] = [pymerkle.InmemoryTree()]
        return timed(lambda: kept[0].append_entries(entries), size)

    yield compare(
        f"tree of {size:,} leaves, ready to prove",
        unit="leaf",
        ours=trial(lambda: tree_of(entries), size),
        peer="pymerkle InmemoryTree",
        theirs=pymerkle_tree,
        aim=12,
        rounds=3,
    )
    yield compare(
        f"root of {size:,} leaves",
        unit="leaf",
        ours=trial(lambda: root(leaf_hashes(entries)), size),
        peer="plain hashlib loop",
        theirs=trial(lambda: _plain(entries), size),
        aim=1.2,
    )


def _proving(entries: list[bytes], tree: pymerkle.InmemoryTree, *, quick: bool) -> Findings:
    size, rounds = len(entries), 3 if quick else 5
    top, tiles = tree_of(entries)
    assert top == tree.get_root() == root(leaf_hashes(entries)) == _plain(entries)
    draw = random.Random(SEED)
    scattered = [draw.randrange(size) for _ in range(500 if quick else 2_000)]
    first = draw.randrange(size // TILE_WIDTH) * TILE_WIDTH
    together = list(range(first, first + TILE_WIDTH)) * 4
    for how, indexes, aim in (
        ("scattered leaves", scattered, 5.0),
        ("leaves of one batch of 256", together, 5.0),
    ):
        yield compare(
            f"inclusion proof from tiles in memory, {how}",
            unit="proof",
            ours=lambda indexes=indexes: _prove(tiles, indexes, size),  # type: ignore[misc]
            peer="pymerkle InmemoryTree",
            theirs=lambda indexes=indexes: _prove_pymerkle(tree, indexes),  # type: ignore[misc]
            aim=aim,
            rounds=rounds,
        )
    yield from _verifying(tiles, tree, scattered, top, rounds)


def _prove(tiles: Tiles, indexes: list[int], size: int) -> Timing:
    return timed(lambda: [prove_inclusion(tiles, at, size) for at in indexes], len(indexes))


def _prove_pymerkle(tree: pymerkle.InmemoryTree, indexes: list[int]) -> Timing:
    return timed(lambda: [tree.prove_inclusion(at + 1) for at in indexes], len(indexes))


def _verifying(
    tiles: Tiles, tree: pymerkle.InmemoryTree, indexes: list[int], top: bytes, rounds: int
) -> Findings:
    """Verify proofs of the same leaves, as values and from the form in which each side stores them.

    The paths are equal; the form is joined bytes for ours and a JSON object for pymerkle.
    """
    size = tree.get_size()
    theirs = [(tree.get_leaf(at + 1), tree.prove_inclusion(at + 1)) for at in indexes]
    ours = [(tiles.hashes(0, at, 1), prove_inclusion(tiles, at, size)) for at in indexes]
    for (leaf, proof), (their_leaf, their_proof) in zip(ours, theirs, strict=True):
        assert leaf == their_leaf
        assert list(proof.hashes) == their_proof.path[1:]

    def verify_ours() -> None:
        for leaf, proof in ours:
            verify_inclusion(leaf, proof, top)

    def verify_theirs() -> None:
        for leaf, proof in theirs:
            pymerkle.verify_inclusion(leaf, top, proof)

    stored = [(leaf, proof.index, proof.to_bytes()) for leaf, proof in ours]
    their_stored = [(leaf, proof.serialize()) for leaf, proof in theirs]

    def read_and_verify_ours() -> None:
        for leaf, at, path in stored:
            verify_inclusion(leaf, InclusionProof.from_bytes(at, size, path), top)

    def read_and_verify_theirs() -> None:
        for leaf, form in their_stored:
            pymerkle.verify_inclusion(leaf, top, pymerkle.InclusionProof.deserialize(form))

    for measure, own, other in (
        ("verify an inclusion proof", verify_ours, verify_theirs),
        ("read and verify an inclusion proof", read_and_verify_ours, read_and_verify_theirs),
    ):
        yield compare(
            measure,
            unit="proof",
            ours=trial(own, len(indexes)),
            peer="pymerkle verify_inclusion",
            theirs=trial(other, len(indexes)),
            aim=2,
            rounds=rounds,
        )
