from __future__ import annotations

from base64 import b64encode

import pytest

from lodestamp.core.merkle import EMPTY_ROOT, SIZE_MAX
from lodestamp.core.transparency import Checkpoint, parse_checkpoint
from lodestamp.errors import BadNote

ROOT = bytes(range(32))
B64 = b64encode(ROOT).decode()
TEXT = f"log.example/a\n5\n{B64}\n"


def refused(attempt):
    with pytest.raises(BadNote) as error:
        attempt()
    assert error.value.code == "bad-checkpoint"


def test_a_checkpoint_is_origin_size_and_root_on_a_line_each():
    checkpoint = Checkpoint("log.example/a", 5, ROOT)
    assert checkpoint.text() == TEXT
    assert parse_checkpoint(TEXT) == checkpoint


def test_foreign_extension_lines_are_kept_as_they_are():
    text = TEXT + "extension one \n\u2014 two\n"
    checkpoint = parse_checkpoint(text)
    assert checkpoint.extensions == ("extension one ", "\u2014 two")
    assert checkpoint.text() == text


def test_an_origin_may_hold_spaces():
    text = TEXT.replace("log.example/a", "go.sum database tree")
    assert parse_checkpoint(text).origin == "go.sum database tree"


def test_the_empty_log_has_the_empty_root():
    empty = Checkpoint("log.example/a", 0, EMPTY_ROOT)
    assert parse_checkpoint(empty.text()) == empty
    refused(lambda: Checkpoint("log.example/a", 0, ROOT))
    refused(lambda: parse_checkpoint(TEXT.replace("\n5\n", "\n0\n")))


def test_the_largest_size_passes_and_the_next_does_not():
    assert parse_checkpoint(TEXT.replace("\n5\n", f"\n{SIZE_MAX}\n")).size == SIZE_MAX
    refused(lambda: parse_checkpoint(TEXT.replace("\n5\n", f"\n{SIZE_MAX + 1}\n")))


@pytest.mark.parametrize(
    "size",
    [
        "",
        "05",
        "00",
        "-1",
        "+5",
        " 5",
        "5 ",
        "1_000",
        "5.0",
        "\u0665",
        "0x5",
        "1" * 20,
        "1" * 5_000,
    ],
)
def test_a_size_has_one_spelling(size):
    refused(lambda: parse_checkpoint(TEXT.replace("\n5\n", f"\n{size}\n")))


@pytest.mark.parametrize(
    "root",
    [
        "",
        B64[:-1],
        B64 + "=",
        B64 + " ",
        b64encode(ROOT[:31]).decode(),
        b64encode(ROOT + b"x").decode(),
        B64[:-2] + "9=",
        "\u00e9",
    ],
)
def test_a_root_is_the_base64_of_32_bytes(root):
    refused(lambda: parse_checkpoint(f"log.example/a\n5\n{root}\n"))


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "\n\n\n",
        "log.example/a\n5\n",
        TEXT[:-1],
        TEXT + "\n",
        TEXT + "\nextension\n",
        TEXT + "extension",
        "\n" + TEXT,
        TEXT.replace("\n", "\r\n"),
        TEXT.replace("example", "exa\x85mple\x00"),
        "\ud800" + TEXT,
        TEXT + "\ud800\n",
        TEXT + "x" * 131_072 + "\n",
    ],
)
def test_any_other_text_is_no_checkpoint(text):
    refused(lambda: parse_checkpoint(text))


def test_an_origin_has_at_most_255_bytes():
    assert Checkpoint("\u00e9" * 127 + "x", 5, ROOT).origin
    refused(lambda: Checkpoint("\u00e9" * 128, 5, ROOT))


@pytest.mark.parametrize(
    ("origin", "size", "root", "extensions"),
    [
        ("", 5, ROOT, ()),
        ("a\nb", 5, ROOT, ()),
        ("a", -1, ROOT, ()),
        ("a", SIZE_MAX + 1, ROOT, ()),
        ("a", 5, b"", ()),
        ("a", 5, ROOT, ("",)),
        ("a", 5, ROOT, ("one\ntwo",)),
    ],
)
def test_a_checkpoint_that_cannot_be_written_cannot_be_made(origin, size, root, extensions):
    refused(lambda: Checkpoint(origin, size, root, extensions))
