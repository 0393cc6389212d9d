"""Files and bare timestamps: defects by their code, limits, both modes (R33-R39)."""

from __future__ import annotations

import pytest

from lodestamp.core.timestamps import (
    KECCAK256,
    OPS_MAX,
    RIPEMD160,
    SHA1,
    SHA256,
    BitcoinHeader,
    Detached,
    Op,
    Pending,
    Timestamp,
    Unknown,
    attested,
    encode_detached,
    encode_path,
    encode_timestamp,
    lead_to,
    parse_detached,
    parse_timestamp,
    replay,
    replay_timestamp,
)
from lodestamp.errors import BadTimestamp, LimitExceeded

MAGIC = bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294")
HEAD = MAGIC + b"\x01\x08" + bytes(32)
END = b"\x00" + BitcoinHeader.tag + b"\x01\x07"
PENDING = b"\x00" + Pending.tag + b"\x02\x01a"
MSG = b"message"
READERS = (
    lambda body: parse_timestamp(body, MSG),
    lambda body: replay_timestamp(body, MSG),
    lambda body: parse_detached(HEAD + body),
    lambda body: replay(HEAD + body),
)


def code_of(read, source):
    with pytest.raises(BadTimestamp) as refused:
        read(source)
    return refused.value.code


@pytest.mark.parametrize(
    ("op", "size"), [(SHA256, 32), (SHA1, 20), (RIPEMD160, 20), (KECCAK256, 32)]
)
def test_a_file_says_how_the_original_was_hashed(op, size):
    """R33."""
    detached = Detached(op, attested(bytes(size), BitcoinHeader(7)))
    source = encode_detached(detached)
    assert source == MAGIC + b"\x01" + bytes((op.tag,)) + bytes(size) + END
    assert parse_detached(source, strict=True) == detached
    assert detached.digest == bytes(size)
    with pytest.raises(BadTimestamp):
        Detached(op, attested(bytes(52 - size), BitcoinHeader(7)))


DEFECTIVE_HEADS = {
    "another magic": ("ots.magic", MAGIC[:-1] + b"\x95\x01\x08" + bytes(32) + END),
    "nothing": ("ots.magic", b""),
    "version 0": ("ots.version", MAGIC + b"\x00\x08" + bytes(32) + END),
    "version 2": ("ots.version", MAGIC + b"\x02\x08" + bytes(32) + END),
    "hashed by append": ("ots.file-op", MAGIC + b"\x01\xf0" + bytes(32) + END),
    "hashed by reversing": ("ots.file-op", MAGIC + b"\x01\xf2" + bytes(32) + END),
    "no version": ("ots.truncated", MAGIC),
    "no operation": ("ots.file-op", MAGIC + b"\x01"),
    "half a digest": ("ots.truncated", MAGIC + b"\x01\x08" + bytes(16)),
    "no timestamp": ("ots.truncated", HEAD),
}


@pytest.mark.parametrize("name", DEFECTIVE_HEADS)
def test_a_defective_head_is_refused_by_name(name):
    code, source = DEFECTIVE_HEADS[name]
    assert [code_of(read, source) for read in (parse_detached, replay)] == [code, code]


DEFECTIVE = {
    "a byte too many": ("ots.trailing", END + b"\x00"),
    "an unknown operation": ("ots.unknown-op", b"\x05" + END),
    "two marks": ("ots.unknown-op", b"\xff\xff" + END + END),
    "a mark and nothing": ("ots.truncated", b"\xff"),
    "one item where two are promised": ("ots.truncated", b"\xff" + END),
    "an operation and nothing": ("ots.truncated", b"\x08"),
    "half an attestation": ("ots.truncated", END[:5]),
    "no payload": ("ots.truncated", END[:9]),
    "half a payload": ("ots.truncated", END[:-1]),
    "an argument cut short": ("ots.truncated", b"\xf0\x04abc"),
    "an empty argument": ("ots.argument", b"\xf0\x00" + END),
    "an empty argument, spelled long": ("ots.argument", b"\xf1\x80\x00" + END),
    "a payload with more in it": ("ots.payload", END[:-2] + b"\x02\x07\x00"),
    "a URI with a query": ("ots.uri", b"\x00" + Pending.tag + b"\x04\x03a?b"),
}


@pytest.mark.parametrize("name", DEFECTIVE)
def test_a_defective_timestamp_is_refused_by_name_by_every_reader(name):
    code, body = DEFECTIVE[name]
    assert [code_of(read, body) for read in READERS] == [code] * 4


def deep(count):
    return b"\x08" * count + END


def wide(count):
    """Return so many operations in two levels, none of them twice."""
    items = [b"\xf0\x02" + at.to_bytes(2) + END for at in range(count - 1)]
    return b"\x08" + b"".join(b"\xff" + item for item in items[:-1]) + items[-1]


OVER = {
    "256 operations on a path": deep(256),
    "10,001 operations": wide(OPS_MAX + 1),
    "an argument of 4,097 bytes": b"\xf0\x81\x20" + bytes(4_097) + END,
    "a result of 4,097 bytes": b"\xf0\x80\x20" + bytes(4_096) + END,
    "a payload of 8,193 bytes": b"\x00" + b"8 bytes!" + b"\x81\x40" + bytes(8_193),
    "a height of 2^64": b"\x00" + BitcoinHeader.tag + b"\x0a" + b"\x80" * 9 + b"\x02",
    "a height of eleven bytes": b"\x00" + BitcoinHeader.tag + b"\x0b" + b"\x80" * 10 + b"\x00",
    "a URI of 1,001 characters": (b"\x00" + Pending.tag + b"\xeb\x07" + b"\xe9\x07" + b"a" * 1_001),
    "more than 1 MiB": (b"\xff\x00" + b"8 bytes!" + b"\x80\x40" + bytes(8_192)) * 130 + END,
}


@pytest.mark.parametrize("name", OVER)
def test_each_excess_is_a_limit_exceeded_by_every_reader(name):
    """R38; attack 55: depth bomb, fork bomb, large file."""
    for read in READERS:
        with pytest.raises(LimitExceeded):
            read(OVER[name])


def test_what_just_keeps_the_limits_is_taken():
    for body in (deep(255), wide(OPS_MAX), b"\xf0\xf9\x1f" + bytes(4_089) + END):
        timestamp = parse_timestamp(body, MSG, strict=True)
        assert encode_timestamp(timestamp) == body
        assert len(replay_timestamp(body, MSG)) >= 1


def test_slow_hashes_read_a_bounded_number_of_bytes():
    """R38: forks on a long message would otherwise cost a minute of Python."""
    long = b"\xf0\x80\x1f" + bytes(3_968)
    for tag in (b"\x03", b"\x67"):
        forks = [b"\xff\xf1\x02" + at.to_bytes(2) + tag + END for at in range(4_000)]
        for read in READERS:
            with pytest.raises(LimitExceeded) as refused:
                read(long + b"".join(forks) + END)
            assert refused.value.limit == "what slow hashes are to read"


def test_strict_mode_takes_the_one_canonical_form_only():
    """R37, R39: order, doubles and longer numbers are for lenient mode."""
    canonical = b"\xff" + END + b"\xff" + PENDING + b"\xff\x08" + END + b"\xf0\x01a" + PENDING
    assert encode_timestamp(parse_timestamp(canonical, MSG, strict=True)) == canonical
    others = [
        b"\xff" + PENDING + b"\xff" + END + b"\xff\x08" + END + b"\xf0\x01a" + PENDING,
        b"\xff" + END + b"\xff" + PENDING + b"\xff\xf0\x01a" + PENDING + b"\x08" + END,
        b"\xff\x08" + END + b"\xff" + END + b"\xff" + PENDING + b"\xf0\x01a" + PENDING,
        b"\xff"
        + END
        + b"\xff"
        + END
        + b"\xff"
        + PENDING
        + b"\xff\x08"
        + END
        + b"\xf0\x01a"
        + PENDING,
        b"\xff" + END + b"\xff" + PENDING + b"\xff\x08" + END + b"\xf0\x81\x00a" + PENDING,
    ]
    for source in others:
        assert encode_timestamp(parse_timestamp(source, MSG)) == canonical
        with pytest.raises(BadTimestamp) as refused:
            parse_timestamp(source, MSG, strict=True)
        assert refused.value.code == "ots.not-canonical"
    with pytest.raises(BadTimestamp) as refused:
        parse_detached(MAGIC + b"\x81\x00\x08" + bytes(32) + END, strict=True)
    assert refused.value.code == "ots.not-canonical"


def test_only_operations_that_are_allowed_are_run():
    """Attack 55 of a proof: a file of slow hashes does not run one of them."""
    allowed = frozenset({0xF0, 0xF1, 0x08})
    assert parse_timestamp(b"\x08\xf0\x01a" + END, MSG, allowed=allowed).depth == 2
    for tag in (0x02, 0x03, 0x67, 0xF2, 0xF3, 0x05):
        with pytest.raises(BadTimestamp) as refused:
            parse_timestamp(b"\x08" + bytes((tag,)) + END, MSG, allowed=allowed)
        assert refused.value.code == "ots.op-not-allowed"


@pytest.mark.parametrize(("msg", "error"), [(b"", BadTimestamp), (bytes(4_097), LimitExceeded)])
def test_a_bare_timestamp_is_of_a_message_of_1_to_4096_bytes(msg, error):
    for read in (parse_timestamp, replay_timestamp):
        with pytest.raises(error):
            read(END, msg)


def test_a_path_is_written_as_its_tree_would_be():
    ops = (Op.prepend(b"x"), SHA256, Op.append(bytes(200)), SHA256)
    message = MSG
    for op in ops:
        message = op(message)
    for attestation in (BitcoinHeader(358_391), Unknown(b"8 bytes!", bytes(300))):
        whole = encode_timestamp(lead_to(MSG, ops, attested(message, attestation)))
        assert encode_path(ops, attestation) == whole


def test_nothing_is_written_that_no_reader_would_take():
    edges = tuple(
        (op, attested(op(MSG), BitcoinHeader(7)))
        for op in (Op.append(at.to_bytes(2)) for at in range(OPS_MAX + 1))
    )
    with pytest.raises(LimitExceeded):
        encode_timestamp(Timestamp(MSG, (), edges))
    assert len(encode_timestamp(Timestamp(MSG, (), edges[1:]))) > OPS_MAX
    large = tuple(Unknown(b"8 bytes!", at.to_bytes(2) * 4_096) for at in range(130))
    with pytest.raises(LimitExceeded):
        encode_timestamp(Timestamp(MSG, large))
