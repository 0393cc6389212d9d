"""Writing ownership by one's own scan: drafts, signatures or PSBTs, and the sending (§7).

What a draft would do is judged by the scan, so the scan must stand where the chain does.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace

from lodestamp.core.bitcoin import Psbt, Transaction, finish_psbt
from lodestamp.core.ownership import (
    TIP_DEFAULT,
    Owner,
    Party,
    PlannedInput,
    ReadBack,
    RegistrationText,
    TxPlan,
    UnsignedTx,
    build_payment,
    build_register,
    build_tip,
    build_transfer,
    carrier_count,
    heart_of,
    read_back,
    rehearse,
)
from lodestamp.errors import ScanBehind, SourceIncomplete, UsageError
from lodestamp.node.chains import ChainSource, KeySigner
from lodestamp.node.scanner.stores import OperationsStore
from lodestamp.node.scanner.views import View
from lodestamp.node.scanner.writing import (
    fee_rate_of,
    party_of,
    psbts_of,
    send_plan,
    sign_plan,
)

_E8 = 100_000_000


@dataclass(frozen=True, slots=True)
class Payer:
    """Who pays and signs: his script, and the bytes of his public key (33, or 65 uncompressed)."""

    script: bytes
    key_size: int = 33


@dataclass(frozen=True, slots=True)
class Draft:
    """What is to be written, as far as it is signed, and what it would do.

    `judged` is of the plan, as if every owner had signed, until all of it is signed; then of what
    was signed. `fee_rate` is in satoshis per 1,000 vB. `is_sent` tells whether it was broadcast.
    """

    plan: TxPlan
    fee_rate: int
    judged: ReadBack
    signed: tuple[Transaction, ...] = ()
    is_sent: bool = False

    @property
    def is_whole(self) -> bool:
        """Whether every step is signed."""
        return len(self.signed) == len(self.plan.steps)

    @property
    def txids(self) -> tuple[bytes | None, ...]:
        """The txid of each step; None while a signature to come will change it (R42)."""
        found: list[bytes | None] = [tx.txid for tx in self.signed]
        first = len(found)
        for step, tx in zip(self.plan.steps[first:], self.plan.ready(self.signed), strict=False):
            found.append(tx.txid if step.has_fixed_txid else None)
        return (*found, *[None] * (len(self.plan.steps) - len(found)))


class OwnershipWriter:
    """Drafts, signs and sends on one chain, by a scan of it.

    ScanBehind unless the scan stands at the chain's tip; OwnershipError ``halted`` and
    HeightUnknown as `View.of`. Without `fee_rate` it is the chain's estimate.
    """

    def __init__(
        self, source: ChainSource, store: OperationsStore, *, fee_rate: int | None = None
    ) -> None:
        self._view = View.of(store)
        tip = source.tip()
        if tip.hash != self._view.row.hash:
            raise ScanBehind(self._view.height, tip.height)
        self.rules = self._view.rules
        self.network = source.network
        self._source = source
        self._state = store.load_state()
        self._fee_rate = fee_rate_of(source) if fee_rate is None else fee_rate

    # Drafting

    def register(self, registration: RegistrationText, payer: Payer) -> Draft:
        """Draft a registration; errors as `build_register`."""
        return self._drafted(
            build_register(self._state, registration, self._party(payer), self._fee_rate)
        )

    def transfer(self, sha1: str, value: int, price: int, *, seller: Payer, buyer: Payer) -> Draft:
        """Draft a transfer of units for satoshis; errors as `build_transfer`."""
        plan = build_transfer(
            self._state,
            sha1,
            value,
            price,
            seller=self._party(seller),
            buyer=self._party(buyer),
            fee_rate=self._fee_rate,
        )
        return self._drafted(plan)

    def tip(self, sha1: str, payer: Payer, *, amount: int = TIP_DEFAULT) -> Draft:
        """Draft a tip; errors as `build_tip`."""
        party = self._party(payer)
        return self._drafted(build_tip(self._state, sha1, party, self._fee_rate, amount=amount))

    def pay(self, sha1: str, holder: Owner, payer: Payer, *, amount: int | None = None) -> Draft:
        """Draft a dividend payment, without `amount` of all whole satoshis that are owed (R21).

        Errors as `build_payment`; UsageError ``nothing-owed``, WorkUnknown.
        """
        if amount is None:
            amount = self._owed(sha1, holder)
        party, rate = self._party(payer), self._fee_rate
        return self._drafted(build_payment(self._state, sha1, holder, party, rate, amount=amount))

    def _owed(self, sha1: str, holder: Owner) -> int:
        due = self._view.dividends(sha1)["dividends"].get(self._view.address(holder), "0")
        amount: int = max(int(due), 0) // _E8
        if amount == 0:
            message = "the holder is owed less than a satoshi"
            hint = "`ownership dividends` tells who is owed what"
            raise UsageError(message, code="nothing-owed", hint=hint)
        return amount

    def _party(self, payer: Payer) -> Party:
        return party_of(self._source, payer.script, key_size=payer.key_size)

    def _drafted(self, plan: TxPlan) -> Draft:
        return Draft(plan, self._fee_rate, rehearse(self._state, plan, self.rules))

    # Signing

    def sign(self, draft: Draft, signers: Sequence[KeySigner]) -> Draft:
        """Sign every step with keys at hand; errors as `sign_plan`."""
        return self._signed(draft, draft.plan, sign_plan(draft.plan, signers, self.network))

    def psbts(self, draft: Draft) -> tuple[Psbt, ...]:
        """Return PSBTs of the steps that can be signed now; errors as `psbts_of`."""
        return psbts_of(self._source, draft.plan, draft.signed)

    def finish(self, draft: Draft, psbts: Sequence[Psbt]) -> Draft:
        """Return the draft with what wallets signed, in whatever order they gave it.

        When the primary is among it, it may be a plan of other coins or another rate than the
        draft, as time has passed; but it must say the same. Until then it must be the beginning of
        the draft. UsageError when it is neither; PsbtError for what is not signed.
        """
        found = _finished(psbts)
        signed = tuple(tx for tx, _ in found)
        last = signed[-1]
        if not carrier_count(last) and heart_of(last) is None:
            draft.plan.ready(signed)
            return replace(draft, signed=signed)
        done = self._signed(draft, _plan_of(found, draft.plan.steps[-1].purpose), signed)
        if not _says_the_same(done.judged, draft.judged):
            hint = "repeat the verb as it was when the PSBTs were written"
            raise UsageError("the PSBTs say something else than this verb", hint=hint)
        return done

    def _signed(self, draft: Draft, plan: TxPlan, signed: tuple[Transaction, ...]) -> Draft:
        try:
            judged = read_back(self._state, signed, plan.steps[-1].spent, self.rules)
        except SourceIncomplete as error:
            message = "the transaction of an earlier payload is not among what is signed"
            raise UsageError(message, hint="give the PSBTs of all steps") from error
        return replace(draft, plan=plan, signed=signed, judged=judged)

    # Sending

    def send(self, draft: Draft, *, force: bool = False) -> Draft:
        """Broadcast a draft that is whole; errors as `send_plan`."""
        state, rules = self._state, self.rules
        send_plan(self._source, state, rules, draft.plan, draft.signed, force=force)
        return replace(draft, is_sent=True)


def _finished(psbts: Sequence[Psbt]) -> list[tuple[Transaction, Psbt]]:
    """Return one signed transaction, and a PSBT of it, per transaction; parents first."""
    grouped: dict[bytes, list[Psbt]] = {}
    for psbt in psbts:
        grouped.setdefault(psbt.tx.txid, []).append(psbt)
    if not grouped:
        raise UsageError("there is no PSBT to finish")
    waiting = [(finish_psbt(each), each[0]) for each in grouped.values()]
    found: list[tuple[Transaction, Psbt]] = []
    while waiting:
        open_ids = {tx.txid for tx, _ in waiting}
        found += [each for each in waiting if not _spends(each[0], open_ids)]
        waiting = [each for each in waiting if _spends(each[0], open_ids)]
    return found


def _spends(tx: Transaction, txids: Collection[bytes]) -> bool:
    return any(each.prevout.txid in txids for each in tx.inputs)


def _plan_of(found: Sequence[tuple[Transaction, Psbt]], primary: str) -> TxPlan:
    """Return the plan that signed transactions are, by what their PSBTs say they spend."""
    steps = []
    for at, (tx, psbt) in enumerate(found):
        inputs = tuple(
            PlannedInput(each.prevout, spent.amount, spent.script)
            for each, spent in zip(tx.inputs, psbt.spent, strict=True)
        )
        fee = sum(each.value for each in inputs) - sum(each.amount for each in tx.outputs)
        count = len(found)
        purpose = primary if at == count - 1 else f"payload {count - at} of {count}"
        steps.append(UnsignedTx(inputs, tx.outputs, fee, tx.vsize, purpose))
    return TxPlan(tuple(steps))


def _says_the_same(found: ReadBack, asked: ReadBack) -> bool:
    """Tell whether what was signed is what was asked for, whether or not it would hold."""
    if (found.kind or asked.kind, found.sha1) != (asked.kind, asked.sha1):
        return False
    return found.reason is not None or replace(found, reason=asked.reason) == asked
