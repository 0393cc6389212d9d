"""A file of headers: what a verifier without a home knows of the best chain (R66, R75)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from headers import MINI, following, grown, run_of
from lodestamp.core.bitcoin import MAIN, REGTEST, SIGNET, HeaderChain, expected_bits, extend
from lodestamp.errors import SourceError
from lodestamp.node import header_file
from lodestamp.node.header_file import HeaderFile


@cache
def raw(count: int = 30) -> bytes:
    return b"".join(header.encode() for header in run_of(grown(REGTEST, count)))


def written(folder: Path, data: bytes) -> Path:
    path = folder / "headers.bin"
    path.write_bytes(data)
    return path


def test_a_file_knows_its_hashes_and_how_deep_each_lies(tmp_path: Path):
    told: list[tuple[int, int]] = []
    path = written(tmp_path, raw())
    known = HeaderFile.read(path, REGTEST, lambda done, total: told.append((done, total)))
    chain = run_of(grown(REGTEST, 30))
    assert known.count == 31
    assert [known.hash_at(height) for height in range(31)] == [header.hash for header in chain]
    assert (known.hash_at(31), known.hash_at(-1)) == (None, None)
    assert known.confirmations(chain[30].hash) == 1
    assert known.confirmations(chain[25].hash) == 6
    assert known.confirmations(bytes(32)) == 0
    assert told == [(31 * 80, 31 * 80)]


@pytest.mark.parametrize(
    ("spoil", "why"),
    [
        (lambda data: data[80:], "genesis"),
        (lambda data: data[:0], "genesis"),
        (lambda data: data[:-1], "multiple of 80"),
        (lambda data: data[:160] + data[240:], "does not name the tip"),
        (lambda data: data[:-8] + b"\xff\xff\x00\x1d" + data[-4:], "target"),
    ],
    ids=["no genesis", "empty", "torn", "a gap", "other bits"],
)
def test_other_files_are_refused_with_their_reason(
    tmp_path: Path, spoil: Callable[[bytes], bytes], why: str
):
    with pytest.raises(SourceError, match=why):
        HeaderFile.read(written(tmp_path, spoil(raw())), REGTEST)


def test_a_file_that_is_not_there_is_a_source_error(tmp_path: Path):
    with pytest.raises(SourceError):
        HeaderFile.read(tmp_path / "none", REGTEST)


def test_a_file_of_another_network_is_refused(tmp_path: Path):
    with pytest.raises(SourceError, match="genesis block of signet"):
        HeaderFile.read(written(tmp_path, raw()), SIGNET)


def test_a_short_chain_of_cheap_work_passes_for_nothing(tmp_path: Path):
    """The blocks that the release knows of a network must be there."""
    with pytest.raises(SourceError, match="lacks block 11,111 of main"):
        HeaderFile.read(written(tmp_path, MAIN.genesis.encode()), MAIN)


def test_long_files_are_checked_by_the_rules_of_each_period(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    """Difficulty is due across the pieces in which a file is read."""
    monkeypatch.setattr(header_file, "READ_AT_ONCE", header_file.PERIOD)
    net = replace(MINI, pins=REGTEST.pins)
    chain = HeaderChain.genesis(net)
    for _ in range(2 * header_file.PERIOD + 5):
        bits = expected_bits(chain.tip, chain.tip.time + 600, net)
        chain = extend(chain, following(chain, bits=bits))
    data = b"".join(header.encode() for header in run_of(chain))
    known = HeaderFile.read(written(tmp_path, data), net)
    assert known.count == chain.height + 1
    assert known.hash_at(chain.height) == chain.tip.hash
    easier = [*run_of(chain)[: 2 * header_file.PERIOD]]
    wrong = b"".join(header.encode() for header in (*easier, replace(easier[-1], bits=0x207FFFFE)))
    with pytest.raises(SourceError, match="after height"):
        HeaderFile.read(written(tmp_path, wrong), net)
