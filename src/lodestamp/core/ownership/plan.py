"""Plans: the transactions that will say something, before anyone has signed (§7, R41 to R43).

A plan is pure: given coins and a fee rate it is always the same. Its steps are broadcast in order.
A step may spend a step before it, whose txid is fixed only once its legacy inputs are signed, so an
input names either an outpoint or an output of an earlier step.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from lodestamp.core.bitcoin import OutPoint, Transaction, TxIn, TxOut, is_p2sh, witness_program
from lodestamp.core.ownership.effects import Owner
from lodestamp.errors import FeeTooHigh, UsageError

FEE_RATE_MIN: Final = 1_000
"""Satoshis per 1,000 vB that nodes ask for before they pass a transaction on."""
FEE_RATE_MAX: Final = 200_000
"""Satoshis per 1,000 vB: 200 a virtual byte. More is a mistake, or a market to wait out."""

REPLACEABLE: Final = 0xFFFFFFFD
"""The sequence of every input: final but for the option to pay a higher fee (BIP-125)."""
SIGNATURE_SIZE_MAX: Final = 72
"""Bytes of a DER signature with a low S, and its hash type."""

_SCHNORR_SIZE: Final = 64
_P2WPKH_SIZE: Final = 22


@dataclass(frozen=True, slots=True)
class Spendable:
    """A confirmed output that its owner may spend."""

    outpoint: OutPoint
    output: TxOut


@dataclass(frozen=True, slots=True)
class Party:
    """Who pays and signs: one owner, with coins of exactly that script.

    `key_size` is that of the public key, which P2PKH writes out: 33 bytes, or 65 uncompressed.
    """

    owner: Owner
    coins: tuple[Spendable, ...]
    key_size: int = 33

    def __post_init__(self) -> None:
        if any(coin.output.script != self.owner for coin in self.coins):
            raise UsageError("a coin of another owner")
        if signed_input(self.owner, self.key_size) is None:
            raise UsageError("only P2PKH, P2WPKH, P2SH-P2WPKH and P2TR owners can write")


@dataclass(frozen=True, slots=True)
class StepOutput:
    """The output `vout` of the plan's step number `step`, counted from 0."""

    step: int
    vout: int

    def __str__(self) -> str:
        return f"step {self.step}:{self.vout}"


@dataclass(frozen=True, slots=True)
class PlannedInput:
    """What will be spent, its value in satoshis, and the script that says by whom."""

    source: OutPoint | StepOutput
    value: int
    script: bytes
    key_size: int = 33

    @property
    def output(self) -> TxOut:
        """The output that is spent."""
        return TxOut(self.value, self.script)


@dataclass(frozen=True, slots=True)
class UnsignedTx:
    """One transaction of a plan. `fee` is in satoshis; `vsize` is what it has at most when signed.

    `purpose` says in words what it is for.
    """

    inputs: tuple[PlannedInput, ...]
    outputs: tuple[TxOut, ...]
    fee: int
    vsize: int
    purpose: str

    def transaction(self, txids: Sequence[bytes] = ()) -> Transaction:
        """Return it without signatures, given the txids of the steps before it.

        UsageError when it spends a step whose txid is not among them.
        """
        inputs = tuple(
            TxIn(_outpoint(each.source, txids), sequence=REPLACEABLE) for each in self.inputs
        )
        return Transaction(2, inputs, self.outputs)

    @property
    def spent(self) -> tuple[TxOut, ...]:
        """The outputs it spends, in input order."""
        return tuple(each.output for each in self.inputs)

    @property
    def has_fixed_txid(self) -> bool:
        """Whether its txid is known before it is signed: no input writes into a scriptSig."""
        return all(witness_program(each.script) is not None for each in self.inputs)

    def as_json(self) -> dict[str, object]:
        """Return the step as verbs print it, scripts in hex."""
        return {
            "purpose": self.purpose,
            "fee": self.fee,
            "vsize": self.vsize,
            "inputs": [
                {"source": str(each.source), "amount": each.value, "script": each.script.hex()}
                for each in self.inputs
            ],
            "outputs": [
                {"amount": each.amount, "script": each.script.hex()} for each in self.outputs
            ],
        }


@dataclass(frozen=True, slots=True)
class TxPlan:
    """Steps in the order of their broadcast; the last is the primary, or the only one."""

    steps: tuple[UnsignedTx, ...]

    @property
    def fee(self) -> int:
        """Satoshis that all steps pay."""
        return sum(step.fee for step in self.steps)

    def as_json(self) -> dict[str, object]:
        """Return the plan as verbs print it."""
        return {"fee": self.fee, "steps": [step.as_json() for step in self.steps]}

    def ready(self, signed: Sequence[Transaction] = ()) -> tuple[Transaction, ...]:
        """Return the unsigned steps that can be signed now, given those signed already (R42).

        Of segwit inputs that is every step that is left; of legacy inputs one. UsageError when
        what is signed is not the beginning of this plan.
        """
        txids: list[bytes] = []
        for step, tx in zip(self.steps, signed, strict=False):
            if not _is_signed_form(tx, step.transaction(txids)):
                raise UsageError("a signed transaction is not the step of this plan")
            txids.append(tx.txid)
        if len(signed) > len(self.steps):
            raise UsageError(f"{len(signed)} transactions are signed of {len(self.steps)}")
        found: list[Transaction] = []
        for step in self.steps[len(signed) :]:
            found.append(step.transaction(txids))
            if not step.has_fixed_txid:
                break
            txids.append(found[-1].txid)
        return tuple(found)


def signed_input(script: bytes, key_size: int = 33) -> TxIn | None:
    """Return an input as large as one that spends a script, signed; None for other scripts."""
    signature, key = bytes(SIGNATURE_SIZE_MAX), bytes(key_size)
    nowhere = OutPoint(bytes(32), 0)
    program = witness_program(script)
    if len(script) == 25 and script[:3] == b"\x76\xa9\x14" and script[23:] == b"\x88\xac":
        return TxIn(nowhere, bytes(2 + len(signature) + len(key)))
    if is_p2sh(script):
        return TxIn(nowhere, bytes(1 + _P2WPKH_SIZE), witness=(signature, bytes(33)))
    if program is not None and program[0] == 0 and len(program[1]) == 20:
        return TxIn(nowhere, witness=(signature, bytes(33)))
    if program is not None and program[0] == 1 and len(program[1]) == 32:
        return TxIn(nowhere, witness=(bytes(_SCHNORR_SIZE),))
    return None


def vsize_of(inputs: Sequence[PlannedInput], outputs: Sequence[TxOut]) -> int:
    """Return the virtual bytes that a transaction has at most once it is signed."""
    signed = [signed_input(each.script, each.key_size) for each in inputs]
    return Transaction(2, tuple(each for each in signed if each), tuple(outputs)).vsize


def fee_of_size(vsize: int, fee_rate: int) -> int:
    """Return the fee of so many virtual bytes, rounded up; `fee_rate` in satoshis per 1,000."""
    return -(-fee_rate * vsize // 1000)


def require_rate(fee_rate: int) -> None:
    """Refuse a rate that nobody relays (UsageError), or above `FEE_RATE_MAX` (FeeTooHigh) (R41)."""
    if fee_rate < FEE_RATE_MIN:
        raise UsageError(f"{fee_rate:,} satoshis per 1,000 vB are less than {FEE_RATE_MIN:,}")
    if fee_rate > FEE_RATE_MAX:
        raise FeeTooHigh(f"{fee_rate:,} satoshis per 1,000 vB are more than {FEE_RATE_MAX:,}")


def _outpoint(source: OutPoint | StepOutput, txids: Sequence[bytes]) -> OutPoint:
    if isinstance(source, OutPoint):
        return source
    if source.step >= len(txids):
        raise UsageError(f"step {source.step} has to be signed first")
    return OutPoint(txids[source.step], source.vout)


def _is_signed_form(signed: Transaction, step: Transaction) -> bool:
    same = [each.prevout for each in signed.inputs] == [each.prevout for each in step.inputs]
    return same and signed.outputs == step.outputs and signed.locktime == step.locktime
