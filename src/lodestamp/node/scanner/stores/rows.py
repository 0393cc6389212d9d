"""What a store keeps beside operations: blocks, the bytes that prove them, reorganisations."""

from __future__ import annotations

from dataclasses import dataclass

from lodestamp.core.bitcoin import TxOut
from lodestamp.core.ownership import BlockEffect


@dataclass(frozen=True, slots=True)
class BlockRow:
    """One block of the chain that was scanned.

    `hash` and `state_hash` are 32 bytes, the former in internal order; `header` is 80 bytes, `work`
    the hashes expected for the whole chain up to here.
    """

    height: int
    hash: bytes
    header: bytes
    work: int
    state_hash: bytes

    @property
    def previous(self) -> bytes:
        """The hash of the block before, as the header has it."""
        return self.header[4:36]


NOWHERE = -1
"""The place of a parent that stands further back than a scan looks: what it says is kept."""


@dataclass(frozen=True, slots=True)
class Evidence:
    """A transaction an operation or a flow rests on: primaries, their parents, hearts.

    `height` and `tx_index` are where it stands itself, both `NOWHERE` where only the source knows.
    `branch` leads from its txid to the Merkle root, None until it is known; `prevouts` are the
    outputs it spends, where owners needed them.
    """

    txid: bytes
    height: int
    tx_index: int
    raw: bytes
    branch: tuple[bytes, ...] | None = None
    prevouts: tuple[TxOut, ...] | None = None


Appended = tuple[BlockRow, BlockEffect, tuple[Evidence, ...]]
"""The next block of a store, what it did, and what that rests on."""


@dataclass(frozen=True, slots=True)
class Reorg:
    """That the chain changed: the last common height, the blocks undone, both tips, when (ms)."""

    fork_height: int
    depth: int
    old_tip: bytes
    new_tip: bytes
    seen_at: int


@dataclass(frozen=True, slots=True)
class Counts:
    """How much a store holds."""

    assets: int
    ops: int
    tips: int
    payments: int
