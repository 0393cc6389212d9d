"""Carried key operations folded: who is in force, who was, and what breaks a history."""

from __future__ import annotations

import json

import pytest

from authorities import did_of, evidence_by, key_op, key_ops
from lodestamp.core.keys import KeyEvent
from lodestamp.core.proof.key_history import KeyHistory, key_order
from lodestamp.errors import CapError, KeyEventError, OpError
from proofs import AUTHOR, key


def read(operations):
    return KeyHistory.read([json.loads(op.wire) for op in operations])


def test_K9_the_last_key_of_the_history_is_in_force():
    keys = key_ops("a", "b", "c")
    history = read(keys)
    did, former = did_of(keys), set()
    assert history.dids_of(key("c").key_id) == [did]
    assert history.dids_of(key("a").key_id) == []
    assert history.speaks_for(key("c").key_id, did, former)
    assert former == set()
    assert history.speaks_for(key("b").key_id, did, former)
    assert former == {key("b").key_id}
    assert not history.speaks_for(key("d").key_id, did, former)


def test_a_key_id_speaks_for_itself():
    history = read(())
    assert history.speaks_for(AUTHOR.key_id, AUTHOR.key_id, set())
    assert not history.speaks_for(AUTHOR.key_id, key("a").key_id, set())


def test_K11_a_did_of_which_nothing_is_carried_is_unknown():
    with pytest.raises(CapError) as caught:
        read(()).speaks_for(AUTHOR.key_id, did_of(key_ops("a")), set())
    assert caught.value.code == "key-unknown"


def test_nobody_is_in_force_once_an_identity_has_ended():
    keys = key_ops("a")
    event = KeyEvent.parse(keys[0].body["event"])
    history = read([*keys, key_op(event.deactivation(key("a").public_key), key("a"))])
    assert history.dids_of(key("a").key_id) == []
    former = set()
    assert history.speaks_for(key("a").key_id, event.did, former)
    assert former == {key("a").key_id}


def test_two_identities_stand_one_after_the_other():
    keys = sorted([*key_ops("a", "b"), *key_ops("c")], key=key_order)
    assert set(read(keys).identities) == {did_of(key_ops("a", "b")), did_of(key_ops("c"))}
    with pytest.raises(OpError) as caught:
        read([*sorted(key_ops("c") + key_ops("x"), key=key_order)][::-1])
    assert caught.value.code == "bad-order"


def test_only_key_operations_make_a_history():
    with pytest.raises(OpError) as caught:
        read([evidence_by(AUTHOR)])
    assert caught.value.code == "bad-type"


def test_a_history_has_no_gap():
    with pytest.raises(KeyEventError) as caught:
        read([key_ops("a", "b", "c")[0], key_ops("a", "b", "c")[2]])
    assert caught.value.code == "unknown-prior"
