"""Walks over the graph: why an operation has its status, and what lies above and below it."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import count
from typing import Final

from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.graph.state import State
from lodestamp.core.operations.graph.status import (
    CLAIM,
    EVIDENCE,
    GRANT,
    NOTICE,
    REFUTATION,
    Effects,
    Lack,
    Status,
    Why,
)
from lodestamp.errors import UsageError

CLOCK_BEHIND_S: Final = 120
"""How far `ts` may be before that of a parent unremarked: laptops without NTP (S9)."""
_REFUTABLE: Final = frozenset({EVIDENCE, CLAIM, REFUTATION})


def why(state: State, index: int) -> Why:
    """Explain the status of the operation at a leaf."""
    status = Status(state.counters.statuses[index])
    name = state.columns.op_id
    sources = tuple(map(name, state.columns.sources_of(index)))
    if status is Status.VALID:
        return Why(status, (), (), (), _authority(state, index), sources)
    came = _faults_below(state, index)
    causes: dict[int, tuple[str, ...]] = {}
    lacks: dict[Lack, tuple[str, ...]] = {}
    for found in sorted(index for index in came if _is_fault(state, index)):
        path = _path(state, came, found)
        causes.update(dict.fromkeys(_causes(state, found), path))
        if code := _lack(state, found):
            lacks[Lack(name(found), code)] = path
    ordered = sorted(causes)
    paths = (*(causes[cause] for cause in ordered), *lacks.values())
    return Why(status, tuple(map(name, ordered)), paths, tuple(lacks), (), sources)


def cascade(state: State, index: int) -> Effects:
    """Tell what an effective refutation would change; UsageError ``not-refutable`` (S15)."""
    if state.columns.kinds[index] not in _REFUTABLE:
        raise UsageError(f"{state.columns.op_id(index)} cannot be refuted", code="not-refutable")
    return state.counters.rehearse(index)


def reach(
    state: State, index: int, depth: int | None, step: Callable[[int], Iterable[int]]
) -> list[str]:
    """Return the ids that `step` leads to, level by level, each once, ascending in a level."""
    seen, level, found = {index}, [index], list[int]()
    for level_number in count():
        if not level or level_number == depth:
            break
        level = sorted({other for each in level for other in step(each)} - seen)
        seen.update(level)
        found += level
    return [state.columns.op_id(each) for each in found]


def equivocations(state: State) -> list[tuple[Operation, ...]]:
    """Return for each forked chain the operations with which it forks."""
    chains = state.authority.chains
    forks = [map(state.operation, chains.fork(chain)) for chain in sorted(chains.forked)]
    return [tuple(op for op in fork if op is not None) for fork in forks]


def clock_behind(state: State, index: int) -> bool:
    """Tell whether the time of an operation is over two minutes before one of its parents'."""
    times = state.columns.times
    parents = state.columns.parents_of(index)
    return any(times[index] < times[parent] - CLOCK_BEHIND_S for parent in parents)


def unnoticed(state: State, attestations: Iterable[int]) -> list[tuple[str, str]]:
    """Return the ids of attestations whose standing no notice tells, and what it is."""
    found, notices, kinds = [], dict[int, int](), state.columns.kinds
    at = kinds.find(NOTICE)
    while at >= 0:
        notices[state.columns.sources_of(at)[0]] = at
        at = kinds.find(NOTICE, at + 1)
    for index in attestations:
        status = state.counters.statuses[index]
        newest = state.operation(notices[index]) if index in notices else None
        told = newest.body["state"] if newest is not None else "restored"
        now = "stale" if status == Status.STALE else "restored"
        if now != told and status in {Status.STALE, Status.VALID}:
            found.append((state.columns.op_id(index), now))
    return found


def _faults_below(state: State, index: int) -> dict[int, int]:
    """Return the invalid operations that one rests on, each with the one the walk came from.

    The walk takes the oldest source first, and ends when it met every fault there is in the log.
    """
    bad, columns = state.counters.bad, state.columns
    left = state.counters.faults()
    came, waiting = {index: index}, [index]
    while waiting:
        each = waiting.pop()
        left -= _is_fault(state, each)
        if not left:
            break
        if columns.kinds[each] in {REFUTATION, GRANT}:
            continue
        sources = {s for s in columns.sources_of(each) if bad[s] and s not in came}
        came.update(dict.fromkeys(sources, each))
        waiting += sorted(sources, reverse=True)
    return came


def _is_fault(state: State, index: int) -> bool:
    """Tell whether something speaks against an operation itself, and not what it rests on."""
    return state.counters.base[index] > 0 or index in state.counters.hits


def _path(state: State, came: dict[int, int], found: int) -> tuple[str, ...]:
    path = [found]
    while came[path[-1]] != path[-1]:
        path.append(came[path[-1]])
    return tuple(state.columns.op_id(each) for each in reversed(path))


def _causes(state: State, index: int) -> list[int]:
    """Return what speaks against an operation: effective refutations, for a grant revocations."""
    if state.columns.kinds[index] == GRANT:
        return state.authority.revocations_of(index)
    refuters = state.authority.refuters.get(index, ())
    return [refuter for refuter in refuters if state.counters.is_effective(refuter)]


def _lack(state: State, index: int) -> str:
    status, code = state.authority.judge(index)
    return code or ("source-invalid" if status is Status.SOURCE_INVALID else "")


def _authority(state: State, index: int) -> tuple[str, ...]:
    """Return the grants that an operation rests on, the root's first; none for a root's own."""
    precedes = state.ancestry.precedes
    links = reversed(state.authority.links_of(index))
    grants = (
        next((g for g in link.grants if g != index and precedes(g, index)), None) for link in links
    )
    return tuple(state.columns.op_id(grant) for grant in grants if grant is not None)
