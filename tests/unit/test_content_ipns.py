"""IPNS: names, records, and which of two stands (content spec R95-R97)."""

from __future__ import annotations

import pytest

from lodestamp.core.content import dag_cbor, ipns
from lodestamp.core.content.protobuf import field_bytes, field_uint
from lodestamp.core.encoding import Cid, base58btc_encode
from lodestamp.core.keys import PublicKey, SigningKey
from lodestamp.errors import IpnsError

KEY = SigningKey.from_seed("ed25519", b"i" * 32)
NAME = ipns.name_of(KEY.public_key)
VALUE = b"/ipfs/bafkqaaa"
END_NS = 2_000_000_000 * 10**9


def _record(**changes):
    said = {"sequence": 7, "validity_ns": END_NS} | changes
    return ipns.create(KEY, VALUE, **said)


def _refusal(record, *, name=NAME, now_ns=0):
    with pytest.raises(IpnsError) as refused:
        ipns.verify(name, record, now_ns)
    return refused.value.code


def _signed(data):
    signature = KEY.sign(b"ipns-signature:" + data)
    return field_bytes(8, signature) + field_bytes(9, data)


def _data(**changes):
    said = {
        "TTL": 1, "Value": VALUE, "Sequence": 1, "Validity": b"2033-05-18T03:33:20Z",
        "ValidityType": 0,
    }  # fmt: skip
    said |= changes
    return dag_cbor.encode({key: value for key, value in said.items() if value is not None})


def test_r95_a_name_has_62_characters_and_four_spellings():
    assert NAME.startswith("k51")
    assert len(NAME) == 62
    cid = Cid.parse(NAME)
    bare = base58btc_encode(cid.multihash.encode())
    assert bare.startswith("12D3Koo")
    for text in (NAME, cid.text("b"), cid.text("z"), bare):
        assert ipns.parse_name(text) == KEY.public_key


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("", "ipns.name"), ("x", "ipns.name"), ("k" * 200, "ipns.name"), ("bafkqaaa", "ipns.name"),
        ("QmbFMke1KXqnYyBBWxB74N4c5SBnJMVAiMNRcGu6x1AwQH", "ipns.key-type"),
    ],
)  # fmt: skip
def test_r95_other_names_are_refused(text, code):
    with pytest.raises(IpnsError) as refused:
        ipns.parse_name(text)
    assert refused.value.code == code


def test_r95_keys_of_other_suites_have_no_name():
    with pytest.raises(IpnsError) as refused:
        ipns.name_of(PublicKey("mldsa65", bytes(1952)))
    assert refused.value.code == "ipns.key-type"


def test_r96_a_record_says_what_was_signed_in_two_fields():
    record = _record()
    assert record[:2] == b"\x42\x40"
    said = ipns.verify(NAME, record, END_NS - 1)
    assert (said.value, said.sequence, said.validity_ns) == (VALUE, 7, END_NS)
    assert said.ttl_ns == 300_000_000_000
    assert said.encoded == record
    assert list(dag_cbor.decode(record[68:])) == [
        "TTL", "Value", "Sequence", "Validity", "ValidityType",
    ]  # fmt: skip


def test_r96_a_record_over_10240_bytes_is_refused_before_it_is_parsed():
    assert _refusal(b"\xff" * 10_241) == "ipns.size"
    with pytest.raises(IpnsError) as refused:
        ipns.create(KEY, bytes(10_240), sequence=0, validity_ns=END_NS)
    assert refused.value.code == "ipns.size"


def test_r97_every_flipped_bit_is_refused():
    record = _record()
    for at in range(len(record)):
        changed = bytearray(record)
        changed[at] ^= 1
        with pytest.raises(IpnsError):
            ipns.verify(NAME, bytes(changed), 0)


def test_r97_refusals_are_named():
    other = SigningKey.from_seed("ed25519", b"o" * 32)
    assert _refusal(_record(), name=ipns.name_of(other.public_key)) == "ipns.signature"
    assert _refusal(_record(), now_ns=END_NS) == "ipns.expired"
    assert _refusal(b"\xff") == "ipns.record"
    assert _refusal(_record() + field_uint(5, 1) * 2) == "ipns.record"
    assert _refusal(_record() + field_bytes(7, bytes(36))) == "ipns.key"
    assert _refusal(_signed(b"\x01")) == "ipns.data"
    assert _refusal(_signed(_data(TTL=None))) == "ipns.data"
    assert _refusal(_signed(_data(TTL=True))) == "ipns.data"
    assert _refusal(_signed(_data(ValidityType=1))) == "ipns.data"
    assert _refusal(_signed(_data(Validity=b"tomorrow"))) == "ipns.data"
    assert _refusal(_record() + field_bytes(1, b"/ipfs/other")) == "ipns.mismatch"
    assert _refusal(_record() + field_bytes(2, bytes(64))) == "ipns.mismatch"


def test_r97_a_key_field_that_is_the_names_key_and_extra_keys_pass():
    own = field_bytes(7, bytes.fromhex("08011220") + KEY.public_key.raw)
    assert ipns.verify(NAME, _record() + own, 0).sequence == 7
    assert ipns.verify(NAME, _signed(_data(Note="x")), 0).sequence == 1


def test_r97_fields_of_version_1_that_repeat_the_data_pass():
    data = _data(Sequence=3)
    old = (
        field_bytes(1, VALUE) + field_bytes(2, bytes(64)) + field_uint(3, 0)
        + field_bytes(4, b"2033-05-18T03:33:20Z") + field_uint(5, 3) + field_uint(6, 1)
    )  # fmt: skip
    assert ipns.verify(NAME, old + _signed(data), 0).sequence == 3


def test_r97_the_newer_record_stands():
    first, second = (ipns.verify(NAME, _record(sequence=n), 0) for n in (1, 2))
    longer = ipns.verify(NAME, _record(sequence=1, validity_ns=END_NS + 1), 0)
    assert ipns.newer(first, second) is ipns.newer(second, first) is second
    assert ipns.newer(first, longer) is ipns.newer(longer, first) is longer
    assert ipns.newer(longer, second) is second


@pytest.mark.parametrize("numbers", [{"sequence": -1}, {"sequence": 1 << 64}, {"ttl_ns": -1}])
def test_numbers_out_of_range_are_refused(numbers):
    with pytest.raises(IpnsError) as refused:
        _record(**numbers)
    assert refused.value.code == "ipns.data"
