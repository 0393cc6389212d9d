"""The JSON of an operation, strictly (§3.2), whatever a stranger writes."""

from __future__ import annotations

import json
from random import Random

import pytest

from lodestamp.core.ownership import DEPTH_MAX, INFLATED_MAX, parse_operation, transfer_value
from lodestamp.errors import OperationMalformed

SHA1 = "da39a3ee5e6b4b0d3255bfef95601890afd80709"


def text(**fields: object) -> bytes:
    return json.dumps({"op": "t", "sha1": SHA1} | fields).encode()


def with_value(written: str) -> bytes:
    return b'{"op":"t","sha1":"%b","value":%b}' % (SHA1.encode(), written.encode())


def reason(found: bytes) -> str:
    with pytest.raises(OperationMalformed) as refused:
        transfer_value(parse_operation(found))
    return refused.value.reason


def test_an_operation_is_its_keys_and_values():
    found = parse_operation(b' \t\r\n{"op":"r","sha1":"x","size":9007199254740,"more":[null]}\n')
    assert found == {"op": "r", "sha1": "x", "size": 9_007_199_254_740, "more": [None]}


def test_of_a_key_that_occurs_twice_the_last_value_counts():
    found = parse_operation(b'{"op":"t","sha1":"a","op":"r","sha1":"b","op":"n"}')
    assert (found["op"], found["sha1"]) == ("n", "b")


def test_a_lone_surrogate_is_accepted_and_kept():
    found = parse_operation(rb'{"op":"r","sha1":"x","title":"\ud800","name":"\ud83d\ude00\u0000"}')
    assert found["title"] == "\ud800"
    assert found["name"] == "\U0001f600\0"


def test_bytes_that_are_no_utf8_become_the_replacement_character():
    found = parse_operation(b'{"op":"r","sha1":"x","title":"\xff\xed\xa0\x80\xe2\x82"}')
    assert found["title"] == "\ufffd" * 5


@pytest.mark.parametrize(
    "found",
    [
        b"",
        b"{",
        b"{}x",
        b"\xef\xbb\xbf{}",
        b'{"op":"r","sha1":"x","a":NaN}',
        b'{"op":"r","sha1":"x","a":Infinity}',
        b'{"op":"r","sha1":"x","a":-Infinity}',
        b'{"op":"r","sha1":"x",}',
        b"{'op':'r'}",
        b'{"op":"r","sha1":"x","a":01}',
        b'{"op":"r","sha1":"x","a":+1}',
        b'{"op":"r","sha1":"x","a":.5}',
        b'{"op":"r","sha1":"x","a":"\n"}',
        b'{"op":"r","sha1":"x","a":"\\x"}',
        '{"op":"r","sha1":"x","a":\u0661}'.encode(),
        b"\xa0{}",
        b"\x00",
    ],
)
def test_what_is_no_json_is_refused(found):
    assert reason(found) == "not-json"


@pytest.mark.parametrize("found", [b"[]", b'"{}"', b"1", b"null", b"true", b"1e999"])
def test_json_that_is_no_object_is_refused(found):
    assert reason(found) == "not-object"


@pytest.mark.parametrize("written", ["null", "1", "true", '["t"]', "{}"])
def test_op_and_sha1_are_strings(written):
    assert reason(b'{"sha1":"x","op":%b}' % written.encode()) == "bad-op"
    assert reason(b'{"op":"t","sha1":%b}' % written.encode()) == "bad-sha1"
    assert (reason(b"{}"), reason(b'{"op":""}')) == ("bad-op", "bad-sha1")


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("1", 1), ("5", 5), ("5.0", 5), ("5e3", 5_000), ("5E+3", 5_000), ("500e-2", 5),
        ("99999999", 99_999_999), ("99999999.0", 99_999_999), ("0.1e1", 1),
        ("5.0000000000000000001", 5), ("0.99999999999999999999", 1), ("1e0", 1),
        ("5." + "0" * 5_000, 5), ("0." + "0" * 400 + "1e401", 1),
    ],
)  # fmt: skip
def test_a_value_is_a_whole_number_as_a_double(written, value):
    found = transfer_value(parse_operation(with_value(written)))
    assert (found, type(found)) == (value, int)


@pytest.mark.parametrize(
    "written",
    [
        "0", "-5", "-0", "0.5", "5.5", "true", "false", "null", '"500"', '"5"', "[5]", "{}",
        "100000000", "99999999.5", "1e8", "1e400", "-1e400", "1e-400", "9" * 5_000,
        "4294967297", "18446744073709551617",
    ],
)  # fmt: skip
def test_any_other_value_is_refused(written):
    assert reason(with_value(written)) == "bad-value"


def test_a_transfer_without_a_value_is_refused():
    assert reason(text()) == "bad-value"


def test_huge_integers_are_read_in_no_time_and_are_infinite():
    found = parse_operation(b'{"op":"r","sha1":"x","size":%b}' % (b"9" * (INFLATED_MAX - 40)))
    assert found["size"] == float("inf")


def test_depth_32_is_read_and_33_is_refused():
    for depth, is_read in ((DEPTH_MAX, True), (DEPTH_MAX + 1, False)):
        inner = "[" * (depth - 1) + "]" * (depth - 1)
        found = f'{{"op":"r","sha1":"x","a":{inner}}}'.encode()
        if is_read:
            assert parse_operation(found)["op"] == "r"
        else:
            assert reason(found) == "too-deep"


@pytest.mark.parametrize("opening", [b"[", b'{"a":', b'[{"a":'])
def test_json_of_a_hundred_thousand_levels_is_refused_without_a_stack(opening):
    assert reason(b'{"op":"r","sha1":"x","a":' + opening * 100_000) == "too-deep"


def test_brackets_in_strings_are_no_levels():
    found = parse_operation(json.dumps({"op": "r", "sha1": "x", "a": '\\"[{' * 50}).encode())
    assert found["a"] == '\\"[{' * 50


@pytest.mark.parametrize("piece", [rb"\"", b'"', b"\\", b'"\\', b'["', b'{"', b"]"])
def test_hostile_quotes_cost_no_more_than_their_length(piece):
    """A search that went back for an unclosed string would take hours for these two mebibytes."""
    assert reason(b'"' + piece * (INFLATED_MAX // len(piece) - 1)) in {"not-json", "too-deep"}


def deep(value):
    """How many levels a value has."""
    inner = value.values() if isinstance(value, dict) else value
    return 1 + max(map(deep, inner), default=0) if isinstance(value, list | dict) else 0


@pytest.mark.parametrize("seed", range(40))
def test_levels_are_counted_as_one_by_one_whatever_the_shape(seed):
    draw = Random(seed)

    def grown(level):
        if level == 0:
            return draw.choice(("[[", "]", 5, '"}'))
        inner = [grown(draw.randrange(level)) for _ in range(draw.randrange(3))]
        inner.append(grown(level - 1))
        return inner if draw.random() < 0.5 else {f"[{n}": each for n, each in enumerate(inner)}

    found = {"op": "r", "sha1": "x", "a": grown(draw.randrange(26, 34))}
    written = json.dumps(found, indent=draw.choice((None, 1))).encode()
    if deep(found) <= DEPTH_MAX:
        assert parse_operation(written)["a"] == found["a"]
    else:
        assert reason(written) == "too-deep"


@pytest.mark.parametrize("long", [1, 10**15])
def test_a_number_is_read_alike_whatever_stands_beside_it(long):
    """The parser's own reading of integers is used where no long one occurs."""
    read = parse_operation(
        b'{"op":"r","sha1":"x","a":[999999999999999,-999999999999999,0,-0],"b":%d}' % long
    )["a"]
    assert read == [999_999_999_999_999, -999_999_999_999_999, 0, 0]
    assert all(type(each) is int for each in read)
