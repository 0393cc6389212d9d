from __future__ import annotations

from hashlib import sha256

import pytest

from lodestamp.core.transparency import (
    ED25519_COSIGNATURE,
    ED25519_NOTE,
    MLDSA44_COSIGNATURE,
    VerifierKey,
    key_id,
    parse_vkey,
)
from lodestamp.errors import BadNote

PUBLISHED = "example.com/foo+530d903a+AekyeRrm56hApGFkyQR4ZCbV54Id2LKaANYcrnKv3U2k"


def refused(attempt):
    with pytest.raises(BadNote) as error:
        attempt()
    assert error.value.code == "bad-vkey"


def test_the_published_key_is_spelled_back():
    vkey = parse_vkey(PUBLISHED)
    assert (vkey.name, vkey.key_type, vkey.key_id.hex()) == ("example.com/foo", 1, "530d903a")
    assert vkey.text() == str(vkey) == PUBLISHED


def test_a_key_id_binds_name_type_and_key():
    public = bytes(range(32))
    wanted = sha256(b"log\n\x01" + public).digest()[:4]
    assert key_id("log", ED25519_NOTE, public) == wanted
    assert key_id("log", ED25519_COSIGNATURE, public) != wanted
    assert key_id("logs", ED25519_NOTE, public) != wanted


def test_the_id_of_an_ecdsa_key_is_of_the_key_alone():
    assert key_id("witness", 2, b"a key in DER") == sha256(b"a key in DER").digest()[:4]


@pytest.mark.parametrize(
    ("key_type", "size"),
    [
        (ED25519_NOTE, 32),
        (ED25519_COSIGNATURE, 32),
        (MLDSA44_COSIGNATURE, 1_312),
        (2, 91),
        (5, 32),
        (0xFF, 7),
    ],
)
def test_every_assigned_type_parses(key_type, size):
    vkey = VerifierKey("witness.example/w1", key_type, b"\xfb" * size)
    assert parse_vkey(vkey.text()) == vkey


@pytest.mark.parametrize(
    ("key_type", "size"),
    [
        (1, 31),
        (1, 33),
        (1, 0),
        (4, 1_312),
        (6, 32),
        (2, 0),
        (0xFF, 0),
        (0, 32),
        (3, 32),
        (0x101, 32),
        (-1, 32),
    ],
)
def test_a_key_of_another_size_or_type_cannot_be_made(key_type, size):
    refused(lambda: VerifierKey("log", key_type, bytes(size)))
    refused(lambda: key_id("log", key_type, bytes(size)))


def test_the_base64_of_a_key_may_hold_plus_signs():
    vkey = VerifierKey("log", ED25519_NOTE, b"\x00\x00" + b"\xfb\xef\xbe" * 10)
    assert vkey.text().count("+") > 2
    assert parse_vkey(vkey.text()) == vkey


@pytest.mark.parametrize(
    "name",
    [
        "",
        "a b",
        "a+b",
        "a\u00a0b",
        "a\u2003b",
        "a\u3000b",
        "a\nb",
        "a\tb",
        "\x00",
        "\x1b",
        "\ud800",
    ],
)
def test_a_name_that_cannot_stand_in_a_line_is_refused(name):
    refused(lambda: VerifierKey(name, ED25519_NOTE, bytes(32)))
    refused(lambda: key_id(name, ED25519_NOTE, bytes(32)))
    refused(lambda: parse_vkey(PUBLISHED.replace("example.com/foo", name)))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "log",
        "log+530d903a",
        "log++AekyeRrm",
        PUBLISHED.replace("530d903a", "530D903A"),
        PUBLISHED.replace("530d903a", "530d903b"),
        PUBLISHED.replace("530d903a", "530d903"),
        PUBLISHED.replace("530d903a", "530d903a0"),
        PUBLISHED.replace("foo", "bar"),
        PUBLISHED.replace("Ae", "Be"),
        PUBLISHED + "=",
        PUBLISHED + "\n",
        PUBLISHED[:-1],
        "example.com/foo+530d903a+",
        "x" * 5_000,
    ],
)
def test_any_other_text_is_no_verifier_key(text):
    refused(lambda: parse_vkey(text))
