from __future__ import annotations

from hashlib import sha256

import pytest

from lodestamp.core.keys import SUITES, PublicKey, SigningKey, is_key_id, verify
from lodestamp.errors import KeyFormatError, SignatureError


def test_an_ed25519_id_is_the_key_in_hex_and_gives_it_back():
    key = PublicKey("ed25519", bytes(range(32)))
    assert key.key_id == "ed25519:" + bytes(range(32)).hex()
    assert PublicKey.parse_key_id(key.key_id) == key


@pytest.mark.parametrize("suite", ["mldsa65", "hybrid"])
def test_the_id_of_a_large_key_is_a_tagged_digest_and_carries_no_key(suite):
    raw = bytes(SUITES[suite].public_size)
    key = PublicKey(suite, raw)
    tagged = b"lodestamp/key/1\n" + suite.encode() + b"\n" + raw
    assert key.key_id == f"{suite}:{sha256(tagged).hexdigest()}"
    assert PublicKey.parse_key_id(key.key_id) is None


@pytest.mark.parametrize("suite", SUITES)
def test_every_suite_of_the_registry_has_key_ids(suite):
    assert is_key_id(f"{suite}:{'0a' * 32}")


@pytest.mark.parametrize(
    "text",
    [
        "", "ed25519:", "ed25519:" + "0" * 63, "ed25519:" + "0" * 65, "ed25519:" + "A" * 64,
        "ed25519:" + "0" * 64 + "\n", " ed25519:" + "0" * 64, "ED25519:" + "0" * 64,
        "ed25519;" + "0" * 64, "x25519:" + "0" * 64, "mldsa44:" + "0" * 64, "0" * 64,
        "ed25519:" + "\u0660" * 64, "ed25519:" + "g" * 64,
    ],
)  # fmt: skip
def test_any_other_spelling_is_no_key_id(text):
    assert not is_key_id(text)
    with pytest.raises(KeyFormatError) as refusal:
        PublicKey.parse_key_id(text)
    assert refusal.value.code == "bad-key-id"


@pytest.mark.parametrize("value", [None, 1, b"ed25519:" + b"0" * 64, ["ed25519"]])
def test_a_value_that_is_no_text_is_no_key_id(value):
    assert not is_key_id(value)


@pytest.mark.parametrize("suite", SUITES)
def test_a_public_key_of_another_size_is_refused(suite):
    size = SUITES[suite].public_size
    for wrong in (0, size - 1, size + 1):
        with pytest.raises(KeyFormatError) as refusal:
            PublicKey(suite, bytes(wrong))
        assert refusal.value.code == "bad-key"


def test_a_key_of_an_unknown_suite_is_refused():
    with pytest.raises(KeyFormatError) as refusal:
        PublicKey("rsa", bytes(32))
    assert refusal.value.code == "bad-suite"


@pytest.mark.parametrize("suite", SUITES)
def test_verify_is_silent_or_says_only_that_the_signature_is_bad(suite):
    key = SigningKey.from_seed(suite, bytes(SUITES[suite].seed_size))
    signature = key.sign(b"payload")
    verify(key.public_key, b"payload", signature)
    messages = set()
    for broken in (
        b"", signature[:-1], bytes(len(signature)), bytes(64) + signature[64:],
        signature[:-1] + bytes([signature[-1] ^ 1]),
    ):  # fmt: skip
        with pytest.raises(SignatureError) as refusal:
            verify(key.public_key, b"payload", broken)
        assert refusal.value.code == "bad-signature"
        messages.add(str(refusal.value))
    assert len(messages) == 1
