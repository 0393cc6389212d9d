from __future__ import annotations

import json
from datetime import UTC, datetime
from decimal import Decimal
from enum import Enum, IntEnum
from uuid import UUID

import pytest

from lodestamp.core.encoding import INT_MAX, JSON_DEPTH_MAX, canonical_json, parse_canonical
from lodestamp.errors import EncodingError


class Text(str):
    __slots__ = ()


class Number(IntEnum):
    ONE = 1


class Colour(Enum):
    RED = "red"


def nested(depth):
    value = []
    for _ in range(depth - 1):
        value = [value]
    return value


def refusal_of(value, **limits):
    with pytest.raises(EncodingError) as refusal:
        canonical_json(value, **limits)
    return refusal.value.code, refusal.value.at


def parsing_of(data, **limits):
    with pytest.raises(EncodingError) as refusal:
        parse_canonical(data, **limits)
    return refusal.value.code


@pytest.mark.parametrize(
    ("value", "wire"),
    [
        (None, b"null"), (True, b"true"), (False, b"false"), (0, b"0"), (-7, b"-7"),
        (INT_MAX, b"9007199254740991"), (-INT_MAX, b"-9007199254740991"), ("", b'""'),
        ([], b"[]"), ({}, b"{}"), ({"b": 1, "a": 2, "": 3}, b'{"":3,"a":2,"b":1}'),
        ('\b\t\n\f\r"\\', rb'"\b\t\n\f\r\"\\"'), ("\0\x0b\x1f", rb'"\u0000\u000b\u001f"'),
        ("/\x7f\u2028é", '"/\x7f\u2028é"'.encode()),
    ],
)  # fmt: skip
def test_a_value_has_the_bytes_of_rfc_8785(value, wire):
    assert canonical_json(value) == wire


def test_keys_are_sorted_by_utf16_code_units_not_by_code_points():
    wire = canonical_json({"\uff61": 2, "😀": 1, "a": {"\uffff": 0, "\U00010000": 0}})
    assert wire.decode() == '{"a":{"\U00010000":0,"\uffff":0},"😀":1,"\uff61":2}'


@pytest.mark.parametrize(
    ("value", "refused"),
    [
        ({"a": {"b/c": [0, 1.0]}}, ("float", "/a/b~1c/1")),
        ({"~": float("nan")}, ("float", "/~0")),
        (1e400, ("float", "")),
        ([0, INT_MAX + 1], ("int-range", "/1")),
        ([[-INT_MAX - 1]], ("int-range", "/0/0")),
        (2**70, ("int-range", "")),
        ({"a": ["x", "\ud800"]}, ("surrogate", "/a/1")),
        ({"a": {"\udfff": 1}}, ("surrogate", "/a")),
        ({"\ud800": {"x": 1.5}}, ("float", r"/\ud800/x")),
        ({"a": b"x"}, ("not-json", "/a")),
        ([(1, 2)], ("not-json", "/0")),
        ([{1, 2}], ("not-json", "/0")),
        ({"a": {1: 2}}, ("not-json", "/a")),
        ({"a": {None: 2}}, ("not-json", "/a")),
        ([Text("a")], ("not-json", "/0")),
        ({Text("a"): 1}, ("not-json", "")),
        ([Number.ONE], ("not-json", "/0")),
        ([Colour.RED], ("not-json", "/0")),
        ([Decimal(1)], ("not-json", "/0")),
        ([UUID(int=1)], ("not-json", "/0")),
        ([datetime(2026, 1, 1, tzinfo=UTC)], ("not-json", "/0")),
    ],
)
def test_a_value_outside_the_space_is_refused_with_a_pointer(value, refused):
    assert refusal_of(value) == refused


@pytest.mark.parametrize(
    ("value", "code"),
    [
        (["\ud800", INT_MAX + 1, 1.5, b"", nested(70)], "too-deep"),
        (["\ud800", INT_MAX + 1, 1.5, b""], "not-json"),
        (["\ud800", INT_MAX + 1, [1.5]], "float"),
        (["\ud800", [INT_MAX + 1]], "int-range"),
        (["a", ["\ud800"]], "surrogate"),
    ],
)
def test_the_first_code_of_the_order_is_reported_wherever_it_stands(value, code):
    assert refusal_of(value)[0] == code


def test_depth_counts_open_containers():
    assert canonical_json(nested(JSON_DEPTH_MAX)) == b"[" * 64 + b"]" * 64
    assert refusal_of(nested(JSON_DEPTH_MAX + 1)) == ("too-deep", "")
    assert canonical_json({"a": []}, depth_max=2) == b'{"a":[]}'
    assert refusal_of({"a": [{}]}, depth_max=2)[0] == "too-deep"
    assert canonical_json(1, depth_max=0) == b"1"
    assert refusal_of([], depth_max=0)[0] == "too-deep"


def test_a_value_that_holds_itself_is_refused():
    ring = []
    ring.append(ring)
    assert refusal_of(ring)[0] == "too-deep"
    assert refusal_of([ring, 1.5])[0] == "too-deep"


def test_a_value_that_holds_itself_many_times_over_is_refused():
    bush = []
    for _ in range(30):
        bush = [bush, bush, bush, bush]
    assert refusal_of(bush)[0] == "too-large"


def test_only_canonical_bytes_parse():
    assert parse_canonical(b'{"a":[1,"\xc3\xa9"]}') == {"a": [1, "é"]}


@pytest.mark.parametrize(
    ("data", "code"),
    [
        (b"", "not-json"),
        (b"{", "not-json"),
        (b'{"a":1}x', "not-json"),
        (b'{"a":01}', "not-json"),
        (b'{"a":NaN}', "not-json"),
        (b'{"a":-Infinity}', "not-json"),
        (b"{'a':1}", "not-json"),
        (b'{"a":"\x01"}', "not-json"),
        (b'\xef\xbb\xbf{"a":1}', "not-json"),
        (b'{"a":"\xff"}', "not-utf8"),
        (b'{"a":"\xc0\xaf"}', "not-utf8"),
        (b'{"a":"\xed\xa0\x80"}', "not-utf8"),
        (b"[]", "not-object"),
        (b"[1.5]", "not-object"),
        (b"[1e400]", "not-object"),
        (b'"a"', "not-object"),
        (b"null", "not-object"),
        (b'{"a":1.0}', "float"),
        (b'{"a":1e2}', "float"),
        (b'{"a":1e400}', "float"),
        (b'{"a":-0.0}', "float"),
        (b'{"a":9007199254740992}', "int-range"),
        (b'{"a":-9007199254740992}', "int-range"),
        (b'{"a":18446744073709551616}', "int-range"),
        (b'{"a":' + b"9" * 400 + b"}", "int-range"),
        (b'{"a":' + b"9" * 5000 + b"}", "int-range"),
        (b'{"a":"\\ud800"}', "surrogate"),
        (b'{"\\udc00":1}', "surrogate"),
        (b'{"a":"\\ud800\\ud800"}', "surrogate"),
        (b'{"a":' + b"[" * 64 + b"]" * 64 + b"}", "too-deep"),
        (b'{"a":' + b"[" * 2000 + b"]" * 2000 + b"}", "too-deep"),
        (b'{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}", "too-deep"),
        (b'{"a":1,"a":1}', "not-canonical"),
        (b'{"a":1,"a":2}', "not-canonical"),
        (b'{"a":{"b":1,"b":1}}', "not-canonical"),
        (b'{"b":1,"a":2}', "not-canonical"),
        (b'{"a": 1}', "not-canonical"),
        (b'{"a":1}\n', "not-canonical"),
        (b' {"a":1}', "not-canonical"),
        (b'{"a":-0}', "not-canonical"),
        (b'{"a":"\\/"}', "not-canonical"),
        (b'{"a":"\\u0041"}', "not-canonical"),
        (b'{"a":"\\u000A"}', "not-canonical"),
        (b'{"a":"\\u001F"}', "not-canonical"),
        (b'{"a":"\\ud83d\\ude00"}', "not-canonical"),
        ('{"\uff61":1,"😀":2}'.encode(), "not-canonical"),
    ],
)
def test_every_other_spelling_is_refused_with_its_code(data, code):
    assert parsing_of(data) == code


def test_size_comes_first_and_is_exact():
    data = b'{"a":1}'
    assert parse_canonical(data, size_max=7) == {"a": 1}
    assert parsing_of(data, size_max=6) == "too-large"
    assert parsing_of(b"\xff" * 8, size_max=7) == "too-large"


def test_depth_is_the_callers_choice():
    assert parse_canonical(b'{"a":{}}', depth_max=2) == {"a": {}}
    assert parsing_of(b'{"a":{}}', depth_max=1) == "too-deep"


def test_a_float_is_refused_with_a_hint():
    with pytest.raises(EncodingError) as refusal:
        parse_canonical(b'{"a":{"price":1.5}}')
    assert refusal.value.at == "/a/price"
    assert refusal.value.hint == "write decimals as texts"


def test_the_pointer_of_a_refusal_is_printable_even_for_surrogates():
    with pytest.raises(EncodingError) as refusal:
        canonical_json({"\ud800": {"a": 1.5}})
    json.dumps(refusal.value.diagnostics()).encode()
    str(refusal.value).encode()


def test_keys_beyond_the_basic_plane_must_stand_in_utf_16_order():
    right = canonical_json({"\uff61": 1, "\U0001f600": 2})
    assert right == '{"\U0001f600":2,"\uff61":1}'.encode()
    assert parse_canonical(right) == {"\uff61": 1, "\U0001f600": 2}
    for wrong in (
        '{"\uff61":1,"\U0001f600":2}',  # by code points
        '{"\U0001f600":2, "\uff61":1}',
        '{"\U0001f600":2,"\U0001f600":2}',
        '{"a":[{"\uff61":1,"\U0001f600":2}]}',
    ):
        with pytest.raises(EncodingError) as refused:
            parse_canonical(wrong.encode())
        assert refused.value.code == "not-canonical"


def test_what_is_parsed_has_a_bounded_number_of_containers():
    def document(count: int) -> bytes:
        return b'{"a":[' + b",".join([b"[]"] * (count - 2)) + b"]}"

    assert len(parse_canonical(document(1 << 18))["a"]) == (1 << 18) - 2
    with pytest.raises(EncodingError) as refused:
        parse_canonical(document((1 << 18) + 1))
    assert refused.value.code == "too-large"
    text = b'{"a":"' + b'[{\\"[' * 100_000 + b'"}'  # brackets in a text are none
    assert len(parse_canonical(text)["a"]) == 400_000


def test_a_pointer_to_a_hostile_key_is_cut():
    with pytest.raises(EncodingError) as refused:
        canonical_json({"k" * 1000: 1.5})
    assert len(refused.value.at) == 201
