"""A CAR on disk as a source of blocks (content spec R83)."""

from __future__ import annotations

import io

import pytest

from lodestamp.core.content import CarLimits, car, car_index
from lodestamp.errors import BlockMismatch, CarError, LimitExceeded, SourceError
from lodestamp.node.blocks import CarFile
from stores import raw, raws

BLOCKS = raws(20)
ROOT = BLOCKS[0].cid


def _v2():
    out = io.BytesIO()
    car_index.write_v2([ROOT], BLOCKS, out)
    return bytearray(out.getvalue())


def _write(path, data):
    path.write_bytes(bytes(data))
    return path


@pytest.mark.parametrize("version", [1, 2])
def test_blocks_are_found_in_both_versions(tmp_path, version):
    data = _v2() if version == 2 else b"".join(car.write_v1([ROOT], BLOCKS))
    with CarFile.open(_write(tmp_path / "a.car", data)) as file:
        assert file.roots == (ROOT,)
        assert [file.get(block.cid) for block in BLOCKS] == [block.data for block in BLOCKS]
        assert file.get(raw(99).cid) is None


def test_r83_a_true_index_spares_the_scan(tmp_path):
    data = _v2()
    at = bytes(data).index(BLOCKS[3].data)
    data[at] ^= 1
    with CarFile.open(_write(tmp_path / "a.car", data)) as file:
        assert file.get(BLOCKS[9].cid) == BLOCKS[9].data
        with pytest.raises(BlockMismatch):  # the damaged one is looked for by scanning
            file.get(BLOCKS[3].cid)


def test_r83_a_lying_index_leads_to_a_scan(tmp_path):
    whole = _v2()
    start = int.from_bytes(whole[43:51], "little")
    for lie in (0, 1 << 62, (1 << 64) - 1, 99):
        data = bytearray(whole)
        for at in range(start + 30, len(data) - 7, 40):
            data[at + 32 : at + 40] = lie.to_bytes(8, "little")
        with CarFile.open(_write(tmp_path / "a.car", data)) as file:
            assert [file.get(block.cid) for block in BLOCKS] == [block.data for block in BLOCKS]


def test_r83_an_index_that_is_none_is_done_without(tmp_path):
    data = _v2()
    start = int.from_bytes(data[43:51], "little")
    with CarFile.open(_write(tmp_path / "a.car", data[:start] + b"\xff" * 50)) as file:
        assert file.get(BLOCKS[5].cid) == BLOCKS[5].data


def test_what_is_no_car_is_refused(tmp_path):
    with pytest.raises(CarError):
        CarFile.open(_write(tmp_path / "a.car", b"hello"))
    with pytest.raises(SourceError):
        CarFile.open(tmp_path / "none.car")
    with (
        pytest.raises(LimitExceeded),
        CarFile.open(
            _write(tmp_path / "a.car", b"".join(car.write_v1([ROOT], BLOCKS))), CarLimits(200)
        ) as file,
    ):
        file.get(BLOCKS[19].cid)
