"""What a proof says of authority agrees with the state of the log it was made from."""

from __future__ import annotations

from contextlib import suppress

import pytest

from lodestamp.core.keys import KeyEvent, KeyLog, is_did
from lodestamp.core.operations import Operation, ProvenanceGraph, Status, View, parse_cap
from lodestamp.core.proof import authority_from, from_parts, verify
from lodestamp.core.verdict import Status as LegStatus
from lodestamp.errors import KeyEventError
from worlds import World

ELSEWHERE = {"revoked", "equivocation", "bad-attestation", "source-invalid"}
"""Lacks that follow from other operations, which the documents of a chain cannot show."""

UNDER_A_CAPABILITY = {"evidence", "claim", "grant", "attestation", "notice"}
"""The types whose right follows from the capability they name, and from nothing else."""


def past_of(world: World, op: Operation) -> list[Operation]:
    seen: set[str] = set()
    waiting = list(op.prev)
    while waiting:
        op_id = waiting.pop()
        if op_id not in seen:
            seen.add(op_id)
            waiting += world.by_id[op_id].prev
    return [each for each in world.ops if each.op_id in seen]


def rights_in(world: World, op: Operation) -> tuple[list[Operation], list[Operation]]:
    """Return the grants and key operations in an operation's past, found the plain way."""
    past = past_of(world, op)
    grants: list[Operation] = []
    cap_id = op.cap
    while cap_id and len(grants) < 5:
        carrying = (
            each
            for each in past
            if each.type == "grant"
            and each.body["cap"]["cap_id"] == cap_id
            and each.author == each.body["cap"]["issuer"]
        )
        grant = next(carrying, None)
        if grant is None:
            break
        grants.insert(0, grant)
        cap_id = parse_cap(grant.body["cap"]).parent
    caps = [parse_cap(each.body["cap"]) for each in (*grants, op) if each.type == "grant"]
    named = {name for cap in caps for name in (cap.audience, cap.subject) if is_did(name)}
    used = {each.author for each in (op, *grants)}
    log, held, shown = KeyLog(), {}, {}
    events = [(KeyEvent.parse(each.body["event"]), each) for each in past if each.type == "key"]
    for event, each in sorted(events, key=lambda pair: pair[0].index):
        with suppress(KeyEventError):
            log.append(event, each.op_id, 0)
            held.setdefault(event.did, []).append(each)
            shown.setdefault(event.did, set()).add(event.key.key_id)
    keys = [each for did in held if did in named or shown[did] & used for each in held[did]]
    return grants, keys


@pytest.mark.parametrize("seed", range(40))
def test_documents_never_contradict_the_state(seed: int):
    """A valid delegate is never refuted; what documents establish lacks only what others did.

    With key events the state knows more: a grant may have been signed before the event was made.
    """
    world = World(seed).grow(60)
    graph = View(world.ops, {}, world.roots).graph
    roots = {*world.roots, *(event.key.key_id for event in rotations(world))}
    for op in world.ops:
        if op.cap is None or op.author in roots or op.type not in UNDER_A_CAPABILITY:
            continue
        grants, keys = rights_in(world, op)
        authority = authority_from(grants, keys)
        leg = verify(from_parts(op, authority=authority).encode()).leg("authority")
        if graph.status(op.op_id) is Status.VALID:
            assert leg.status is not LegStatus.REFUTED, (op, leg)
        elif leg.status is LegStatus.ESTABLISHED and leg.facts["root"] in world.roots and not keys:
            lacks = lacking(graph, op)
            if lacks == {"chain-broken"}:  # then a grant of the chain lacks something itself
                lacks = set().union(*(lacking(graph, each) for each in grants)) - {"chain-broken"}
                assert lacks
            assert lacks <= ELSEWHERE, (op, lacks, leg)


def lacking(graph: ProvenanceGraph, op: Operation) -> set[str]:
    """Return the codes of what an operation itself lacks."""
    missing = graph.why(op.op_id).missing_authority
    return {lack.code for lack in missing if lack.op_id == op.op_id}


def rotations(world: World) -> list[KeyEvent]:
    """Return every key event of a history: its keys are those of a root."""
    return [KeyEvent.parse(op.body["event"]) for op in world.ops if op.type == "key"]
