"""CIDs: 11 valid in 61 texts, 23 refused (content spec §13), and 260 multihashes."""

from __future__ import annotations

import csv

import pytest

from conftest import load_json
from lodestamp.core.encoding import Cid, HashCode, Multihash
from lodestamp.errors import CidError

BASES = {
    "base16": "f", "base16upper": "F", "base32": "b", "base32upper": "B", "base36": "k",
    "base36upper": "K", "base58btc": "z", "base64url": "u",
}  # fmt: skip


def test_every_valid_cid_parses_from_each_text_and_back(vectors):
    cases = load_json(vectors / "content/cid_cases.json")["valid"]
    texts = 0
    for case in cases:
        cid = Cid.decode(bytes.fromhex(case["bytes_hex"]))
        assert cid.encode().hex() == case["bytes_hex"]
        assert (cid.version, cid.codec, cid.hash_code) == (
            case["version"],
            case["codec"],
            case["hash_code"],
        )
        assert cid.digest.hex() == case["digest_hex"]
        for name, text in case["texts"].items():
            assert Cid.parse(text) == cid
            base = None if cid.version == 0 else BASES[name]
            assert cid.text(base) == text
            texts += 1
    assert (len(cases), texts) == (11, 61)


def test_every_invalid_cid_is_refused(vectors):
    cases = load_json(vectors / "content/cid_cases.json")["invalid"]
    for case in cases:
        with pytest.raises(CidError):
            if "text" in case:
                Cid.parse(case["text"])
            else:
                Cid.decode(bytes.fromhex(case["bytes_hex"]))
    assert len(cases) == 23


def test_multihashes_parse_and_reencode(vectors):
    codes = {"sha1": 0x11, "sha2-256": 0x12, "sha2-512": 0x13, "sha3": 0x14}
    rows = 0
    with (vectors / "operations/multihash/test_cases.csv").open(newline="") as file:
        for row in csv.DictReader(file, skipinitialspace=True):
            wire = bytes.fromhex(row["multihash"])
            multihash = Multihash.decode(wire)
            assert multihash.encode() == wire
            assert multihash.code == codes[row["algorithm"]]
            assert len(multihash.digest) == int(row["bits"]) // 8
            if multihash.code == HashCode.SHA2_256 and len(multihash.digest) == 32:
                assert multihash.matches(row["input"].encode())
            rows += 1
    assert rows == 260
