"""What to do next about the anchors of a home: values in, one action out (R57-R63).

A cycle takes commitments up, pays for a transaction that carries their tip, and sees it into a
block. The cycle of one transaction looks so::

    open ──send──> sent ──take──> mined ──finish──> final
      ^             │ ^             │                 │
      └───reopen────┘ └────drop─────┘                lose ──> lost, and its commitments in a new one

Every version that was ever built may be mined. Replacements spend the same coin, so only one can
be; another coin is spent only when that one is gone for good on the chain as it is.

`next_action` decides from stored state and a view of the chain alone. Whoever performs the action
asks again, until there is none.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from hashlib import sha256
from typing import Final

from lodestamp.core.bitcoin import OutPoint
from lodestamp.node.anchors.bitcoin.fees import FeeTerms
from lodestamp.node.anchors.bitcoin.transaction import PaidBy
from lodestamp.node.chains import BlockRef

CONFIRMATIONS: Final = 6
"""Blocks, the one with the transaction included, after which a cycle is final (R61)."""
CONFIRMATIONS_MIN: Final = 2
MIN_INTERVAL_MS: Final = 6 * 3_600_000
"""Least time between two cycles on main, where each costs a fee (R60)."""


class State(StrEnum):
    """Where a cycle stands; all but `LOST` are live."""

    OPEN = "open"
    SENT = "sent"
    MINED = "mined"
    FINAL = "final"
    LOST = "lost"


class Input(StrEnum):
    """What the best chain says of a coin that a version spends."""

    THERE = "there"
    AWAITED = "awaited"
    """Its own transaction is in no block now, and may yet be."""
    GONE = "gone"
    """Spent by a transaction of somebody else, or never to exist."""


@dataclass(frozen=True, slots=True)
class Version:
    """One transaction of a cycle. `built_at` and `height` are those of blocks, fees satoshis."""

    txid: bytes
    inputs: tuple[OutPoint, ...]
    built_at: int
    fee: int
    count: int
    is_sent: bool
    height: int | None = None


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle as it is stored; `versions` oldest first, `block` only when mined or final."""

    number: int
    state: State
    versions: tuple[Version, ...] = ()
    block: BlockRef | None = None
    mined_at: int | None = None


@dataclass(frozen=True, slots=True)
class View:
    """What is known of the chain and of what waits; times are Unix milliseconds.

    `held` are hashes of the best chain by height, at least wherever a live cycle has its block.
    `coins` are confirmed, mature and promised to no cycle, largest first; `promised` the satoshis
    of those that versions spend, as far as they are there. `handed` are transactions the node was
    given at this tip, `tried` cycles that could not be built at it, None among them for a new one.
    """

    tip: BlockRef
    held: Mapping[int, bytes]
    now: int
    waiting: int = 0
    estimate: int = 1_000
    coins: tuple[PaidBy, ...] = ()
    promised: Mapping[OutPoint, int] = field(default_factory=dict)
    inputs: Mapping[OutPoint, Input] = field(default_factory=dict)
    handed: Collection[bytes] = frozenset()
    tried: Collection[int | None] = frozenset()


@dataclass(frozen=True, slots=True)
class Terms:
    """How an operator wants to anchor; `interval_ms` is R60's least time between two cycles."""

    fees: FeeTerms
    confirmations: int = CONFIRMATIONS
    interval_ms: int = MIN_INTERVAL_MS
    is_replaceable: bool = True


@dataclass(frozen=True, slots=True)
class Build:
    """Take up what waits and send a transaction; `cycle` is None for a new one.

    `replaces` is the version whose coin is spent again.
    """

    cycle: int | None
    coin: PaidBy
    fee: int
    replaces: bytes | None = None


@dataclass(frozen=True, slots=True)
class Send:
    """Hand a stored transaction to the node, for the first time or again."""

    cycle: int
    txid: bytes


@dataclass(frozen=True, slots=True)
class Take:
    """A version is in a block of the best chain: the cycle is mined there."""

    cycle: int
    txid: bytes
    height: int


@dataclass(frozen=True, slots=True)
class Finish:
    """A mined cycle is deep enough."""

    cycle: int


@dataclass(frozen=True, slots=True)
class Drop:
    """The block of a mined cycle has left the chain."""

    cycle: int


@dataclass(frozen=True, slots=True)
class Reopen:
    """No version can be mined any more: another coin is needed."""

    cycle: int


@dataclass(frozen=True, slots=True)
class Lose:
    """The block of a final cycle has left the chain: its commitments need a new cycle (R63)."""

    cycle: int


@dataclass(frozen=True, slots=True)
class RunLow:
    """The coins do not reach for what should be done; whatever was sent stays alive (R58)."""

    cycle: int | None
    needed: int


Action = Build | Send | Take | Finish | Drop | Reopen | Lose | RunLow


def next_action(
    cycles: Sequence[Cycle], view: View, terms: Terms, *, is_forced: bool = False
) -> Action | None:
    """Return what to do next; None when there is nothing to do until something changes.

    `cycles` are the live ones, oldest first: a transaction may spend the change of the one before.
    With `is_forced` a new cycle does not wait for its time (R60).
    """
    for cycle in cycles:
        action = _about(cycle, view, terms)
        if action is not None:
            return action
    if any(each.state in {State.OPEN, State.SENT} for each in cycles):
        return None
    if not view.waiting or None in view.tried:
        return None
    due = next_start(cycles, terms)
    return _begin(None, view, terms) if is_forced or view.now >= due else None


def next_start(cycles: Sequence[Cycle], terms: Terms) -> int:
    """Return from when on the next cycle may begin, Unix milliseconds; 0 for at once (R60).

    That is the interval times 1 to 2 after the last one was mined. The factor is drawn from its
    block's hash, so that nobody knows it before and a restart does not draw again.
    """
    mined = [(each.mined_at, each.block.hash) for each in cycles if each.block and each.mined_at]
    if not mined:
        return 0
    mined_at, block_hash = max(mined)
    share = int.from_bytes(sha256(block_hash).digest()[:4], "big")
    return mined_at + terms.interval_ms + (terms.interval_ms * share >> 32)


def _about(cycle: Cycle, view: View, terms: Terms) -> Action | None:
    if cycle.state in {State.MINED, State.FINAL}:
        return _about_mined(cycle, view, terms)
    placed = [each for each in cycle.versions if each.height is not None]
    if placed:
        found = placed[-1]
        return Take(cycle.number, found.txid, found.height or 0)
    alive = [each for each in cycle.versions if not _is_gone(each, view)]
    if alive:
        return _about_waiting(cycle, alive, view, terms)
    if cycle.state is State.SENT:
        return Reopen(cycle.number)
    return None if cycle.number in view.tried else _begin(cycle.number, view, terms)


def _about_mined(cycle: Cycle, view: View, terms: Terms) -> Action | None:
    block = cycle.block
    if block is None or view.held.get(block.height) != block.hash:
        return Lose(cycle.number) if cycle.state is State.FINAL else Drop(cycle.number)
    is_deep = view.tip.height - block.height + 1 >= terms.confirmations
    return Finish(cycle.number) if cycle.state is State.MINED and is_deep else None


def _about_waiting(
    cycle: Cycle, alive: Sequence[Version], view: View, terms: Terms
) -> Action | None:
    """Bump what the last block did not take, else see that the node has it (R59)."""
    newest = alive[-1]
    if not newest.is_sent and newest.txid not in view.handed:
        return Send(cycle.number, newest.txid)
    standing = next((each for each in reversed(alive) if each.is_sent), newest)
    bump = _bump(cycle, standing, view, terms)
    if bump is not None:
        return bump
    if standing.txid not in view.handed:
        return Send(cycle.number, standing.txid)
    return None


def _bump(cycle: Cycle, standing: Version, view: View, terms: Terms) -> Action | None:
    is_due = terms.is_replaceable and standing.built_at < view.tip.height
    is_there = all(view.inputs.get(each) is Input.THERE for each in standing.inputs)
    if not is_due or not is_there or cycle.number in view.tried:
        return None
    fee = terms.fees.next_fee(standing.fee, view.estimate)
    if fee is None:
        return None
    coin = PaidBy(standing.inputs[0], view.promised[standing.inputs[0]])
    if not terms.fees.is_enough(coin.value, fee):
        return RunLow(cycle.number, terms.fees.needed(fee))
    return Build(cycle.number, coin, fee, replaces=standing.txid)


def _begin(cycle: int | None, view: View, terms: Terms) -> Action:
    fee = terms.fees.first_fee(view.estimate)
    coin = view.coins[0] if view.coins else None
    if coin is None or not terms.fees.is_enough(coin.value, fee):
        return RunLow(cycle, terms.fees.needed(fee))
    return Build(cycle, coin, fee)


def _is_gone(version: Version, view: View) -> bool:
    return any(view.inputs.get(each) is Input.GONE for each in version.inputs)
