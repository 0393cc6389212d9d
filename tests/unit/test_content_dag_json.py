"""DAG-JSON is read, never written (content spec R71)."""

from __future__ import annotations

import pytest

from lodestamp.core.content import dag_json
from lodestamp.core.encoding import Cid
from lodestamp.errors import CidError, CodecError, LimitExceeded

CID = Cid.of(0x71, b"x")


def test_r71_links_and_bytes_have_their_own_spelling():
    text = f'{{"a":[{{"/":"{CID}"}},1.5,-3],"b":{{"/":{{"bytes":"AQI"}}}}}}'
    assert dag_json.decode(text.encode()) == {"a": [CID, 1.5, -3], "b": b"\x01\x02"}
    assert list(dag_json.links(text.encode())) == [CID]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"", "dagjson.malformed"),
        (b"\xff", "dagjson.malformed"),
        (b"\xef\xbb\xbf1", "dagjson.malformed"),
        (b"1 2", "dagjson.malformed"),
        (b"NaN", "dagjson.malformed"),
        (b"1e999", "dagjson.malformed"),
        (b"18446744073709551616", "dagjson.malformed"),
        (b"9" * 5000, "dagjson.malformed"),
        (b'"\\ud800"', "dagjson.malformed"),
        (b'{"\\ud800":1}', "dagjson.malformed"),
        (b"[" * 100_000, "dagjson.malformed"),
        (b'{"b":1,"a":2}', "dagjson.keys"),
        (b'{"a":1,"a":2}', "dagjson.keys"),
        (b'{"/":1}', "dagjson.reserved"),
        (b'{"/":"x","a":1}', "dagjson.reserved"),
        (b'{"/":{"bytes":"AQI="}}', "dagjson.reserved"),
        (b'{"/":{"bytes":1}}', "dagjson.reserved"),
    ],
)
def test_r71_anything_else_is_refused(text, code):
    with pytest.raises(CodecError) as refused:
        dag_json.decode(text)
    assert refused.value.code == code


def test_a_link_that_is_no_cid_is_refused():
    with pytest.raises(CidError):
        dag_json.decode(b'{"/":"bafyno"}')


def test_depth_ends_at_64():
    assert dag_json.decode(b"[" * 64 + b"]" * 64)
    with pytest.raises(LimitExceeded):
        dag_json.decode(b"[" * 65 + b"]" * 65)
