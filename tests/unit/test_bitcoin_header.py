"""Headers, compact targets and work."""

from __future__ import annotations

import pytest

from lodestamp.core.bitcoin import (
    MAIN,
    NETWORKS,
    BlockHeader,
    bits_of,
    has_work,
    meets_target,
    target_of,
)
from lodestamp.errors import MalformedBlock

GENESIS = {
    "main": "000000000019d6689c085ae165831e934ff763ae46a2a6c172b3f1b60a8ce26f",
    "test": "000000000933ea01ad0ee984209779baaec3ced90fa3f408719526f8d77f4943",
    "testnet4": "00000000da84f2bafbbc53dee25a72ae507ff4914b867c565be350b0da8bf043",
    "signet": "00000008819873e925422c1ff0f99f7cc9bbb232af63a077a480a3633bee1ef6",
    "regtest": "0f9188f13cb7b2c71f2a335e3a4fc328bf5beb436012afca590b1a11466e2206",
}


def test_every_genesis_header_has_its_hash_and_its_work():
    assert {name: net.genesis.hash_display for name, net in NETWORKS.items()} == GENESIS
    assert all(has_work(net.genesis, net) for net in NETWORKS.values())


def test_a_header_is_eighty_bytes_and_comes_back():
    raw = MAIN.genesis.encode()
    assert len(raw) == 80
    assert BlockHeader.decode(raw) == MAIN.genesis
    for wrong in (b"", raw[:-1], raw + b"\0"):
        with pytest.raises(MalformedBlock) as refused:
            BlockHeader.decode(wrong)
        assert refused.value.code == "header-size"


@pytest.mark.parametrize(
    "fields",
    [
        (1 << 31, bytes(32), bytes(32), 0, 0, 0),
        (1, bytes(31), bytes(32), 0, 0, 0),
        (1, bytes(32), bytes(33), 0, 0, 0),
        (1, bytes(32), bytes(32), -1, 0, 0),
        (1, bytes(32), bytes(32), 0, 1 << 32, 0),
    ],
)
def test_a_field_that_does_not_fit_is_refused(fields):
    with pytest.raises(MalformedBlock):
        BlockHeader(*fields)


@pytest.mark.parametrize(
    "bits",
    [0, 0x01003456, 0x04923456, 0x1D800001, 0x01FE0000, 0x20000000, 0xFF123456, 0x23000001],
)
def test_r17_negative_zero_and_overflowing_targets_are_none(bits):
    assert target_of(bits) is None
    assert not meets_target(bytes(32), bits)


@pytest.mark.parametrize(
    ("bits", "target"),
    [
        (0x01123456, 0x12),
        (0x02123456, 0x1234),
        (0x03123456, 0x123456),
        (0x04123456, 0x12345600),
        (0x05009234, 0x92340000),
        (0x20123456, 0x123456 << 232),
        (0x220000FF, 0xFF << 248),
    ],
)
def test_compact_targets_expand_as_in_consensus(bits, target):
    assert target_of(bits) == target


@pytest.mark.parametrize("target", [1, 0x7F, 0x80, 0x1234, 0x80000000, 0xFFFF << 208, (1 << 255)])
def test_a_target_cut_to_compact_form_never_grows(target):
    cut = target_of(bits_of(target))
    assert cut is not None
    assert cut <= target
    assert bits_of(cut) == bits_of(target)


def test_r18_work_is_the_hashes_that_a_target_costs():
    assert MAIN.genesis.work == 0x100010001
    assert NETWORKS["regtest"].genesis.work == 2
