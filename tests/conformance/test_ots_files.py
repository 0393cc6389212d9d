"""The example files of the OpenTimestamps client: 8 that are right, 2 that are refused (R39)."""

from __future__ import annotations

from hashlib import sha256

import pytest

from conftest import load_json
from lodestamp.core.bitcoin import BlockHeader
from lodestamp.core.timestamps import (
    BitcoinHeader,
    EthereumHeader,
    encode_detached,
    parse_detached,
    replay,
    walk,
)
from lodestamp.errors import BadTimestamp, LimitExceeded

VALID = {
    "hello-world.txt": (688, 38, ["Bitcoin block 358391"]),
    "bad-stamp.txt": (688, 38, ["Bitcoin block 358391"]),
    "empty": (3812, 29, ["Bitcoin block 129405"]),
    "different-blockchains.txt": (
        1705,
        57,
        ["Bitcoin block 455605", "Ethereum block 3283713", "Pending", "Pending"],
    ),
    "incomplete.txt": (175, 6, ["Pending"]),
    "merkle1.txt": (335, 10, ["Pending", "Pending"]),
    "merkle2.txt": (335, 10, ["Pending", "Pending"]),
    "unknown-notary.txt": (175, 6, ["Unknown"]),
}
"""By name: bytes, depth, attestations; of some only the kind."""


@pytest.fixture(scope="module")
def folder(vectors):
    found = vectors / "timestamps/ots"
    assert {file.stem for file in found.glob("*.ots")} == set(VALID)
    assert len(list((found / "invalid").iterdir())) == 2
    return found


@pytest.mark.parametrize("name", VALID)
def test_a_valid_file_is_read_in_both_modes_and_written_back_byte_for_byte(folder, name):
    size, depth, attestations = VALID[name]
    source = (folder / f"{name}.ots").read_bytes()
    detached = parse_detached(source, strict=True)
    assert detached == parse_detached(source)
    assert encode_detached(detached) == source
    assert (len(source), detached.timestamp.depth) == (size, depth)
    found = [attestation for _, attestation in walk(detached.timestamp)]
    headers = (BitcoinHeader, EthereumHeader)
    named = [str(each) if isinstance(each, headers) else type(each).__name__ for each in found]
    assert sorted(named) == attestations


@pytest.mark.parametrize("name", VALID)
def test_running_a_file_finds_what_its_tree_holds(folder, name):
    source = (folder / f"{name}.ots").read_bytes()
    tree = parse_detached(source).timestamp
    assert replay(source) == tuple((msg, each.tag, each.payload) for msg, each in walk(tree))


@pytest.mark.parametrize("name", VALID)
def test_a_file_is_about_the_original_beside_it(folder, name):
    original = (folder / name).read_bytes()
    detached = parse_detached((folder / f"{name}.ots").read_bytes())
    assert detached.file_op.name == "sha256"
    assert detached.digest == sha256(original).digest()


def bitcoin_messages(folder, name):
    tree = parse_detached((folder / f"{name}.ots").read_bytes()).timestamp
    return {each.height: msg for msg, each in walk(tree) if isinstance(each, BitcoinHeader)}


def test_hello_world_verifies_against_its_header_and_bad_stamp_does_not(folder):
    """R40: the message is the Merkle root of the header, bytes 36 to 67."""
    listed = load_json(folder / "headers.json")
    raw = bytes.fromhex(listed["358391"]["header_hex"])
    header = BlockHeader.decode(raw)
    assert (header.hash_display, header.time) == (listed["358391"]["hash"], 1432827678)
    assert bitcoin_messages(folder, "hello-world.txt") == {358391: header.merkle}
    assert header.merkle == raw[36:68]
    (computed,) = bitcoin_messages(folder, "bad-stamp.txt").values()
    assert computed != header.merkle
    assert computed[::-1].hex() == listed["358391_bad"]["computes"]


@pytest.mark.parametrize(
    ("name", "height"), [("empty", 129405), ("different-blockchains.txt", 455605)]
)
def test_a_file_leads_to_the_published_merkle_root(folder, name, height):
    listed = load_json(folder / "headers.json")
    computed = bitcoin_messages(folder, name)[height]
    assert computed[::-1].hex() == listed[str(height)]["merkle_root_computed"]


def test_a_file_of_another_version_is_refused(folder):
    source = (folder / "invalid/bad-major-version.ots").read_bytes()
    for read in (parse_detached, replay):
        with pytest.raises(BadTimestamp) as refused:
            read(source)
        assert refused.value.code == "ots.version"


def test_a_message_over_the_limit_is_refused(folder):
    """R35: no result is longer than 4,096 bytes."""
    source = (folder / "invalid/exceeds-max-msg-length.ots").read_bytes()
    for read in (parse_detached, replay):
        with pytest.raises(LimitExceeded, match="4,112"):
            read(source)
