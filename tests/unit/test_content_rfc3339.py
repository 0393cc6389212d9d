"""Times in IPNS records (content spec R96)."""

from __future__ import annotations

import random
from datetime import UTC, datetime

import pytest

from lodestamp.core.content.rfc3339 import format_time, parse_time
from lodestamp.errors import IpnsError


def test_r96_seconds_agree_with_the_calendar_of_the_library():
    draw = random.Random(96)
    for _ in range(2_000):
        seconds = draw.randrange(0, 253_402_300_800)
        text = format_time(seconds * 10**9)
        assert text == datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ").zfill(20)
        assert parse_time(text.encode()) == seconds * 10**9


@pytest.mark.parametrize("time_ns", [0, 1, 10**9 - 1, 694_052_000, 253_402_300_800 * 10**9 - 1])
def test_nanoseconds_survive(time_ns):
    assert parse_time(format_time(time_ns).encode()) == time_ns


@pytest.mark.parametrize("time_ns", [-1, 253_402_300_800 * 10**9])
def test_a_year_of_other_than_four_digits_is_refused(time_ns):
    with pytest.raises(IpnsError):
        format_time(time_ns)


@pytest.mark.parametrize(
    "text",
    [
        b"2023-02-29T00:00:00Z", b"2024-13-01T00:00:00Z", b"2024-00-01T00:00:00Z",
        b"2024-01-01T24:00:00Z", b"2024-01-01T00:00:60Z", b"2024-01-01 00:00:00Z",
        b"2024-01-01T00:00:00+00:00", b"2024-01-01T00:00:00.Z", b"2024-01-01T00:00:00.1234567890Z",
        b"", b"2024-01-01T00:00:00Z\n", "\uff12\uff1024-01-01T00:00:00Z".encode(),
    ],
)  # fmt: skip
def test_r96_other_spellings_are_refused(text):
    with pytest.raises(IpnsError) as refused:
        parse_time(text)
    assert refused.value.code == "ipns.data"
