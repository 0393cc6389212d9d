"""Judging a run of headers that somebody hands over, without a node (bitcoin spec R19).

A lone header proves nothing (DESIGN D9). The judged header is established when the run leads from
it up to a pinned block, since a hash names all its ancestors; or when the work from it to the end
of the run reaches the network's floor. What lies before the judged header adds nothing: anyone can
mine a cheap block upon a dear one.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import log2
from typing import Final

from lodestamp.core.bitcoin.header import (
    BlockHeader,
    meets_target,
    target_of,
    work_of_target,
)
from lodestamp.core.bitcoin.headers import (
    MEDIAN_SPAN,
    RETARGET_INTERVAL,
    HeaderChain,
    extend,
    retarget,
    within_limit,
)
from lodestamp.core.bitcoin.network import NetworkParams
from lodestamp.core.verdict import Status
from lodestamp.errors import BadHeader, LimitExceeded, UsageError

HEADER_RUN_MAX: Final = 30_000
"""Headers of one run: 2.4 MB, half a year of blocks, a third of a second to check."""

LOCAL_ONLY: Final = "regtest work proves nothing to strangers"
"""What a verdict on a chain says that anyone can make."""


@dataclass(frozen=True, slots=True)
class HeaderVerdict:
    """How a run of headers was judged.

    `code` says why it is not established. `work` counts hashes from the judged header to the end;
    `pinned` is the block that establishes it and `height` the judged header's, where known.
    """

    status: Status
    code: str
    basis: str
    work: int
    pinned: bytes | None = None
    height: int | None = None

    @property
    def work_log2(self) -> float:
        """The work as a power of two; 0 when there is none."""
        return log2(self.work) if self.work else 0.0


def assess_run(
    headers: Sequence[BlockHeader],
    pins: Mapping[bytes, int],
    net: NetworkParams,
    floor: int | None = None,
    *,
    index: int = 0,
    height: int | None = None,
) -> HeaderVerdict:
    """Judge the header at `index` of a run, oldest first.

    `pins` are the caller's, by hash, beside the network's own. `floor` can raise the network's
    floor, never lower it. `height`, of the first header, is only claimed; bits are held against it.
    UsageError for an empty run or an index outside it, LimitExceeded above `HEADER_RUN_MAX`.
    """
    if len(headers) > HEADER_RUN_MAX:
        raise LimitExceeded("the run of headers", HEADER_RUN_MAX, len(headers))
    if not 0 <= index < len(headers):
        raise UsageError(f"there is no header {index} in a run of {len(headers)}")
    known = {**net.pins, **pins}
    hashes = [header.hash for header in headers]
    try:
        start = _placed(hashes, known, height)
        _check_run(headers, hashes, net, start)
    except BadHeader as error:
        return HeaderVerdict(Status.REFUTED, error.code, error.message, 0)
    work = sum(work_of_target(target_of(each.bits) or 0) for each in headers[index:])
    place = None if start is None else start + index
    pinned = next((each for each in hashes[index:] if each in known), None)
    if pinned is not None:
        place = known[pinned] - hashes.index(pinned) + index
        basis = f"an ancestor of, or itself, the pinned block {pinned[::-1].hex()}"
        return HeaderVerdict(Status.ESTABLISHED, "", basis, work, pinned, place)
    return _weigh(work, net, floor, place)


def _weigh(work: int, net: NetworkParams, floor: int | None, height: int | None) -> HeaderVerdict:
    if net.work_floor is None:
        basis = f"work on {net} is too cheap to count; only a pin establishes a header there"
        return HeaderVerdict(Status.UNKNOWN, "not-pinned", basis, work, height=height)
    least = max(net.work_floor, floor or 0)
    if work < least:
        basis = f"work of 2^{log2(work):.1f}, below the floor of 2^{log2(least):.1f}"
        return HeaderVerdict(Status.UNKNOWN, "work-below-floor", basis, work, height=height)
    basis = LOCAL_ONLY if net.work_floor == 0 else f"cumulative work of 2^{log2(work):.1f}"
    return HeaderVerdict(Status.ESTABLISHED, "", basis, work, height=height)


def _placed(hashes: Sequence[bytes], known: Mapping[bytes, int], claimed: int | None) -> int | None:
    """Return the height of the first header as pins or the caller state it; None when unknown."""
    heights = {known[each] - place for place, each in enumerate(hashes) if each in known}
    if claimed is not None:
        heights.add(claimed)
    if len(heights) > 1 or any(each < 0 for each in heights):
        raise BadHeader("pin-conflict", "the run contradicts the heights of pinned blocks")
    if not heights:
        return None
    start = heights.pop()
    for pin, height in known.items():
        if start <= height < start + len(hashes) and hashes[height - start] != pin:
            raise BadHeader("pin-conflict", f"another block is pinned at {height}")
    return start


def _check_run(
    headers: Sequence[BlockHeader], hashes: Sequence[bytes], net: NetworkParams, start: int | None
) -> None:
    """Check what can be checked with the context that the run itself brings."""
    if headers[0] == net.genesis:
        chain = HeaderChain.genesis(net)
        for header in headers[1:]:
            chain = extend(chain, header)
        return
    times: list[int] = []
    for place, header in enumerate(headers):
        if place and header.prev != hashes[place - 1]:
            raise BadHeader("prev-blk-not-found", f"header {place} does not follow")
        if not (within_limit(header.bits, net) and meets_target(hashes[place], header.bits)):
            raise BadHeader("high-hash", f"header {place} lacks its work")
        if len(times) == MEDIAN_SPAN:
            if header.time <= sorted(times)[MEDIAN_SPAN // 2]:
                raise BadHeader("time-too-old", f"header {place} is too old")
            times.pop(0)
        times.append(header.time)
        if place and start is not None and not net.has_min_difficulty_rule:
            _check_bits(headers, place, start + place, net)


def _check_bits(
    headers: Sequence[BlockHeader], place: int, height: int, net: NetworkParams
) -> None:
    """Hold the bits against the period: exact where it lies in the run, else within a factor 4."""
    bits, before = headers[place].bits, headers[place - 1]
    if height % RETARGET_INTERVAL:
        due = bits == before.bits
    elif place >= RETARGET_INTERVAL:
        due = bits == retarget(headers[place - RETARGET_INTERVAL], before, net)
    else:
        old, new = target_of(before.bits) or 0, target_of(bits) or 0
        due = old // 4 <= new + (new >> 14) and new <= old * 4
    if not due:
        raise BadHeader("bad-diffbits", f"the target of height {height} is not due")
