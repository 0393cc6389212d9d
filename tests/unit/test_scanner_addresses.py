"""Owners become addresses at the edge only."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import MAIN, REGTEST, TEST
from lodestamp.core.ownership import NOBODY, Owner
from lodestamp.errors import MalformedAddress
from lodestamp.node.scanner import address_of, owner_of

P2PKH = Owner(b"\x76\xa9\x14" + bytes(range(20)) + b"\x88\xac")
P2WPKH = Owner(b"\x00\x14" + bytes(range(20)))


@pytest.mark.parametrize("net", [MAIN, TEST, REGTEST], ids=str)
@pytest.mark.parametrize("owner", [P2PKH, P2WPKH, Owner(b"\x51\x20" + bytes(range(32)))])
def test_an_owner_and_his_address_are_one_to_one(owner, net):
    assert owner_of(address_of(owner, net), net) == owner


def test_two_forms_of_one_key_are_two_owners():
    assert address_of(P2PKH, MAIN) != address_of(P2WPKH, MAIN)


def test_nobody_has_no_address():
    assert (address_of(NOBODY, MAIN), owner_of("", MAIN)) == ("", NOBODY)


def test_an_address_of_another_network_is_refused():
    with pytest.raises(MalformedAddress):
        owner_of(address_of(P2WPKH, MAIN), REGTEST)
