"""Addresses and keys: key_io_valid 70 of 70, key_io_invalid 70 of 70, base58 14 of 14 (R4)."""

from __future__ import annotations

import pytest

from conftest import load_json
from lodestamp.core.bitcoin import NETWORKS, decode_address, encode_address, wif_decode, wif_encode
from lodestamp.core.encoding import base58btc_decode, base58btc_encode
from lodestamp.errors import MalformedAddress


def test_r4_every_valid_address_and_key_is_read_and_written_back(vectors):
    cases = load_json(vectors / "bitcoin/key_io_valid.json")
    for text, payload, kind in cases:
        net = NETWORKS[kind["chain"]]
        if kind["isPrivkey"]:
            secret, compressed = wif_decode(text, net)
            assert (secret.hex(), compressed) == (payload, kind["isCompressed"])
            assert wif_encode(secret, net, compressed=compressed) == text
            continue
        script = decode_address(text, net)
        assert script.hex() == payload
        assert encode_address(script, net) == text
        if kind.get("tryCaseFlip"):
            assert decode_address(text.swapcase(), net) == script
    assert len(cases) == 70


def test_r4_every_invalid_text_is_refused_on_every_network(vectors):
    cases = load_json(vectors / "bitcoin/key_io_invalid.json")
    for (text,) in cases:
        for net in NETWORKS.values():
            for read in (decode_address, wif_decode):
                with pytest.raises(MalformedAddress):
                    read(text, net)
    assert len(cases) == 70


def test_base58_goes_both_ways(vectors):
    cases = load_json(vectors / "bitcoin/base58_encode_decode.json")
    for raw, text in cases:
        assert base58btc_encode(bytes.fromhex(raw)) == text
        assert base58btc_decode(text) == bytes.fromhex(raw)
    assert len(cases) == 14
