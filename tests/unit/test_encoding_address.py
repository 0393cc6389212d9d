from __future__ import annotations

from hashlib import sha256

import pytest

from lodestamp.core.encoding import (
    address_of,
    content_address,
    digest_of_address,
    is_content_address,
)
from lodestamp.errors import EncodingError

EMPTY = "sha256:e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"


def test_the_address_of_bytes_is_their_sha256_in_hex():
    assert address_of(b"") == EMPTY
    assert digest_of_address(EMPTY) == sha256(b"").digest()


def test_the_address_of_a_value_is_that_of_its_canonical_bytes():
    assert content_address({"b": 1, "a": [None]}) == address_of(b'{"a":[null],"b":1}')
    with pytest.raises(EncodingError) as refusal:
        content_address({"a": 0.5})  # type: ignore[dict-item]
    assert (refusal.value.code, refusal.value.at) == ("float", "/a")


@pytest.mark.parametrize(
    "text",
    [
        "", "sha256:", EMPTY + "\n", " " + EMPTY, EMPTY[:-1], EMPTY + "0", EMPTY.upper(),
        "sha256:" + "A" * 64, EMPTY[7:], "sha512:" + "0" * 64, "sha256:" + "\u0660" * 64,
        "sha256:0x" + "0" * 62,
    ],
)  # fmt: skip
def test_any_other_spelling_is_no_address(text):
    assert not is_content_address(text)
    with pytest.raises(EncodingError) as refusal:
        digest_of_address(text)
    assert refusal.value.code == "bad-address"


@pytest.mark.parametrize("value", [None, 0, EMPTY.encode(), [EMPTY], {"a": EMPTY}])
def test_a_value_that_is_no_text_is_no_address(value):
    assert is_content_address(EMPTY)
    assert not is_content_address(value)
