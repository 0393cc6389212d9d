"""The profiles of ownership: R7, R13, R23."""

from __future__ import annotations

from dataclasses import FrozenInstanceError

import pytest

from lodestamp.core.bitcoin import NETWORKS
from lodestamp.core.encoding import canonical_json
from lodestamp.core.ownership import Rules
from lodestamp.errors import RulesMismatch, UsageError


def test_R7_activation_heights_are_constants_of_the_rules():
    found = {n: (Rules.strict(n).segwit_from, Rules.strict(n).taproot_from) for n in NETWORKS}
    assert found == {
        "main": (481_824, 709_632),
        "test": (834_624, 2_011_968),
        "testnet4": (1, 1),
        "signet": (1, 1),
        "regtest": (1, 1),
    }


def test_R7_the_peer_knows_no_segwit_owner():
    rules = Rules.peer_compat("main")
    assert (rules.segwit_from, rules.taproot_from) == (None, None)
    assert not rules.has_segwit(10**9)
    assert not rules.has_taproot(10**9)


def test_segwit_and_taproot_begin_at_their_heights():
    rules = Rules.strict("main")
    assert [rules.has_segwit(h) for h in (481_823, 481_824)] == [False, True]
    assert [rules.has_taproot(h) for h in (709_631, 709_632)] == [False, True]


def test_R23_everything_that_may_change_a_result_changes_the_id():
    made = [
        Rules.strict(name, start)
        for name in NETWORKS
        for start in (0, 1, 2)
    ] + [Rules.peer_compat(name) for name in NETWORKS]  # fmt: skip
    assert len({rules.rules_id for rules in made}) == len(made)
    assert {len(rules.rules_id) for rules in made} == {32}


def test_R13_no_run_may_allow_a_whole_transfer():
    rules = Rules.strict("regtest")
    assert rules.allow_full_transfer is False
    with pytest.raises(TypeError):
        Rules("strict", "regtest", 1, 1, 1, allow_full_transfer=True)
    with pytest.raises(FrozenInstanceError):
        rules.allow_full_transfer = True


@pytest.mark.parametrize("rules", [Rules.strict("main", 7), Rules.peer_compat("signet")], ids=str)
def test_rules_are_read_from_their_own_bytes(rules):
    assert Rules.decode(rules.encode()) == rules


@pytest.mark.parametrize(
    "change",
    [
        {"name": "lax"}, {"name": 5}, {"network": "moon"}, {"network": 5}, {"start_height": -1},
        {"start_height": True}, {"start_height": "1"}, {"segwit_from": None}, {"taproot_from": 2},
        {"allow_full_transfer": True}, {"allow_full_transfer": 0}, {"version": 2}, {"more": 1},
        {"network": []}, {"network": {}}, {"name": []}, {"segwit_from": True}, {"version": True},
    ],
    ids=str,
)  # fmt: skip
def test_rules_of_another_version_are_refused(change):
    with pytest.raises(RulesMismatch) as refused:
        Rules.decode(canonical_json(Rules.strict("regtest").fields() | change))
    assert refused.value.code == "rules-unknown"


def test_fields_that_no_canonical_form_has_are_no_rules():
    for change in ({"taproot_from": 1.0}, {"x": {1}}, {5: 5}):
        with pytest.raises(RulesMismatch):
            Rules.from_fields(Rules.strict("regtest").fields() | change)


@pytest.mark.parametrize(
    "encoded", [b"", b"{}", b"[]", b"\xff", Rules.strict("main").encode() + b" ", b'{"a":' * 9000]
)
def test_bytes_that_are_no_rules_are_refused(encoded):
    with pytest.raises(RulesMismatch):
        Rules.decode(encoded)


@pytest.mark.parametrize("make", [Rules.strict, Rules.peer_compat])
def test_an_unknown_network_or_height_is_a_mistake_of_the_caller(make):
    for network, start in (("moon", 1), ("main", -1), ("main", 2**53)):
        with pytest.raises(UsageError):
            make(network, start)


def test_rules_say_what_they_are():
    assert str(Rules.strict("main", 5)) == "strict on main from 5"
