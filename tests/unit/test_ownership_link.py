"""From a registration to a file: what its two digests say, and that its CID is no UnixFS root."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass, field

import pytest

from lodestamp.core.content import add_bytes, get_profile
from lodestamp.core.encoding import Cid, Codec, base58btc_encode
from lodestamp.core.ownership import content_link, registration_cid
from lodestamp.core.verdict import Status
from written import registration

BYTES = b"a work"
SHA1, SHA256 = (
    hashlib.sha1(BYTES, usedforsecurity=False).hexdigest(),
    hashlib.sha256(BYTES).digest(),
)


@dataclass(frozen=True)
class Registered:
    """What a scan knows of a registration, as far as a link asks."""

    sha1: str = SHA1
    meta: dict = field(default_factory=lambda: {"ipfs": registration(data=BYTES).fields()["ipfs"]})


def test_r50_the_published_digest_is_a_raw_cid_with_the_same_digest():
    cid = registration_cid(Registered())
    assert cid == Cid.of(Codec.RAW, BYTES)
    assert str(cid).startswith("bafkrei")
    assert (cid.version, cid.codec) == (1, 0x55)


def test_r50_both_digests_establish_the_link():
    link = content_link(Registered(), SHA1, SHA256)
    assert (link.status, link.reason, link.sha1_ok, link.sha256_ok) == (
        Status.ESTABLISHED, "", True, True,
    )  # fmt: skip
    assert link.same_block is False


def test_r50_sha1_alone_is_unknown_and_a_different_sha256_refutes():
    """SHA-1 collisions can be chosen; the second digest is what counts."""
    alone = content_link(Registered(meta={}), SHA1, SHA256)
    assert (alone.status, alone.reason, alone.sha256_ok) == (Status.UNKNOWN, "sha1 only", None)
    collision = content_link(Registered(), SHA1, bytes(32))
    assert (collision.status, collision.reason) == (Status.REFUTED, "sha256 differs")
    other = content_link(Registered(), "0" * 40, bytes(32))
    assert (other.status, other.reason) == (Status.REFUTED, "sha1 differs")
    assert content_link(Registered(), "0" * 40, SHA256).status is Status.REFUTED


@pytest.mark.parametrize(
    "ipfs",
    [
        None, 5, "", "Qm", ["x"], "Qm" + "1" * 44, "Qm" + "0" * 44, "é" * 46,
        base58btc_encode(b"\x12\x20" + bytes(31)), base58btc_encode(b"\x11\x20" + b"\x11" * 32),
        base58btc_encode(b"\x01\x55\x12\x20" + b"\x11" * 32), " " + "Q" * 45,
    ],
)  # fmt: skip
def test_r50_what_is_no_sha256_multihash_is_no_cid(ipfs):
    assert registration_cid(Registered(meta={"ipfs": ipfs})) is None
    assert content_link(Registered(meta={"ipfs": ipfs}), SHA1, SHA256).status is Status.UNKNOWN


def test_r50_the_cid_is_the_files_root_only_for_one_raw_leaf():
    small = content_link(Registered(), SHA1, SHA256, Cid.of(Codec.RAW, BYTES))
    assert small.same_block
    large = bytes(3_000_000)
    root = add_bytes(large, get_profile("unixfs-v1-2025"))[0].cid
    link = content_link(
        Registered(
            sha1=hashlib.sha1(large, usedforsecurity=False).hexdigest(),
            meta={"ipfs": registration(data=large).fields()["ipfs"]},
        ),
        hashlib.sha1(large, usedforsecurity=False).hexdigest(),
        hashlib.sha256(large).digest(),
        root,
    )
    assert link.status is Status.ESTABLISHED
    assert not link.same_block
    assert link.raw_cid != link.root_cid == root
