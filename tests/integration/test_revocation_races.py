"""Acts under a grant race its revocation: accepted if and only if they came before (S31, T7)."""

from __future__ import annotations

import threading
import time
from random import Random

import pytest

import lodestamp
from homes import ALICE, assert_clean
from lodestamp.core.operations import Status, evidence
from lodestamp.node.recorder import Authorship

ACTS = 10_000
ACTS_PER_GRANT = 4
REQUESTS = 100


@pytest.mark.slow
def test_no_act_is_accepted_behind_a_revocation_in_ten_thousand_races(tmp_path):
    """Two writers of one home: the holder acts under each grant while the owner revokes it."""
    home = tmp_path / "home"
    ends = int(time.time()) + 3_600
    body = evidence(source="sensor/1", kind="reading", content={}, captured_at=0)
    with lodestamp.open(home) as owner, lodestamp.open(home) as holder:
        futures = [
            owner.grant_future(
                ALICE.key_id,
                predicates=["a"],
                commands=["/evidence/create"],
                expires_at=ends,
            )
            for _ in range(ACTS // ACTS_PER_GRANT)
        ]
        caps = [future.result().cap_id for future in futures]
        acts, revocations = [], {}
        ready = threading.Barrier(2)

        def act_under(chosen):
            for cap_id in chosen:
                by = Authorship(ALICE, "holder", cap_id)
                acts.append((cap_id, holder._recorder.author("evidence", body, by=by)))

        def act():
            ready.wait()
            act_under(_shuffled(caps * (ACTS_PER_GRANT - 2), 1))

        def revoke():
            ready.wait()
            for cap_id in _shuffled(caps, 2):
                revocations[cap_id] = owner.revoke_future(cap_id, reason="over")

        act_under(caps)  # one for each grant is there before its end is even asked for,
        for _, future in acts:
            future.result()
        _together(act, revoke)
        for future in revocations.values():
            future.result()
        act_under(caps)  # and one comes when its end has been acknowledged
        accepted = stale = 0
        acted = [(cap_id, future.result().log_index) for cap_id, future in acts]
        ended = {cap_id: future.result().log_index for cap_id, future in revocations.items()}
        with owner._state() as graph:
            statuses = graph.statuses()
        for cap_id, place in acted:
            valid = statuses[place] == Status.VALID
            accepted += valid
            stale += valid != (place < ended[cap_id])
        assert len(acted) == ACTS
        assert stale == 0
        assert len(caps) <= accepted <= ACTS - len(caps)
    assert_clean(home)


@pytest.mark.slow
def test_no_request_is_let_in_that_was_made_after_a_revocation(tmp_path):
    """The door of the service: once `revoke` has returned, every later question is refused."""
    home = tmp_path / "home"
    with lodestamp.open(home) as node:
        door = node.peers.access._may_act
        for _ in range(REQUESTS):
            given = node.grant(
                ALICE.key_id,
                predicates=["a"],
                commands=["/sync"],
                expires_at=int(time.time()) + 60,
            )
            asked: list[tuple[float, bool]] = []
            revoked = threading.Event()

            def ask(cap_id=given.cap_id, asked=asked, revoked=revoked):
                last = False
                while not last:
                    last = revoked.is_set()
                    began = time.monotonic()
                    now = int(time.time())
                    asked.append((began, door(ALICE.key_id, "/sync", cap_id, now)))

            asking = threading.Thread(target=ask)
            asking.start()
            while not asked:
                time.sleep(0.0005)
            node.revoke(given.cap_id, reason="over")
            acknowledged = time.monotonic()
            revoked.set()
            asking.join()
            assert asked[0][1]
            assert not [let_in for began, let_in in asked if let_in and began > acknowledged]
            assert not asked[-1][1]
    assert_clean(home)


def _shuffled(caps, seed):
    """Another order for each: some acts come long before the end, some long after it."""
    mixed = list(caps)
    Random(seed).shuffle(mixed)
    return mixed


def _together(*actions):
    threads = [threading.Thread(target=action) for action in actions]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
