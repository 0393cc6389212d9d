"""Runs of headers in a proof: 80 bytes, then 48 for each next (transparency spec §9, R70)."""

from __future__ import annotations

from functools import cache

import pytest

from headers import grown, run_of
from lodestamp.core.bitcoin import REGTEST, BlockHeader, sha256d
from lodestamp.core.proof import RUN_MAX, compress_run, expand_run
from lodestamp.errors import LimitExceeded, MalformedBlock, UsageError


@cache
def run() -> tuple[bytes, ...]:
    return tuple(header.encode() for header in run_of(grown(REGTEST, 12), 1))


@pytest.mark.parametrize("count", [1, 2, 6, 12])
def test_a_run_has_80_bytes_of_the_first_header_and_48_of_each_next(count: int):
    headers = run()[:count]
    data = compress_run(headers)
    assert len(data) == 80 + 48 * (count - 1)
    assert expand_run(data) == headers


def test_what_is_left_out_is_the_hash_of_the_header_before():
    first, second = run()[:2]
    data = compress_run((first, second))
    assert data[80:] == second[:4] + second[36:]
    changed = expand_run(data[:79] + bytes([data[79] ^ 1]) + data[80:])
    assert BlockHeader.decode(changed[1]).prev == sha256d(changed[0]) != second[4:36]


@pytest.mark.parametrize("size", [0, 1, 79, 81, 127, 129, 80 + 48 * 3 - 1])
def test_other_lengths_are_no_run(size: int):
    with pytest.raises(MalformedBlock) as caught:
        expand_run(bytes(size))
    assert caught.value.code == "header-size"


def test_2017_headers_are_one_too_many():
    assert len(expand_run(bytes(80 + 48 * (RUN_MAX - 1)))) == RUN_MAX == 2_016
    with pytest.raises(LimitExceeded):
        expand_run(bytes(80 + 48 * RUN_MAX))
    with pytest.raises(LimitExceeded):
        compress_run(run()[:1] * (RUN_MAX + 1))


def test_headers_that_do_not_follow_are_no_run():
    first, second = run()[:2]
    for headers in (
        (),
        (second, first),
        (first, second[:4] + bytes(32) + second[36:]),
        (first[1:],),
    ):
        with pytest.raises(UsageError):
            compress_run(headers)
