"""Byte ranges as people type them (content spec R113)."""

from __future__ import annotations

import pytest

from lodestamp.errors import UsageError
from lodestamp.faces.cli.spans import ByteSpan


@pytest.mark.parametrize(
    ("text", "size", "expected"),
    [
        ("0:*", 10, (0, 10)), ("0:9", 10, (0, 10)), ("2:4", 10, (2, 5)), ("-3:*", 10, (7, 10)),
        ("-3:-2", 10, (7, 9)), ("-99:0", 10, (0, 1)), ("5:99", 10, (5, 10)), ("0:*", 0, (0, 0)),
        ("5:-9", 10, (5, 5)), ("0:-11", 10, (0, 0)),
    ],
)  # fmt: skip
def test_r113_both_ends_count_and_negatives_count_from_the_end(text, size, expected):
    assert ByteSpan.parse(text).within(size) == expected


@pytest.mark.parametrize("text", ["", "1", "a:b", "1:2:3", "*:1", "4:2", "+1:2", "\uff11:2"])
def test_other_spellings_are_refused(text):
    with pytest.raises(UsageError):
        ByteSpan.parse(text)


def test_r113_a_start_past_the_end_is_refused():
    with pytest.raises(UsageError):
        ByteSpan.parse("10:*").within(10)
