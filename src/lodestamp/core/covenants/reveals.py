"""What the spender of each kind shows: values, and the witness items they become.

The owner's signature is not among the items: a spend adds it where its kind has it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from struct import Struct
from typing import Final

from lodestamp.core.bitcoin import (
    ELEMENT_SIZE_MAX,
    WITNESS_ITEM_STANDARD_MAX,
    Transaction,
    TxOut,
    sha256,
)
from lodestamp.core.content import covenant_layout
from lodestamp.core.covenants.covenant import Covenant
from lodestamp.core.covenants.elements import cut, require_element
from lodestamp.core.covenants.forced import PREVIOUS_HEAD_SIZE, STATE_END, read_state
from lodestamp.core.covenants.kinds import BatchMember, CidLock, DagPath
from lodestamp.core.covenants.paths import check_path
from lodestamp.core.merkle import InclusionProof, leaf_hash, root_from
from lodestamp.errors import CovenantError, UsageError

_HEAD10: Final = slice(0, 10)
_HEAD_AND_PREVOUTS: Final = slice(0, 42)
_AMOUNTS_AND_SCRIPTS: Final = slice(42, 106)
_SEQUENCES: Final = slice(106, 138)
_I64: Final = Struct("<q")
_RELAYED: Final = WITNESS_ITEM_STANDARD_MAX
P2TR_HEAD: Final = b"\x51\x20"


@dataclass(frozen=True, slots=True)
class Content:
    """T1: the bytes of the block."""

    content: bytes


@dataclass(frozen=True, slots=True)
class Member:
    """T2: the 36-byte CID and its path in the batch (RFC 9162)."""

    cid: bytes
    proof: InclusionProof


@dataclass(frozen=True, slots=True)
class Path:
    """T2B: the blocks, root first; the leaf's bytes, or None where its digest is shown."""

    levels: tuple[covenant_layout.Level, ...]
    leaf: bytes | None = None


@dataclass(frozen=True, slots=True)
class NextRoot:
    """T5 and T6: the batch root that the next anchor publishes, 32 bytes.

    T6 also shows the transaction it spends (`previous`), out of which its script reads the state.
    """

    root: bytes
    previous: Transaction | None = None

    def __post_init__(self) -> None:
        if len(self.root) != 32:
            raise CovenantError(f"a batch root has 32 bytes, not {len(self.root)}", code="hash")


Reveal = Content | Member | Path | NextRoot | None


def shown_items(cov: Covenant, reveal: Reveal) -> tuple[bytes, ...]:
    """Return what T1, T2 and T2B push after the signature, bottom first.

    CovenantError ``reveal`` for what does not open the leaf; ElementTooLarge over 520 bytes.
    """
    match cov.params, reveal:
        case CidLock() as params, Content(content):
            require_element("the content", len(content))
            if sha256(content) != params.cid[-32:]:
                raise _other("the content is not what the CID names")
            return cut(content, params.chunks)
        case BatchMember() as params, Member(cid, proof):
            return _member_items(params, cid, proof)
        case DagPath() as params, Path() as path:
            return _path_items(params, path)
        case _:
            raise UsageError(f"covenant {cov.kind} is not opened by {type(reveal).__name__}")


def _member_items(params: BatchMember, cid: bytes, proof: InclusionProof) -> tuple[bytes, ...]:
    if len(cid) != 36:
        raise _other("the member of a batch is a 36-byte CID")
    if len(proof.hashes) != params.depth or root_from(leaf_hash(cid), proof) != params.root:
        raise _other("the path does not lead from the CID to the batch's root")
    items: list[bytes] = []
    for is_left, sibling in zip(sides(proof.index, proof.size), proof.hashes, strict=True):
        items = [b"\x01" if is_left else b"", sibling, *items]
    return (*items, cid)


def sides(index: int, size: int) -> list[bool]:
    """Return for each hash of a path, leaf side first, whether the current node is the left one."""
    found = []
    last = size - 1
    while last:
        if index & 1 or index < last:
            found.append(not index & 1)
        index >>= 1
        last >>= 1
    return found


def _path_items(params: DagPath, path: Path) -> tuple[bytes, ...]:
    if (path.leaf is None) is not (params.chunks is None):
        raise _other("the leaf is asked for by its bytes, or by its digest, and not the other")
    check_path(path.levels, path.leaf)
    top = path.levels[0]
    if len(path.levels) != len(params.levels) or (
        sha256(top.prefix + top.digest + top.suffix) != params.root
    ):
        raise _other("the path does not lead to the root")
    items: list[bytes] = []
    for level, (before, after) in zip(path.levels, reversed(params.levels), strict=True):
        items += [*cut(level.suffix, after), *cut(level.prefix, before)]
    if path.leaf is None or params.chunks is None:
        return (*items, path.levels[-1].digest)
    require_element("the leaf", len(path.leaf))
    return (*items, *cut(path.leaf, params.chunks))


@dataclass(frozen=True, slots=True)
class Ground:
    """A transaction whose challenge e ends in 01: its SigMsg, 212 bytes, and e without the 01."""

    tx: Transaction
    message: bytes
    e31: bytes


def fixed_items(cov: Covenant, ground: Ground) -> tuple[bytes, ...]:
    """Return the items of T4."""
    return (
        ground.e31,
        ground.message[_HEAD_AND_PREVOUTS],
        ground.message[_AMOUNTS_AND_SCRIPTS],
        ground.message[_SEQUENCES],
        cov.leaf_hash,
    )


def anchor_items(cov: Covenant, ground: Ground, fee: TxOut, reveal: NextRoot) -> tuple[bytes, ...]:
    """Return the items of T5, without the owner's signature; `fee` is the output input 1 spends."""
    return (
        ground.e31,
        cov.leaf_hash,
        ground.message[_HEAD_AND_PREVOUTS],
        _I64.pack(fee.amount),
        bytes((len(fee.script),)) + fee.script,
        ground.message[_SEQUENCES],
        _encoded(ground.tx.outputs[2:]),
        reveal.root,
        *_own_output(ground.tx),
    )


def state_items(cov: Covenant, ground: Ground, fee: TxOut, reveal: NextRoot) -> tuple[bytes, ...]:
    """Return the items of T6, without the owner's signature; `fee` is the output input 1 spends."""
    previous = required_previous(cov, reveal).encode(witness=False)
    return (
        ground.e31,
        cov.leaf_hash,
        ground.message[_HEAD10],
        ground.tx.inputs[1].prevout.encode(),
        _I64.pack(fee.amount),
        fee.script[len(P2TR_HEAD) :],
        ground.message[_SEQUENCES],
        _encoded(ground.tx.outputs[2:]),
        previous[STATE_END:],
        previous[STATE_END - 32 : STATE_END],
        previous[PREVIOUS_HEAD_SIZE - 8 : PREVIOUS_HEAD_SIZE],
        previous[: PREVIOUS_HEAD_SIZE - 8],
        reveal.root,
        *_own_output(ground.tx),
    )


def _own_output(tx: Transaction) -> tuple[bytes, bytes]:
    own = tx.outputs[0]
    return _I64.pack(own.amount), bytes((len(own.script),)) + own.script


def required_previous(cov: Covenant, reveal: NextRoot) -> Transaction:
    """Return the transaction a T6 spend rebuilds, checked; UsageError where it is not given."""
    if reveal.previous is None:
        raise UsageError("covenant T6 needs the transaction it spends")
    read_state(reveal.previous, cov.script_pubkey)
    return reveal.previous


def require_outputs_fit(tx: Transaction) -> None:
    """Refuse outputs whose bytes a script could not join into one element."""
    size = sum(len(each.encode()) for each in tx.outputs)
    require_element("the outputs together", size, ELEMENT_SIZE_MAX)


def require_relayed_rest(tx: Transaction) -> None:
    """Refuse a T6 transaction whose successor could not be relayed: its rest would be one item."""
    rest = len(tx.encode(witness=False)) - STATE_END
    require_element("what follows the state, an item of the next spend", rest, _RELAYED)


def _encoded(outputs: Sequence[TxOut]) -> bytes:
    return b"".join(each.encode() for each in outputs)


def _other(why: str) -> CovenantError:
    return CovenantError(why, code="reveal")
