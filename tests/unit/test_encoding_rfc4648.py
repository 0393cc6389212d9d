from __future__ import annotations

import pytest

from lodestamp.core import encoding
from lodestamp.errors import EncodingError

# RFC 4648 §10; base32 and base64url in the unpadded forms that multibase uses.
VECTORS = {
    "base64": ["", "Zg==", "Zm8=", "Zm9v", "Zm9vYg==", "Zm9vYmE=", "Zm9vYmFy"],
    "base64url": ["", "Zg", "Zm8", "Zm9v", "Zm9vYg", "Zm9vYmE", "Zm9vYmFy"],
    "base32": ["", "my", "mzxq", "mzxw6", "mzxw6yq", "mzxw6ytb", "mzxw6ytboi"],
    "base16": ["", "66", "666f", "666f6f", "666f6f62", "666f6f6261", "666f6f626172"],
}
REFUSED = {
    "base64": [
        "Zg", "Zg=", "Zg===", "Zh==", "Zm9=", "Zm9v\n", " Zm9v", "Zm 9v", "-_-_", "Zm9v=", "=",
        "Z", "Zg==Zg==", "Zmé=", "Zm9v\0",
    ],
    "base64url": ["Zg==", "Zh", "Zm9", "Z", "+/+/", "Zm9v\n", "Zm9v ", "é", "Zg="],
    "base32": ["MY", "mz", "m", "my======", "mzxw6yr", "01", "my\n", "m y", "mzx", "mzxw6y"],
    "base16": ["6", "6F", "0x66", "66 66", "gg", "66\n", "٦٦"],
}  # fmt: skip


def codec(name):
    return getattr(encoding, f"{name}_encode"), getattr(encoding, f"{name}_decode")


@pytest.mark.parametrize("name", VECTORS)
def test_the_vectors_of_the_rfc_go_both_ways(name):
    encode, decode = codec(name)
    for length, text in enumerate(VECTORS[name]):
        assert encode(b"foobar"[:length]) == text
        assert decode(text) == b"foobar"[:length]


@pytest.mark.parametrize(("name", "text"), [(n, t) for n, texts in REFUSED.items() for t in texts])
def test_any_other_spelling_is_refused_under_the_name_of_its_base(name, text):
    with pytest.raises(EncodingError) as refusal:
        codec(name)[1](text)
    assert refusal.value.code == name


def test_base64_is_one_line_however_long():
    text = encoding.base64_encode(bytes(3000))
    assert len(text) == 4000
    assert "\n" not in text
