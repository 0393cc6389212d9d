"""Judging a `.ots` file on its own: what it is about, and no later than when that existed (R40).

The legs are those of a proof that apply: ``format``, ``content`` and ``time``. A file names neither
its network nor its headers, so the caller brings both.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Final, TypeAlias

from lodestamp.core.proof.best_chain import MAIN, BestChain, HeaderTrust
from lodestamp.core.proof.bitcoin_trust import BITCOIN_TRUST, BitcoinTrust
from lodestamp.core.proof.legs.anchor_path import Fault
from lodestamp.core.timestamps import (
    BitcoinHeader,
    Detached,
    hash_pieces,
    parse_detached,
    walk,
)
from lodestamp.core.verdict import Fact, Leg, Status, Verdict
from lodestamp.errors import InputError, LimitExceeded

if TYPE_CHECKING:  # the room takes a tenth of a second to import, and other verbs do without
    from lodestamp.core.bitcoin import BlockHeader

_AHEAD_S: Final = 7_200
_ROOT_SIZE: Final = 32
_AFTER_FORMAT: Final = ("content", "time")

FindRun: TypeAlias = "Callable[[int], Sequence[BlockHeader]]"
"""Gives the headers from a height on, the one at that height first; none where there are none."""


def verify_detached(
    source: bytes,
    pieces: Iterable[bytes | memoryview] | None,
    find_run: FindRun,
    *,
    network: str = MAIN,
    bitcoin: BitcoinTrust = BITCOIN_TRUST,
    headers: BestChain | None = None,
) -> Verdict:
    """Judge a timestamp file, read leniently, by the file it is about and by headers of `network`.

    `pieces` are that file's bytes, None when it is not there. `bitcoin` and `headers` are what the
    caller trusts, as in `verify`. Whatever `find_run` raises passes through; bad input is refuted.
    """
    try:
        detached = parse_detached(source)
    except InputError as error:
        reason = "limit" if isinstance(error, LimitExceeded) else "bad_ots"
        blocked = "it rests on a leg that does not stand"
        after = (Leg.unknown(name, "blocked", blocked, counts=False) for name in _AFTER_FORMAT)
        return Verdict.of((Leg.refuted("format", reason, error.message), *after))
    fact = f"{detached.file_op}:{detached.digest.hex()}"
    form = Leg("format", Status.ESTABLISHED, basis="OpenTimestamps", facts={"digest": fact})
    time = _check_time(detached, find_run, network, HeaderTrust(bitcoin, network, headers))
    return Verdict.of((form, _check_content(detached, pieces), time))


def _check_content(detached: Detached, pieces: Iterable[bytes | memoryview] | None) -> Leg:
    if pieces is None:
        return Leg.unknown("content", "bytes_absent", "the file it is about was not given")
    try:
        digest = hash_pieces(detached.file_op, pieces)
    except LimitExceeded as error:
        return Leg.unknown("content", "too_large", error.message)
    if digest != detached.digest:
        detail = f"the file has the {detached.file_op} {digest.hex()}"
        return Leg.refuted("content", "digest_mismatch", detail)
    facts: dict[str, Fact] = {str(detached.file_op): digest.hex()}
    return Leg("content", Status.ESTABLISHED, basis="bytes given", facts=facts)


def _check_time(detached: Detached, find_run: FindRun, network: str, trust: HeaderTrust) -> Leg:
    """Judge each Bitcoin attestation: one refuted refutes, else the earliest that stands counts."""
    found = list(walk(detached.timestamp))
    legs = [
        _check_header(msg, each.height, find_run(each.height), network, trust)
        for msg, each in found
        if isinstance(each, BitcoinHeader)
    ]
    if not legs:
        waiting = sorted({str(each) for _, each in found})
        leg = Leg.unknown("time", "pending", f"no Bitcoin block attests it yet: {waiting[0]:.200}")
        return _with_facts(leg, {"waiting": waiting})
    return min(legs, key=_gravity)


def _gravity(leg: Leg) -> tuple[int, int]:
    """Refuted before established before unknown; of two alike the earlier."""
    rank = (Status.REFUTED, Status.ESTABLISHED, Status.UNKNOWN).index(leg.status)
    time = leg.facts.get("time", 0)
    return rank, time if isinstance(time, int) else 0


def _check_header(
    msg: bytes, height: int, run: Sequence[BlockHeader], network: str, trust: HeaderTrust
) -> Leg:
    from lodestamp.core.proof.legs.header_run import weigh  # noqa: PLC0415

    if len(msg) != _ROOT_SIZE:
        return Leg.refuted("time", "bad_ots", f"a Merkle root of {len(msg)} bytes")
    facts: dict[str, Fact] = {"network": network, "height": height, "root": msg[::-1].hex()}
    if not run:
        detail = f"there is no header to hold block {height:,} against"
        return _with_facts(Leg.unknown("time", "no_header", detail), facts)
    header = run[0]
    facts |= {"hash": header.hash_display}
    if header.merkle != msg:
        detail = f"block {height:,} has the Merkle root {header.merkle[::-1].hex()}"
        return _with_facts(Leg.refuted("time", "root_mismatch", detail), facts)
    weighed = weigh(tuple(run), height, network, trust)
    if isinstance(weighed, Fault):
        return _with_facts(Leg.refuted("time", weighed.reason, weighed.detail), facts)
    facts |= {
        "time": header.time,
        "not_after": header.time + _AHEAD_S,
        "work_log2": weighed.work_log2,
        "headers": len(run),
    }
    if weighed.status is Status.ESTABLISHED:
        return Leg("time", Status.ESTABLISHED, basis=weighed.basis, facts=facts)
    return _with_facts(Leg.unknown("time", weighed.reason, weighed.detail), facts)


def _with_facts(leg: Leg, facts: dict[str, Fact]) -> Leg:
    return Leg(leg.name, leg.status, leg.code, leg.basis, leg.detail, facts, leg.counts)
