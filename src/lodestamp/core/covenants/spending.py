"""Spending a covenant: the unsigned transaction, what is to be signed, and the whole (T1-T6).

T4, T5 and T6 need a transaction whose challenge e ends in 01; `plan_spend` finds it by trying lock
times, which bind nothing while every sequence is final. The mean is 256 tries.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final

from lodestamp.core.bitcoin import (
    CONSENSUS_CAT_CTV,
    ELEMENT_SIZE_MAX,
    NO_CODESEPARATOR,
    SIGHASH_DEFAULT,
    WITNESS_ITEM_STANDARD_MAX,
    OutPoint,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    schnorr_verify,
    tagged_hash,
    verify_transaction,
)
from lodestamp.core.covenants.covenant import Covenant
from lodestamp.core.covenants.forced import (
    anchor_script,
    hash_outputs,
    hash_template,
    next_state,
    read_state,
)
from lodestamp.core.covenants.kinds import FixedOutputs, Kind, Template
from lodestamp.core.covenants.reveals import (
    P2TR_HEAD,
    Ground,
    NextRoot,
    Reveal,
    anchor_items,
    fixed_items,
    require_outputs_fit,
    require_relayed_rest,
    required_previous,
    shown_items,
    state_items,
)
from lodestamp.core.covenants.templates import GENERATOR
from lodestamp.errors import CovenantError, ElementTooLarge, GrindExhausted, UsageError

GRIND_TRIES_MAX: Final = 65_536
"""Lock times tried for a hash that ends in 01: the chance to need more is e^-256."""

_LOCKTIME_MAX: Final = 0xFFFFFFFF
_LOCKTIME_AT: Final = 6
_G: Final = bytes.fromhex(GENERATOR)
_SIGNATURE_SIZE: Final = 64


@dataclass(frozen=True, slots=True)
class FundedCoin:
    """A coin on the chain: where it is, and the output it is."""

    outpoint: OutPoint
    output: TxOut


@dataclass(frozen=True, slots=True)
class ToSign:
    """32 bytes that a key must sign (BIP-340): by which input, and the x-only key it is checked by.

    A fee coin's key is its output key, which for a plain P2TR coin is the tweaked one.
    """

    input_index: int
    message: bytes
    key: bytes


@dataclass(frozen=True, slots=True)
class SpendPlan:
    """A spend that lacks its signatures.

    `items` are the witness items of input 0 below leaf and control block; `to_sign` what has to be
    signed, the owner's first.
    """

    covenant: Covenant
    tx: Transaction
    spent: tuple[TxOut, ...]
    items: tuple[bytes, ...]
    to_sign: tuple[ToSign, ...]

    @property
    def vsize(self) -> int:
        """The virtual bytes of the complete transaction."""
        return _assembled(self, [bytes(_SIGNATURE_SIZE)] * len(self.to_sign)).vsize

    @property
    def fee(self) -> int:
        """Satoshis that the spend pays to the miner."""
        paid = sum(each.amount for each in self.tx.outputs)
        return sum(each.amount for each in self.spent) - paid


def plan_spend(
    cov: Covenant,
    coin: FundedCoin,
    outputs: Sequence[TxOut],
    *,
    reveal: Reveal = None,
    fee_coin: FundedCoin | None = None,
    relay: bool = True,
    first_locktime: int = 0,
) -> SpendPlan:
    """Plan the spend of a covenant's coin; the coin's output script must be the covenant's.

    `outputs` are all outputs of T1 to T4, and those after the first two of T5 and T6, which also
    take a P2TR `fee_coin` as input 1. `reveal` is what the kind shows; T3 and T4 show nothing.
    With `relay` no witness item may pass 80 bytes (R25). T4 to T6 try lock times from
    `first_locktime` on.

    UsageError for arguments the kind has no use for; CovenantError ``coin``, ``reveal``,
    ``outputs`` (not those fixed), ``previous``; ElementTooLarge; GrindExhausted.
    """
    if coin.output.script != cov.script_pubkey:
        raise CovenantError("the coin is not this covenant's", code="coin")
    if not 0 <= first_locktime <= _LOCKTIME_MAX - GRIND_TRIES_MAX:
        raise UsageError("a lock time is a number of 32 bits")
    if not outputs and cov.kind not in {Kind.T5, Kind.T6}:
        raise UsageError("a spend needs an output")
    if cov.kind in {Kind.T5, Kind.T6}:
        plan = _plan_anchor(cov, coin, outputs, reveal, fee_coin, locktime=first_locktime)
    elif fee_coin is not None:
        raise UsageError(f"covenant {cov.kind} pays its fee from its own coin")
    else:
        plan = _plan_alone(cov, coin, outputs, reveal, first_locktime)
    if relay and cov.kind is Kind.T6:
        require_relayed_rest(plan.tx)
    if plan.fee < 0:
        raise CovenantError("the outputs pay more than the coins hold", code="outputs")
    _require_items(plan, WITNESS_ITEM_STANDARD_MAX if relay else ELEMENT_SIZE_MAX)
    return plan


def complete(plan: SpendPlan, signatures: Sequence[bytes] = ()) -> Transaction:
    """Return the whole transaction, judged by our own machine before anybody sees it.

    `signatures` are 64 bytes each, in the order of `plan.to_sign`. CovenantError ``signature`` for
    one that does not hold, ``refused`` if the machine would refuse an input.
    """
    if len(signatures) != len(plan.to_sign):
        raise UsageError(f"{len(plan.to_sign)} signatures are needed, not {len(signatures)}")
    for asked, signature in zip(plan.to_sign, signatures, strict=True):
        is_sized = len(signature) == _SIGNATURE_SIZE
        if not is_sized or not schnorr_verify(signature, asked.message, asked.key):
            message = f"the signature for input {asked.input_index} does not hold"
            raise CovenantError(message, code="signature")
    tx = _assembled(plan, signatures)
    for index, verdict in enumerate(verify_transaction(tx, plan.spent, CONSENSUS_CAT_CTV)):
        if not verdict.ok:
            raise CovenantError(f"input {index} fails with {verdict.error}", code="refused")
    return tx


def _plan_alone(
    cov: Covenant, coin: FundedCoin, outputs: Sequence[TxOut], reveal: Reveal, locktime: int
) -> SpendPlan:
    tx = Transaction(2, (TxIn(coin.outpoint),), tuple(outputs))
    spent = (coin.output,)
    params = cov.params
    if isinstance(params, Template | FixedOutputs):
        if reveal is not None:
            raise UsageError(f"covenant {cov.kind} shows nothing")
        _require_fixed(params, outputs)
    if isinstance(params, Template):
        return SpendPlan(cov, tx, spent, (), ())
    if isinstance(params, FixedOutputs):
        ground = _ground(cov, tx, spent, locktime)
        return SpendPlan(cov, ground.tx, spent, fixed_items(cov, ground), ())
    items = shown_items(cov, reveal)
    return SpendPlan(cov, tx, spent, items, _owner_signs(cov, tx, spent))


def _require_fixed(params: Template | FixedOutputs, outputs: Sequence[TxOut]) -> None:
    if isinstance(params, Template):
        is_fixed = hash_template(outputs) == params.template_hash
    else:
        is_fixed = hash_outputs(outputs) == params.outputs_hash
    if not is_fixed:
        raise CovenantError("these are not the outputs the covenant fixes", code="outputs")


def _plan_anchor(
    cov: Covenant,
    coin: FundedCoin,
    outputs: Sequence[TxOut],
    reveal: Reveal,
    fee_coin: FundedCoin | None,
    *,
    locktime: int,
) -> SpendPlan:
    if not isinstance(reveal, NextRoot) or fee_coin is None:
        raise UsageError(f"covenant {cov.kind} needs the next root and a coin for the fee")
    fee_script = fee_coin.output.script
    if len(fee_script) != 34 or not fee_script.startswith(P2TR_HEAD):
        raise CovenantError("the fee is paid from a P2TR coin", code="coin")
    value = reveal.root
    if cov.kind is Kind.T6:
        previous = required_previous(cov, reveal)
        if coin.outpoint != OutPoint(previous.txid, 0):
            message = "a chained anchor spends output 0 of the transaction before, and no other"
            raise CovenantError(message, code="previous")
        value = next_state(read_state(previous, cov.script_pubkey), reveal.root)
    own = (TxOut(coin.output.amount, coin.output.script), TxOut(0, anchor_script(value)))
    inputs = (TxIn(coin.outpoint), TxIn(fee_coin.outpoint))
    tx = Transaction(2, inputs, (*own, *outputs))
    require_outputs_fit(tx)
    if cov.kind is Kind.T6:
        read_state(tx, cov.script_pubkey)  # the next spend must be able to rebuild this one
    spent = (coin.output, fee_coin.output)
    ground = _ground(cov, tx, spent, locktime)
    tx = ground.tx
    make = state_items if cov.kind is Kind.T6 else anchor_items
    items = make(cov, ground, fee_coin.output, reveal)
    fee_message = SignatureHashes(tx, spent).taproot(1, SIGHASH_DEFAULT) or b""
    fee_signs = ToSign(1, fee_message, fee_script[len(P2TR_HEAD) :])
    return SpendPlan(cov, tx, spent, items, (*_owner_signs(cov, tx, spent), fee_signs))


def _owner_signs(cov: Covenant, tx: Transaction, spent: Sequence[TxOut]) -> tuple[ToSign, ...]:
    if cov.owner is None:
        return ()
    message = SignatureHashes(tx, spent).taproot(0, SIGHASH_DEFAULT, leaf_hash=cov.leaf_hash)
    return (ToSign(0, message or b"", cov.owner),)  # None only for a bad hash type


def _ground(cov: Covenant, tx: Transaction, spent: Sequence[TxOut], first_locktime: int) -> Ground:
    """Find the lock time at which the challenge ends in 01."""
    found = SignatureHashes(tx, spent).taproot_message(
        0, SIGHASH_DEFAULT, leaf_hash=cov.leaf_hash, codeseparator=NO_CODESEPARATOR
    )
    message = found or b""
    before, after = message[:_LOCKTIME_AT], message[_LOCKTIME_AT + 4 :]
    for locktime in range(first_locktime, first_locktime + GRIND_TRIES_MAX):
        tried = before + locktime.to_bytes(4, "little") + after
        e = tagged_hash("BIP0340/challenge", _G + _G + tagged_hash("TapSighash", tried))
        if e[-1] == 1:
            return Ground(replace(tx, locktime=locktime), tried, e[:-1])
    raise GrindExhausted(
        f"none of {GRIND_TRIES_MAX:,} lock times gave a hash that ends in 01",
        hint="begin at another lock time",
    )


def _require_items(plan: SpendPlan, maximum: int) -> None:
    for number, item in enumerate(plan.items):
        if len(item) > maximum:
            what = f"item {number} of the witness"
            hint = "relay=False, and a miner who takes it" if maximum < ELEMENT_SIZE_MAX else None
            raise ElementTooLarge(what, maximum, len(item), hint=hint)


def _assembled(plan: SpendPlan, signatures: Sequence[bytes]) -> Transaction:
    signed: dict[int, bytes] = {
        asked.input_index: each for asked, each in zip(plan.to_sign, signatures, strict=True)
    }
    items = plan.items
    if 0 in signed:
        is_last = plan.covenant.kind in {Kind.T5, Kind.T6}
        items = (*items, signed[0]) if is_last else (signed[0], *items)
    witness = (*items, bytes(plan.covenant.leaf), plan.covenant.control_block)
    inputs = [replace(plan.tx.inputs[0], witness=witness)]
    inputs += [
        replace(each, witness=(signed[index],))
        for index, each in enumerate(plan.tx.inputs[1:], start=1)
    ]
    return replace(plan.tx, inputs=tuple(inputs))
