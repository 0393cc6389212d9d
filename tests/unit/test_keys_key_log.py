from __future__ import annotations

from itertools import permutations

import pytest

from lodestamp.core.encoding import address_of
from lodestamp.core.keys import FORK, KeyEvent, KeyLog, SigningKey, next_key_digest
from lodestamp.errors import KeyEventError

KEYS = [SigningKey.from_seed("ed25519", bytes([n]) * 32).public_key for n in range(6)]
ONE, TWO, THREE, FOUR, FIVE, THIEF = KEYS


def promise(key):
    return next_key_digest(key.key_id)


FIRST = KeyEvent.inception("human", ONE, nonce=bytes(16), next=promise(TWO))
SECOND = FIRST.rotation(TWO, next=promise(THREE))
RIVAL = FIRST.rotation(TWO, next=promise(FOUR))
THIRD = SECOND.rotation(THREE)
OPS = {event.digest: address_of(event.digest.encode()) for event in (FIRST, SECOND, RIVAL, THIRD)}


def log_of(*events, positions=None):
    log = KeyLog()
    for index, event in enumerate(events):
        log.append(event, OPS[event.digest], index, (positions or {}).get(event.digest))
    return log


def refusal_of(log, event):
    with pytest.raises(KeyEventError) as refusal:
        log.append(event, address_of(b"x"), 99)
    return refusal.value.code


def test_k9_the_key_in_force_at_a_leaf_speaks_for_the_identity_there():
    log = log_of(FIRST, SECOND, THIRD)
    assert [log.resolve(FIRST.did, at).key for at in range(3)] == [ONE, TWO, THREE]
    state = log.resolve(FIRST.did)
    assert (state.index, state.key, state.next, state.disputed) == (2, THREE, None, False)
    assert (state.entity, state.owner, state.op_id) == ("human", None, OPS[THIRD.digest])


def test_k8_a_stolen_current_key_cannot_rotate():
    log = log_of(FIRST)
    for event in (FIRST.rotation(THIEF), FIRST.rotation(ONE), FIRST.deactivation(ONE)):
        assert refusal_of(log, event) == "not-pre-rotated"
    assert log.resolve(FIRST.did).key == ONE


def test_k8_a_lost_key_is_replaced_by_the_one_that_was_promised():
    assert log_of(FIRST, SECOND).resolve(FIRST.did).key == TWO


def test_k8_without_a_promise_only_the_current_key_may_end_the_identity():
    log = log_of(FIRST, SECOND, THIRD)
    assert refusal_of(log, THIRD.rotation(THREE)) == "not-pre-rotated"
    assert refusal_of(log, THIRD.rotation(FOUR)) == "not-pre-rotated"
    assert refusal_of(log, THIRD.deactivation(FOUR)) == "not-pre-rotated"
    end = THIRD.deactivation(THREE)
    log.append(end, address_of(b"end"), 3)
    state = log.resolve(FIRST.did)
    assert (state.key, state.deactivated, state.index) == (None, True, 3)
    assert log.resolve(FIRST.did, 2).key == THREE
    assert refusal_of(log, end.deactivation(THREE)) == "deactivated"
    assert refusal_of(log, end.rotation(THREE)) == "deactivated"


def test_k8_with_a_promise_only_the_promised_key_ends_the_identity():
    log = log_of(FIRST)
    log.append(FIRST.deactivation(TWO), address_of(b"end"), 1)
    assert log.resolve(FIRST.did).deactivated


def test_k8_index_and_prior_must_match():
    log = log_of(FIRST)
    assert refusal_of(log, THIRD) == "unknown-prior"
    skipped = KeyEvent.parse(SECOND.document | {"index": 2})
    assert refusal_of(log, skipped) == "bad-index"


def test_k6_a_did_of_the_wrong_kind_names_nobody():
    log = log_of(FIRST)
    swapped = FIRST.did.replace("human", "agent")
    for did in (swapped, "did:pn:human:" + "0" * 64, "bob"):
        with pytest.raises(KeyEventError) as refusal:
            log.resolve(did)
        assert refusal.value.code == "unknown-did"
    assert refusal_of(log, KeyEvent.parse(SECOND.document | {"did": swapped})) == "wrong-did"


def test_an_identity_is_unknown_before_it_begins():
    log = KeyLog()
    log.append(FIRST, OPS[FIRST.digest], 5)
    with pytest.raises(KeyEventError) as refusal:
        log.resolve(FIRST.did, 4)
    assert refusal.value.code == "unknown-did"
    assert log.resolve(FIRST.did, 5).key == ONE


def test_k8_a_fork_without_positions_stays_at_the_last_undisputed_event():
    log = log_of(FIRST, SECOND, RIVAL)
    state = log.resolve(FIRST.did)
    assert (state.key, state.index, state.disputed) == (ONE, 0, True)
    assert log.resolve(FIRST.did, 1).key == TWO
    (fork,) = log.forks(FIRST.did)
    assert (fork.code, fork.index, fork.standing) == (FORK, 1, None)
    assert fork.op_ids == tuple(sorted((OPS[SECOND.digest], OPS[RIVAL.digest])))


def test_k8_of_a_fork_the_smaller_position_stands_and_both_are_kept():
    log = log_of(FIRST, SECOND, RIVAL, THIRD)
    log.place(OPS[RIVAL.digest], (7, 0, 0))
    assert log.resolve(FIRST.did).next == RIVAL.next
    log.place(OPS[SECOND.digest], (6, 9, 9))
    assert log.resolve(FIRST.did).key == THREE
    (fork,) = log.forks(FIRST.did)
    assert fork.standing == OPS[SECOND.digest]
    assert len(fork.op_ids) == 2
    log.place(address_of(b"nobody"), (0, 0, 0))
    log.place(OPS[SECOND.digest], (8, 0, 0))
    assert log.resolve(FIRST.did).key == THREE


@pytest.mark.parametrize("placed", [None, SECOND, RIVAL])
def test_s1_the_answer_does_not_depend_on_the_order_of_appending(placed):
    positions = {placed.digest: (1, 2, 3)} if placed else {}
    answers = set()
    for events in permutations([FIRST, SECOND, RIVAL, THIRD]):
        log, leaf = KeyLog(), {e.digest: n for n, e in enumerate([FIRST, SECOND, RIVAL, THIRD])}
        there, waiting = {None}, list(events)
        while waiting:
            event = waiting.pop(0)
            if event.prior not in there:
                assert refusal_of(log, event) == "unknown-prior"
                waiting.append(event)
                continue
            there.add(event.digest)
            log.append(event, OPS[event.digest], leaf[event.digest], positions.get(event.digest))
        answers.add((log.resolve(FIRST.did), log.forks(FIRST.did)))
    assert len(answers) == 1


def test_one_event_in_two_operations_is_no_fork():
    for twice in ([(b"a", 1), (b"b", 2)], [(b"b", 2), (b"a", 1)], [(b"a", 1), (b"a", 1)]):
        log = log_of(FIRST)
        for name, leaf in twice:
            log.append(SECOND, address_of(name), leaf)
        assert log.forks(FIRST.did) == ()
        assert log.resolve(FIRST.did).op_id == address_of(b"a")
        assert log.resolve(FIRST.did, 1).key == TWO
        log.append(RIVAL, OPS[RIVAL.digest], 3, (5, 0, 0))
        log.place(address_of(twice[0][0]), (4, 0, 0))
        assert log.resolve(FIRST.did).next == SECOND.next
