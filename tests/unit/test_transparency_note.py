from __future__ import annotations

import pytest

from lodestamp.core.keys import SigningKey
from lodestamp.core.transparency import (
    NOTE_SIZE_MAX,
    SIGNATURES_MAX,
    NoteSignature,
    NoteSigner,
    parse_note,
    sign_note,
)
from lodestamp.errors import BadNote, UsageError

LOG = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x01" * 32))
OTHER = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x02" * 32))
TEXT = "log.example/a\n"
SIGNED = sign_note(TEXT, [LOG])
LINE = SIGNED.removeprefix(b"log.example/a\n\n")


def refused(attempt, code):
    with pytest.raises(BadNote) as error:
        attempt()
    assert error.value.code == code


def test_a_note_is_text_empty_line_and_signature_lines():
    assert SIGNED.startswith(b"log.example/a\n\n\xe2\x80\x94 log.example/a ")
    assert parse_note(SIGNED).encode() == SIGNED


def test_text_and_signatures_part_at_the_last_empty_line():
    text = "first\n\n\u2014 log.example/a looks like a signature\n\n"
    signed = sign_note(text, [LOG])
    assert parse_note(signed).text == text


@pytest.mark.parametrize(
    "wire",
    [
        b"",
        b"\n",
        b"\n\n",
        b"text\n",
        b"text\n\n",
        b"text\n\n\n",
        b"text\n" + LINE,
        SIGNED[:-1],
        SIGNED + b"\n",
        SIGNED + b"x",
        SIGNED[:-1] + b"x",
        SIGNED.replace(b"\n", b"\r\n"),
        SIGNED.replace(b"example", b"exa\tple"),
        SIGNED.replace(b"example", b"exa\x00ple"),
        SIGNED.replace(b"example", b"exa\xffple"),
        SIGNED.replace(b"\xe2\x80\x94", b"-"),
        SIGNED.replace(b"\xe2\x80\x94 ", b"\xe2\x80\x94"),
        SIGNED.replace(b"\xe2\x80\x94 ", b"\xe2\x80\x94  "),
        SIGNED.replace(b"\xe2\x80\x94 log.example/a ", b"\xe2\x80\x94 log.example/a  "),
        SIGNED.replace(b"\xe2\x80\x94 log.example/a ", b"\xe2\x80\x94 log+example/a "),
        SIGNED.replace(b"\xe2\x80\x94 log.example/a ", b"\xe2\x80\x94 log\xc2\xa0example/a "),
        SIGNED.replace(b"\xe2\x80\x94 log.example/a ", b"\xe2\x80\x94 "),
        SIGNED[:-1] + b" \n",
        SIGNED[:-2] + b"\n",
        SIGNED[:-1] + b"=\n",
        b"text\n\n\xe2\x80\x94 log AAAA\n",
        b"text\n\n\xe2\x80\x94 log AAAAAA==\n",
        b"text\n\n\xe2\x80\x94 log AAAAAAB=\n",
    ],
)
def test_bytes_outside_the_format_are_malformed(wire):
    refused(lambda: parse_note(wire), "malformed")


def test_sixty_four_signatures_pass_and_one_more_does_not():
    assert len(parse_note(b"text\n\n" + LINE * SIGNATURES_MAX).signatures) == SIGNATURES_MAX == 64
    refused(lambda: parse_note(b"text\n\n" + LINE * (SIGNATURES_MAX + 1)), "malformed")
    refused(lambda: sign_note("text\n", [LOG] * 65), "malformed")


def test_the_size_of_a_note_has_its_limit():
    room = NOTE_SIZE_MAX - len(LINE) - 1
    full = sign_note("x" * (room - 1) + "\n", [LOG])
    assert len(full) == NOTE_SIZE_MAX == 131_072
    assert parse_note(full).encode() == full
    refused(lambda: parse_note(b"x" + full), "malformed")
    refused(lambda: sign_note("x" * room + "\n", [LOG]), "malformed")


@pytest.mark.parametrize("text", ["", "text", "a\tb\n", "a\r\n", "\ud800\n"])
def test_a_text_that_makes_no_note_is_not_signed(text):
    refused(lambda: sign_note(text, [LOG]), "malformed")


def test_a_note_without_signers_is_not_made():
    refused(lambda: sign_note(TEXT, []), "malformed")


@pytest.mark.parametrize("name", ["a", "log.example/ü", "\U0001f512"])
@pytest.mark.parametrize("size", [1, 2, 3, 64, 2_420])
def test_a_line_tells_its_size_in_bytes_without_being_spelled(name, size):
    signature = NoteSignature(name, b"\x01\x02\x03\x04", bytes(size))
    assert signature.line_size == len(signature.line().encode()) + 1


@pytest.mark.parametrize(
    ("name", "key_id", "blob"),
    [("a b", bytes(4), b"x"), ("", bytes(4), b"x"), ("a", bytes(3), b"x"), ("a", bytes(4), b"")],
)
def test_a_signature_line_that_cannot_be_written_cannot_be_made(name, key_id, blob):
    refused(lambda: NoteSignature(name, key_id, blob), "malformed")


def test_only_an_ed25519_key_under_a_proper_name_signs_notes():
    with pytest.raises(UsageError):
        NoteSigner("log", SigningKey.from_seed("mldsa65", bytes(32)))
    refused(lambda: NoteSigner("a log", LOG.signer), "bad-vkey")
