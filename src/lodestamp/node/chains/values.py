"""What a chain is asked for and what it answers, the same for every backend."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType

from lodestamp.core.bitcoin import Block, Coin, OutPoint, TxOut


@dataclass(frozen=True, slots=True, order=True)
class BlockRef:
    """A block of the best chain by height and hash (internal byte order)."""

    height: int
    hash: bytes

    @property
    def hash_display(self) -> str:
        """The hash as people write it."""
        return self.hash[::-1].hex()

    def __str__(self) -> str:
        return f"{self.height}:{self.hash_display}"


@dataclass(frozen=True, slots=True)
class BlockRecord:
    """A block at its height; `spent` holds, per transaction, the outputs its inputs spend.

    `spent` is None unless it was asked for; the coinbase spends none.
    """

    block: Block
    height: int
    spent: tuple[tuple[TxOut, ...], ...] | None = None

    @property
    def ref(self) -> BlockRef:
        """Height and hash."""
        return BlockRef(self.height, self.block.hash)


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What a backend can do.

    `txindex`: any transaction by its id. `ordered_bulk`: raw blocks in order. `prevouts`: spent
    outputs with a block. `proofs`: the node's own inclusion proofs. `packages`, `mining`, `reorg`,
    `fee_estimates` as they say. `deployments`: whether a soft fork, by name, is active.
    """

    txindex: bool = False
    ordered_bulk: bool = True
    prevouts: bool = False
    proofs: bool = False
    packages: bool = False
    mining: bool = False
    reorg: bool = False
    fee_estimates: bool = False
    deployments: Mapping[str, bool] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Unspent:
    """A coin of the best chain with the outpoint that names it."""

    outpoint: OutPoint
    coin: Coin


@dataclass(frozen=True, slots=True)
class Acceptance:
    """Whether a node would take a transaction now.

    `reason` is the node's own word and `script_error` the name of the script rule that failed;
    both None when allowed. `vsize` and `fee`, satoshis, are None where the node does not tell.
    """

    allowed: bool
    reason: str | None = None
    script_error: str | None = None
    vsize: int | None = None
    fee: int | None = None


@dataclass(frozen=True, slots=True)
class Connected:
    """A block has joined the best chain."""

    record: BlockRecord


@dataclass(frozen=True, slots=True)
class Disconnected:
    """A block has left the best chain."""

    ref: BlockRef


ChainEvent = Connected | Disconnected
