"""Running a timestamp from its bytes (the equality with reading is a property test)."""

from __future__ import annotations

from hashlib import sha256

from lodestamp.core.timestamps import BitcoinHeader, Pending, replay, replay_timestamp

END = b"\x00" + BitcoinHeader.tag + b"\x01\x07"
PENDING = b"\x00" + Pending.tag + b"\x02\x01a"


def test_each_attestation_comes_with_the_message_it_is_about():
    source = b"\xff" + PENDING + b"\xff\x08\xff" + PENDING + b"\x08" + END + b"\xf0\x01!" + END
    one, two = sha256(b"message").digest(), sha256(sha256(b"message").digest()).digest()
    pending, block = (Pending.tag, b"\x01a"), (BitcoinHeader.tag, b"\x07")
    assert replay_timestamp(source, b"message") == (
        (b"message", *pending),
        (one, *pending),
        (two, *block),
        (b"message!", *block),
    )


def test_doubles_are_given_as_often_as_they_stand_there():
    assert len(replay_timestamp(b"\xff" + END + END, b"message")) == 2


def test_a_file_is_run_from_its_digest():
    magic = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294")
    source = magic + b"\x01\x02" + bytes(20) + b"\xf2" + END
    assert replay(source) == ((bytes(20), BitcoinHeader.tag, b"\x07"),)
