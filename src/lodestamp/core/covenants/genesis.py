"""The first transaction of a T6 chain, and the coins that make it (covenants spec §4, T6)."""

from __future__ import annotations

from collections.abc import Sequence

from lodestamp.core.bitcoin import Transaction, TxIn, TxOut
from lodestamp.core.covenants.covenant import Covenant
from lodestamp.core.covenants.forced import anchor_script, genesis_state, read_state
from lodestamp.core.covenants.kinds import Kind
from lodestamp.core.covenants.reveals import P2TR_HEAD, require_relayed_rest
from lodestamp.core.covenants.spending import FundedCoin
from lodestamp.errors import CovenantError, UsageError


def plan_genesis(
    cov: Covenant,
    coins: Sequence[FundedCoin],
    *,
    origin: str,
    amount: int,
    change: Sequence[TxOut] = (),
) -> Transaction:
    """Return the unsigned transaction that begins a chain: two P2TR coins, the covenant, the state.

    The script of every spend after it rebuilds its shape, so it has exactly two inputs without
    scriptSig. UsageError for another kind; CovenantError ``coin`` for other coins, ``outputs``
    where they hold less than is paid; ElementTooLarge where no spend could rebuild it.
    """
    if cov.kind is not Kind.T6:
        raise UsageError(f"covenant {cov.kind} has no genesis")
    scripts = [each.output.script for each in coins]
    if len(scripts) != 2 or not all(len(s) == 34 and s.startswith(P2TR_HEAD) for s in scripts):
        raise CovenantError("a chain of states begins with two P2TR coins", code="coin")
    state = TxOut(0, anchor_script(genesis_state(origin)))
    outputs = (TxOut(amount, cov.script_pubkey), state, *change)
    if sum(each.amount for each in outputs) > sum(each.output.amount for each in coins):
        raise CovenantError("the outputs pay more than the coins hold", code="outputs")
    tx = Transaction(2, tuple(TxIn(each.outpoint) for each in coins), outputs)
    read_state(tx, cov.script_pubkey)
    require_relayed_rest(tx)
    return tx
