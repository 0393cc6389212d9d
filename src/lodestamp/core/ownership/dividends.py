"""What a registrant owes the holders of a work out of its tips, in three views (R18-R22, Q12).

A tip is shared by the table after the block before it. All views are one ordered merge over tips
and transfers: O(tips + transfers + holders) but for the float view, which must add up the terms
one by one as the original engine does.

Integers are in units of 1e-8 satoshi, satoshis times units of the work. They pass 2^53: keep them
out of JSON numbers and of SQL.

>>> alice, tip = Owner(b"alice"), Tip(b"", 2, 1, b"", "", 500, Owner(b"alice"), ())
>>> dividends_classic_e8(alice, [], [tip], [])
{b'alice': -50000000000}
>>> dividends_owed_e8(alice, [], [tip], [])
{b'alice': 0}
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from typing import Final, TypeVar

from lodestamp.core.ownership.effects import ASSET_UNITS, DividendPayment, Owner, Tip, Transfer
from lodestamp.errors import TooLarge

DIVIDEND_TERMS_MAX: Final = 5_000_000
"""Tips times holders in the float view: each is rounded on its own, some seconds for as many."""

_Placed = TypeVar("_Placed", Transfer, Tip, DividendPayment)


def dividends_classic_float(
    registrant: Owner,
    transfers: Iterable[Transfer],
    tips: Iterable[Tip],
    payments: Iterable[DividendPayment],
) -> dict[Owner, float]:
    """Return the published table in satoshis, bit-equal to the original engine's (R20).

    Each term is rounded to ten decimals before it is added. TooLarge over `DIVIDEND_TERMS_MAX`.
    """
    rows: dict[Owner, float] = defaultdict(float)
    terms = 0
    for amount, table in _shared(registrant, transfers, tips):
        terms += len(table)
        if terms > DIVIDEND_TERMS_MAX:
            raise TooLarge(DIVIDEND_TERMS_MAX, terms)
        for owner, units in table.items():
            term = float(format(amount * (units / 1e8), ".10f"))
            rows[owner] += -term if owner == registrant else term
    for payment in _in_order(payments):
        rows[payment.destination] -= payment.amount
        rows[registrant] += payment.amount
    return dict(rows)


def dividends_classic_e8(
    registrant: Owner,
    transfers: Iterable[Transfer],
    tips: Iterable[Tip],
    payments: Iterable[DividendPayment],
) -> dict[Owner, int]:
    """Return the published table exactly (R19): what it says, not what is owed.

    Each holder's row is his share of the tips less what he was paid; the registrant's is what he
    paid less his own share, which balances the others only where he holds half.
    """
    rows = _shares(registrant, transfers, tips)
    if registrant in rows:
        rows[registrant] = -rows[registrant]
    for payment in payments:
        paid = payment.amount * ASSET_UNITS
        rows[payment.destination] = rows.get(payment.destination, 0) - paid
        rows[registrant] = rows.get(registrant, 0) + paid
    return rows


def dividends_owed_e8(
    registrant: Owner,
    transfers: Iterable[Transfer],
    tips: Iterable[Tip],
    payments: Iterable[DividendPayment],
) -> dict[Owner, int]:
    """Return what is really owed (R21): rows of the others, and the registrant's minus their sum.

    A row is negative where more was paid than owed, and the registrant's where he owes.
    """
    rows = _shares(registrant, transfers, tips)
    for payment in payments:
        paid = payment.amount * ASSET_UNITS
        rows[payment.destination] = rows.get(payment.destination, 0) - paid
    if rows:
        rows[registrant] = 0
        rows[registrant] = -sum(rows.values())
    return rows


def _shares(
    registrant: Owner, transfers: Iterable[Transfer], tips: Iterable[Tip]
) -> dict[Owner, int]:
    """Return each holder's share of all tips (R22): what he held, times what was tipped meanwhile.

    A holder's share is brought up to date when his units change and at the end, not at each tip.
    """
    table: dict[Owner, int] = {registrant: ASSET_UNITS}
    since: dict[Owner, int] = {registrant: 0}
    shares: dict[Owner, int] = {}
    tipped = 0
    waiting = _Waiting(transfers)
    for tip in _in_order(tips):
        for transfer in waiting.before(tip.height):
            for owner in (transfer.asset_owner, transfer.bitcoin_owner):
                _settle(shares, table, since, owner, tipped)
            _hand_over(table, transfer)
        tipped += tip.amount
    for owner in table:
        _settle(shares, table, since, owner, tipped)
    return shares


def _settle(
    shares: dict[Owner, int],
    table: dict[Owner, int],
    since: dict[Owner, int],
    owner: Owner,
    tipped: int,
) -> None:
    """Add an owner's share of what was tipped since his units last changed."""
    gained = tipped - since.get(owner, tipped)
    if gained and owner in table:
        shares[owner] = shares.get(owner, 0) + table[owner] * gained
    since[owner] = tipped


def _shared(
    registrant: Owner, transfers: Iterable[Transfer], tips: Iterable[Tip]
) -> Iterator[tuple[int, dict[Owner, int]]]:
    """Yield each tip's amount and the table that shares it, which changes as this goes on (R18)."""
    table: dict[Owner, int] = {registrant: ASSET_UNITS}
    waiting = _Waiting(transfers)
    for tip in _in_order(tips):
        for transfer in waiting.before(tip.height):
            _hand_over(table, transfer)
        yield tip.amount, table


class _Waiting:
    """Transfers in order, given out up to a height."""

    def __init__(self, transfers: Iterable[Transfer]) -> None:
        self._transfers = _in_order(transfers)
        self._next = 0

    def before(self, height: int) -> Iterator[Transfer]:
        """Yield the transfers not yet given out below a height: those in it do not count (R18)."""
        while self._next < len(self._transfers) and self._transfers[self._next].height < height:
            self._next += 1
            yield self._transfers[self._next - 1]


def _hand_over(table: dict[Owner, int], transfer: Transfer) -> None:
    table[transfer.asset_owner] -= transfer.asset_value
    received = table.get(transfer.bitcoin_owner, 0) + transfer.asset_value
    table[transfer.bitcoin_owner] = received


def _in_order(each: Iterable[_Placed]) -> Sequence[_Placed]:
    return sorted(each, key=lambda one: (one.height, one.tx_index))
