"""What spending a covenant costs, before there is a coin (R28)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from lodestamp.core.bitcoin import (
    WITNESS_ITEM_STANDARD_MAX,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
)
from lodestamp.core.covenants.covenant import Covenant
from lodestamp.core.covenants.forced import anchor_script
from lodestamp.core.covenants.kinds import BatchMember, CidLock, DagPath, FixedOutputs, Kind
from lodestamp.errors import UsageError

_P2TR: Final = TxOut(0, bytes(34))
_NOWHERE: Final = OutPoint(bytes(32), 0)
_SIGNATURE: Final = 64
_T5_ITEMS: Final = (31, 32, 42, 8, 35, 32, 43, 32, 8, 35)
_T6_ITEMS: Final = (31, 32, 10, 36, 8, 32, 32, 43, 47, 32, 8, 80, 32, 8, 35)


def spend_vsize(cov: Covenant, outputs: Sequence[TxOut] | None = None) -> int:
    """Return the virtual bytes of a spend whose items are as long as relay allows; it is no less.

    `outputs` where they are known; else one P2TR output, for T3 and T4 an anchor before it, for T5
    and T6 the coin, the anchor and one P2TR output of change, and a fee coin beside the covenant's.
    """
    anchor = TxOut(0, anchor_script(bytes(32)))
    sizes = _item_sizes(cov)
    inputs = [TxIn(_NOWHERE, witness=(*map(bytes, sizes), bytes(cov.leaf), cov.control_block))]
    usual: tuple[TxOut, ...] = (_P2TR,)
    if cov.kind in {Kind.T3, Kind.T4}:
        usual = (anchor, _P2TR)
    elif cov.kind in {Kind.T5, Kind.T6}:
        usual = (_P2TR, anchor, _P2TR)
        inputs.append(TxIn(_NOWHERE, witness=(bytes(_SIGNATURE),)))
    return Transaction(2, tuple(inputs), usual if outputs is None else tuple(outputs)).vsize


def funding_amount(cov: Covenant, outputs: Sequence[TxOut], fee_rate: int) -> int:
    """Return what a T3 or T4 coin must hold: its outputs and, at `fee_rate` sat/kvB, its fee (R28).

    The fee cannot be raised later but by a child that spends a `cpfp` output. UsageError for other
    kinds, whose fee is chosen when they are spent.
    """
    if cov.kind not in {Kind.T3, Kind.T4}:
        raise UsageError(f"covenant {cov.kind} does not fix its fee")
    return sum(each.amount for each in outputs) - (-fee_rate * spend_vsize(cov, outputs) // 1000)


def _item_sizes(cov: Covenant) -> tuple[int, ...]:
    full = WITNESS_ITEM_STANDARD_MAX
    match cov.params:
        case CidLock() as params:
            return (_SIGNATURE, *[full] * params.chunks)
        case BatchMember() as params:
            return (_SIGNATURE, *[1, 32] * params.depth, 36)
        case DagPath() as params:
            items = sum(before + after for before, after in params.levels)
            leaf = [32] if params.chunks is None else [full] * params.chunks
            return (_SIGNATURE, *[full] * items, *leaf)
        case FixedOutputs():
            return (31, 42, 64, 32, 32)
        case _:
            sizes = {Kind.T5: _T5_ITEMS, Kind.T6: _T6_ITEMS}.get(cov.kind, ())
            return (*sizes, _SIGNATURE) if cov.owner is not None else sizes
