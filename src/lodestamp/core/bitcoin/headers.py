"""The chain of headers under full consensus rules, as a persistent value (bitcoin spec R17, R18).

A `HeaderChain` never changes: `extend` returns a longer one that shares all it can with the old
one, so that forks cost nothing and a reorganisation is to take another value.

>>> from lodestamp.core.bitcoin.network import REGTEST
>>> HeaderChain.genesis(REGTEST).tip.height
0
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from typing import Final, Self

from lodestamp.core.bitcoin.hashes import sha256d
from lodestamp.core.bitcoin.header import (
    HEADER_LAYOUT,
    HEADER_SIZE,
    BlockHeader,
    bits_of,
    meets_target,
    target_of,
    work_of_target,
)
from lodestamp.core.bitcoin.network import NetworkParams
from lodestamp.errors import BadHeader, MalformedBlock, UsageError

RETARGET_INTERVAL: Final = 2016
"""Blocks of one difficulty period."""
TARGET_TIMESPAN_S: Final = 1_209_600
"""Seconds a period should take: two weeks."""
TARGET_SPACING_S: Final = 600
"""Seconds between two blocks, on average."""
MEDIAN_SPAN: Final = 11
"""Headers whose median time a new one must exceed."""
FUTURE_S_MAX: Final = 7_200
"""Seconds a header may be ahead of the caller's clock: two hours, as every node allows."""
TIMEWARP_S_MAX: Final = 600
"""Seconds the first header of a period may lie before the last of the one before (BIP94)."""
_VERSION_SETTLED: Final = 4
"""A version that no soft fork has ended."""


@dataclass(slots=True, eq=False)
class ChainEntry:
    """A header of 80 bytes at its place: its hash, height, and the work of the chain up to it.

    Its fields never change. The type checker sees to that: a frozen dataclass would do it at three
    times the cost of making one, and a chain has a million.
    """

    encoded: Final[bytes]
    time: Final[int]
    bits: Final[int]
    hash: Final[bytes]
    height: Final[int]
    work: Final[int]
    parent: Final[ChainEntry | None]

    @classmethod
    def of(
        cls,
        header: BlockHeader,
        block_hash: bytes,
        height: int,
        work: int,
        parent: ChainEntry | None,
    ) -> Self:
        """Return the entry of a header whose hash and place are known already."""
        encoded = header.encode()
        return cls(encoded, header.time, header.bits, block_hash, height, work, parent)

    @property
    def header(self) -> BlockHeader:
        """The header, read anew each time: most of a chain is never looked at again."""
        return BlockHeader.decode(self.encoded)

    def ancestors(self) -> Iterator[ChainEntry]:
        """Yield this entry and then every one before it, down to the root of the chain."""
        entry: ChainEntry | None = self
        while entry is not None:
            yield entry
            entry = entry.parent

    def median_time(self) -> int:
        """Return the median of the last eleven times, this one's included; fewer near genesis."""
        times = self.last_times()
        return sorted(times)[len(times) // 2]

    def last_times(self) -> list[int]:
        """Return the last eleven times, oldest first and this one's last; fewer near genesis."""
        times: list[int] = []
        entry: ChainEntry | None = self
        while entry is not None and len(times) < MEDIAN_SPAN:
            times.append(entry.time)
            entry = entry.parent
        return times[::-1]

    def ancestor(self, height: int) -> ChainEntry:
        """Return the entry at `height` on the way back; UsageError when there is none."""
        for entry in self.ancestors():
            if entry.height == height:
                return entry
        raise UsageError(f"the chain of height {self.height} has no entry at {height}")


@dataclass(frozen=True, slots=True, eq=False)
class HeaderChain:
    """One branch of headers of one network, from the genesis block to `tip`."""

    net: NetworkParams
    tip: ChainEntry

    @classmethod
    def genesis(cls, net: NetworkParams) -> Self:
        """Return the chain that holds the genesis header alone."""
        header = net.genesis
        return cls(net, ChainEntry.of(header, header.hash, 0, header.work, None))

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, HeaderChain):
            return NotImplemented
        return self.net.name == other.net.name and self.tip.hash == other.tip.hash

    def __hash__(self) -> int:
        return hash((self.net.name, self.tip.hash))

    @property
    def height(self) -> int:
        """The height of the tip."""
        return self.tip.height

    @property
    def work(self) -> int:
        """The work of the whole chain, genesis included."""
        return self.tip.work

    def fork_point(self, other: HeaderChain) -> ChainEntry:
        """Return the highest entry that both chains hold; UsageError on different networks.

        Linear in the distance to it.
        """
        if self.net.genesis != other.net.genesis:
            raise UsageError("chains of different networks have nothing in common")
        mine, theirs = self.tip, other.tip
        while mine.hash != theirs.hash:
            if mine.height >= theirs.height:
                mine, behind = _parent(mine), mine
                if behind.height == theirs.height:
                    theirs = _parent(theirs)
            else:
                theirs = _parent(theirs)
        return mine

    def disconnect(self, count: int = 1) -> HeaderChain:
        """Return the chain without its last `count` headers; UsageError beyond the genesis."""
        if not 0 <= count <= self.height:
            raise UsageError(f"cannot take {count} headers from a chain of height {self.height}")
        return HeaderChain(self.net, self.tip.ancestor(self.height - count))

    def heavier(self, other: HeaderChain) -> HeaderChain:
        """Return the chain of more work; on a tie this one, which was seen first (R18)."""
        return other if other.work > self.work else self


def extend(chain: HeaderChain, header: BlockHeader, *, now: int | None = None) -> HeaderChain:
    """Append a header under every rule that needs no transactions (R17).

    `now`, Unix seconds, bounds the header's time when the caller has a clock. BadHeader with the
    reason of Bitcoin Core: ``prev-blk-not-found``, ``bad-diffbits``, ``high-hash``,
    ``time-too-old``, ``time-timewarp-attack``, ``time-too-new`` or ``bad-version``.
    """
    tip, net = chain.tip, chain.net
    times = tip.last_times()
    return HeaderChain(net, _joined(tip, header.encode(), times, max(times), net, now=now))


def extend_run(chain: HeaderChain, encoded: bytes, *, now: int | None = None) -> HeaderChain:
    """Append a run of headers, 80 bytes each and joined; the rules and errors of `extend`.

    Twice as fast as one by one, since nothing is made in between but the entries. MalformedBlock
    ``header-size`` where the bytes are no whole number of headers; the first bad header raises.
    """
    if len(encoded) % HEADER_SIZE:
        message = f"a run of headers has a multiple of {HEADER_SIZE} bytes, not {len(encoded)}"
        raise MalformedBlock("header-size", message)
    entry, net = chain.tip, chain.net
    times = deque(entry.last_times(), MEDIAN_SPAN)
    highest = max(times)
    for at in range(0, len(encoded), HEADER_SIZE):
        entry = _joined(entry, encoded[at : at + HEADER_SIZE], times, highest, net, now=now)
        times.append(entry.time)
        highest = max(highest, entry.time)
    return HeaderChain(net, entry)


def _joined(
    parent: ChainEntry,
    encoded: bytes,
    times: Collection[int],
    highest: int,
    net: NetworkParams,
    *,
    now: int | None,
) -> ChainEntry:
    """Return the entry of a header upon its parent.

    `times` are the parent's last eleven. None of them is above `highest`, so that the median need
    not be known for most headers.
    """
    version, prev, _, time, bits, _ = HEADER_LAYOUT.unpack(encoded)
    if prev != parent.hash:
        raise BadHeader("prev-blk-not-found", "the header does not name the tip as its parent")
    if bits != expected_bits(parent, time, net):
        raise BadHeader("bad-diffbits", f"the target {bits:08x} is not the one due")
    target = target_of(bits)
    block_hash = sha256d(encoded)
    if target is None or int.from_bytes(block_hash, "little") > target:
        raise BadHeader("high-hash", "the hash is above the target")
    if time <= highest and time <= sorted(times)[len(times) // 2]:
        raise BadHeader("time-too-old", "the time is not after the median of eleven")
    if now is not None or net.has_bip94:
        _require_time(parent, time, net, now)
    height = parent.height + 1
    if version < _VERSION_SETTLED:
        _require_version(version, height, net)
    work = parent.work + work_of_target(target)
    return ChainEntry(encoded, time, bits, block_hash, height, work, parent)


def expected_bits(parent: ChainEntry, time: int, net: NetworkParams) -> int:
    """Return the compact target due for the header that follows `parent` at Unix second `time`."""
    if not net.is_retargeting:
        return parent.bits
    if (parent.height + 1) % RETARGET_INTERVAL == 0:
        first = parent.ancestor(parent.height - (RETARGET_INTERVAL - 1))
        return retarget(first.header, parent.header, net)
    if not net.has_min_difficulty_rule:
        return parent.bits
    if time > parent.time + 2 * TARGET_SPACING_S:
        return net.pow_limit_bits
    return _last_real_bits(parent, net)


def retarget(first: BlockHeader, last: BlockHeader, net: NetworkParams) -> int:
    """Return the compact target after a period that began with `first` and ended with `last`.

    On testnet4 it starts from the period's first block, whose bits no 20-minute exception can have
    spoiled (BIP94).
    """
    span = last.time - first.time
    span = max(TARGET_TIMESPAN_S // 4, min(span, TARGET_TIMESPAN_S * 4))
    base = target_of(first.bits if net.has_bip94 else last.bits) or 0
    limit = target_of(net.pow_limit_bits) or 0
    return bits_of(min(base * span // TARGET_TIMESPAN_S, limit))


def within_limit(bits: int, net: NetworkParams) -> bool:
    """Tell whether a compact target is one at all, and no easier than the network allows."""
    target = target_of(bits)
    return target is not None and target <= (target_of(net.pow_limit_bits) or 0)


def has_work(header: BlockHeader, net: NetworkParams) -> bool:
    """Tell whether a header meets its own target and that target is allowed."""
    return within_limit(header.bits, net) and meets_target(header.hash, header.bits)


def _last_real_bits(parent: ChainEntry, net: NetworkParams) -> int:
    """Walk back over blocks of the 20-minute exception to one whose bits were due."""
    limit_bits = net.pow_limit_bits
    for entry in parent.ancestors():
        if entry.height % RETARGET_INTERVAL == 0 or entry.bits != limit_bits:
            return entry.bits
    return limit_bits


def _require_time(parent: ChainEntry, time: int, net: NetworkParams, now: int | None) -> None:
    starts_period = net.has_bip94 and (parent.height + 1) % RETARGET_INTERVAL == 0
    if starts_period and time < parent.time - TIMEWARP_S_MAX:
        raise BadHeader("time-timewarp-attack", "the period starts before its predecessor")
    if now is not None and time > now + FUTURE_S_MAX:
        raise BadHeader("time-too-new", "the time is over two hours ahead")


def _require_version(version: int, height: int, net: NetworkParams) -> None:
    if (
        (version < 2 and height >= net.bip34_height)
        or (version < 3 and height >= net.bip66_height)
        or (version < 4 and height >= net.bip65_height)
    ):
        raise BadHeader("bad-version", f"version {version} is no longer allowed")


def _parent(entry: ChainEntry) -> ChainEntry:
    if entry.parent is None:
        raise UsageError("the chains have no block in common")
    return entry.parent
