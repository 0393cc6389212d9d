"""The seven kinds of covenant and what each leaf says, as values (covenants spec §4).

The parameters of a kind are exactly what its leaf holds, so that a leaf and its parameters are two
spellings of one thing.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import ClassVar, Final

from lodestamp.core.bitcoin import is_xonly
from lodestamp.errors import CovenantError

ANCHOR_TAG: Final = b"PRV1"
"""The first bytes after OP_RETURN in an output that a covenant forces."""
RAW_CID_HEAD: Final = bytes.fromhex("01551220")
"""CIDv1, codec raw, SHA-256 of 32 bytes."""
BATCH_DEPTH_MAX: Final = 40
"""Levels of a batch's tree: 2^40 members, in a leaf of 433 bytes."""
PATH_LEVELS_MAX: Final = 8
"""Inner blocks of a path: with eight links each they span 2^42 bytes in leaves of 256 KiB."""
CHUNK_ITEMS_MAX: Final = 7
"""Witness items one element is joined from: 7 items of 80 bytes hold the 520 of an element."""


class Kind(StrEnum):
    """What a covenant demands of whoever spends its coin."""

    T1 = "T1"
    """CID lock: the spender publishes the bytes of a raw block."""
    T2 = "T2"
    """Batch member: the spender shows a CID in a tree of RFC 9162."""
    T2B = "T2B"
    """DAG path: the spender shows a leaf, or its digest, under the root of a file's DAG."""
    T3 = "T3"
    """Template: the outputs are fixed by CHECKTEMPLATEVERIFY."""
    T4 = "T4"
    """Fixed outputs: the same by OP_CAT and a signature that is a hash."""
    T5 = "T5"
    """Repeating anchor: the coin goes on to the same script, beside a batch's root."""
    T6 = "T6"
    """State-chained anchor: the same, and the value published also holds the one before."""


@dataclass(frozen=True, slots=True)
class CidLock:
    """T1: the 36-byte CID of a raw block, in how many items it is shown, the owner's x-only key."""

    cid: bytes
    chunks: int
    owner: bytes
    kind: ClassVar[Kind] = Kind.T1

    def __post_init__(self) -> None:
        if len(self.cid) != 36 or not self.cid.startswith(RAW_CID_HEAD):
            raise CovenantError("the CID of a raw block under SHA-256 is needed", code="cid")
        _require_count("items of the content", self.chunks, 1, CHUNK_ITEMS_MAX)
        _require_owner(self.owner)


@dataclass(frozen=True, slots=True)
class BatchMember:
    """T2: the root of the batch's tree, the length of the member's path, the owner's key."""

    root: bytes
    depth: int
    owner: bytes
    kind: ClassVar[Kind] = Kind.T2

    def __post_init__(self) -> None:
        _require_hash("root", self.root)
        _require_count("levels of the batch", self.depth, 0, BATCH_DEPTH_MAX)
        _require_owner(self.owner)


@dataclass(frozen=True, slots=True)
class DagPath:
    """T2B: the root block's digest, the items of each inner block, those of the leaf, the owner.

    `levels` holds, lowest block first, into how many items what stands before the link's digest is
    cut, and what stands after. `chunks` is the items of the leaf; None where its digest is shown.
    """

    root: bytes
    levels: tuple[tuple[int, int], ...]
    chunks: int | None
    owner: bytes
    kind: ClassVar[Kind] = Kind.T2B

    def __post_init__(self) -> None:
        _require_hash("root digest", self.root)
        _require_count("levels of the path", len(self.levels), 1, PATH_LEVELS_MAX)
        for prefix, suffix in self.levels:
            _require_count("items before a link's digest", prefix, 1, CHUNK_ITEMS_MAX)
            _require_count("items after a link's digest", suffix, 1, CHUNK_ITEMS_MAX)
        if self.chunks is not None:
            _require_count("items of the leaf", self.chunks, 1, CHUNK_ITEMS_MAX)
        _require_owner(self.owner)


@dataclass(frozen=True, slots=True)
class Template:
    """T3: the template hash of BIP-119, 32 bytes."""

    template_hash: bytes
    kind: ClassVar[Kind] = Kind.T3

    def __post_init__(self) -> None:
        _require_hash("template hash", self.template_hash)


@dataclass(frozen=True, slots=True)
class FixedOutputs:
    """T4: SHA-256 of all outputs as BIP-341 hashes them, 32 bytes."""

    outputs_hash: bytes
    kind: ClassVar[Kind] = Kind.T4

    def __post_init__(self) -> None:
        _require_hash("hash of the outputs", self.outputs_hash)


@dataclass(frozen=True, slots=True)
class Anchor:
    """T5: the owner's key, or None where anyone may write the next root."""

    owner: bytes | None
    kind: ClassVar[Kind] = Kind.T5

    def __post_init__(self) -> None:
        if self.owner is not None:
            _require_owner(self.owner)


@dataclass(frozen=True, slots=True)
class ChainedAnchor:
    """T6: the owner's key, or None where anyone may write the next state."""

    owner: bytes | None
    kind: ClassVar[Kind] = Kind.T6

    def __post_init__(self) -> None:
        if self.owner is not None:
            _require_owner(self.owner)


Params = CidLock | BatchMember | DagPath | Template | FixedOutputs | Anchor | ChainedAnchor


def owner_of(params: Params) -> bytes | None:
    """Return the x-only key whose signature the leaf asks for; None where it asks for none."""
    return None if isinstance(params, Template | FixedOutputs) else params.owner


def deployments_of(kind: Kind) -> frozenset[str]:
    """Return the soft forks that a chain must have active for the kind to bind anyone."""
    return frozenset({"checktemplateverify" if kind is Kind.T3 else "opcat"})


def _require_count(what: str, count: int, least: int, most: int) -> None:
    if not least <= count <= most:
        raise CovenantError(f"{what}: {count}, not {least} to {most}", code="count")


def _require_hash(what: str, value: bytes) -> None:
    if len(value) != 32:
        raise CovenantError(f"a {what} has 32 bytes, not {len(value)}", code="hash")


def _require_owner(owner: bytes) -> None:
    if not is_xonly(owner):
        raise CovenantError("the owner's key is not the x of a point", code="owner")
