"""CMerkleBlock: a header with the part of its tree that leads to some transactions (BIP37).

It is what ``gettxoutproof`` returns. Every bit and every hash must be used, padding bits are zero,
and no two children are equal, so that one proof has one byte string (bitcoin spec R16).
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Final

from lodestamp.core.bitcoin.hashes import sha256d
from lodestamp.core.bitcoin.header import HEADER_SIZE, BlockHeader
from lodestamp.core.bitcoin.wire import Reader, compact_size
from lodestamp.errors import MalformedBitcoin, MalformedProof

MERKLE_BLOCK_TXS_MAX: Final = 16_666
"""Transactions of a block: 4,000,000 weight units, and none weighs less than 240 (BIP37, Core)."""


@dataclass(frozen=True, slots=True)
class MatchedTx:
    """A transaction that the proof is about: its place, its id, its siblings lowest first."""

    index: int
    txid: bytes
    branch: tuple[bytes, ...]


@dataclass(frozen=True, slots=True)
class MerkleBlock:
    """A header, how many transactions its block has, and those that were asked for."""

    header: BlockHeader
    total: int
    matches: tuple[MatchedTx, ...]


def decode_merkle_block(data: bytes) -> MerkleBlock:
    """Read a CMerkleBlock and check that it leads to its header's root.

    MalformedProof: ``total`` for none or more than 16,666 transactions, ``cut-short``, ``count``,
    ``trailing``, ``unused`` for bits or hashes left over, ``padding`` for a set bit behind the
    last, ``equal-children``, ``root``.
    """
    try:
        reader = Reader(data)
        header = BlockHeader.decode(reader.take(HEADER_SIZE))
        total = _require_total(reader.u32())
        hashes = [reader.take(32) for _ in range(reader.count(32))]
        flags = reader.var_bytes()
        reader.finish()
    except MalformedProof:
        raise
    except MalformedBitcoin as error:
        raise MalformedProof(error.code, error.what, at=error.at) from error
    walk = _Walk(total, hashes, flags)
    root = walk.node(walk.height, 0)
    walk.finish()
    if root != header.merkle:
        raise MalformedProof("root", "the tree does not lead to the header's root")
    return MerkleBlock(header, total, tuple(map(walk.match, walk.matched)))


def encode_merkle_block(
    header: BlockHeader, txids: Sequence[bytes], wanted: Collection[bytes]
) -> bytes:
    """Return the proof that the transactions `wanted` are among `txids`, all those of the block.

    MalformedProof ``total`` for no transaction at all, or too many.
    """
    total = _require_total(len(txids))
    levels = _levels(txids)
    bits: list[bool] = []
    hashes: list[bytes] = []

    def descend(level: int, place: int) -> None:
        below = txids[place << level : place + 1 << level]
        leads = any(txid in wanted for txid in below)
        bits.append(leads)
        if not leads or not level:
            hashes.append(levels[level][place])
            return
        descend(level - 1, 2 * place)
        if 2 * place + 1 < len(levels[level - 1]):
            descend(level - 1, 2 * place + 1)

    descend(len(levels) - 1, 0)
    flags = bytearray(-(-len(bits) // 8))
    for place, bit in enumerate(bits):
        flags[place >> 3] |= bit << (place & 7)
    parts = [header.encode(), total.to_bytes(4, "little"), compact_size(len(hashes)), *hashes]
    return b"".join([*parts, compact_size(len(flags)), bytes(flags)])


def _require_total(total: int) -> int:
    if not 0 < total <= MERKLE_BLOCK_TXS_MAX:
        raise MalformedProof("total", f"{total} transactions fit no block")
    return total


def _levels(txids: Sequence[bytes]) -> list[list[bytes]]:
    levels = [list(txids)]
    while len(levels[-1]) > 1:
        level = levels[-1]
        padded = level + level[-1:] * (len(level) % 2)
        pairs = range(0, len(padded), 2)
        levels.append([sha256d(padded[at] + padded[at + 1]) for at in pairs])
    return levels


class _Walk:
    """The depth-first walk that consumes bits and hashes; at most as deep as 2^15 leaves."""

    def __init__(self, total: int, hashes: Sequence[bytes], flags: bytes) -> None:
        self.total = total
        self.height = (total - 1).bit_length()
        self.matched: list[int] = []
        self._hashes = hashes
        self._flags = flags
        self._bits_used = 0
        self._hashes_used = 0
        self._known: dict[tuple[int, int], bytes] = {}

    def node(self, level: int, place: int) -> bytes:
        """Return the hash of a node, from the proof or from its children."""
        leads = self._bit()
        if not leads or level == 0:
            found = self._hash()
            if leads:
                self.matched.append(place)
        else:
            left = right = self.node(level - 1, 2 * place)
            if 2 * place + 1 < self._width(level - 1):
                right = self.node(level - 1, 2 * place + 1)
                if right == left:
                    raise MalformedProof("equal-children", "two children are equal")
            found = sha256d(left + right)
        self._known[level, place] = found
        return found

    def finish(self) -> None:
        """Refuse what the walk has not consumed."""
        if self._hashes_used != len(self._hashes) or -(-self._bits_used // 8) != len(self._flags):
            raise MalformedProof("unused", "bits or hashes are left over")
        if self._bits_used % 8 and self._flags[-1] >> self._bits_used % 8:
            raise MalformedProof("padding", "a bit is set behind the last")

    def match(self, index: int) -> MatchedTx:
        """Return a matched transaction with its branch, which the walk has passed by."""
        branch, place = [], index
        for level in range(self.height):
            sibling = place ^ 1
            if sibling >= self._width(level):
                sibling = place  # the last node of an odd level is its own sibling
            branch.append(self._known[level, sibling])
            place >>= 1
        return MatchedTx(index, self._known[0, index], tuple(branch))

    def _width(self, level: int) -> int:
        return self.total + (1 << level) - 1 >> level

    def _bit(self) -> bool:
        byte, bit = divmod(self._bits_used, 8)
        if byte >= len(self._flags):
            raise MalformedProof("cut-short", "the flags end too early")
        self._bits_used += 1
        return bool(self._flags[byte] >> bit & 1)

    def _hash(self) -> bytes:
        if self._hashes_used >= len(self._hashes):
            raise MalformedProof("cut-short", "the hashes end too early")
        self._hashes_used += 1
        return self._hashes[self._hashes_used - 1]
