"""The journal: every commitment once, in order, and never shifted (transparency spec R49)."""

from __future__ import annotations

import io

import pytest
from sqlalchemy import select

from lodestamp.errors import SourceError
from lodestamp.node.anchors.calendar import COMMITMENT_SIZE, Imported, Journal
from lodestamp.node.anchors.tables import commitments
from lodestamp.node.storage import Database


def record(number: int) -> bytes:
    """A commitment of a batch: no two are alike."""
    return (1_700_000_000 + number).to_bytes(4, "big") + bytes([number % 256]) * 40


@pytest.fixture
def database(tmp_path):
    opened = Database.open(tmp_path / "a.db")
    yield opened
    opened.close()


@pytest.fixture
def journal(database):
    return Journal(database)


def stored(database) -> list[bytes]:
    with database.reading("test") as connection:
        return list(
            connection.execute(
                select(commitments.c.commitment).order_by(commitments.c.id)
            ).scalars()
        )


def exported(journal) -> bytes:
    file = io.BytesIO()
    journal.export(file)
    return file.getvalue()


def test_r49_what_was_appended_is_there_in_order_and_once(database, journal):
    journal.append([record(2), record(1)])
    journal.append([record(1), record(3), record(3)])
    assert stored(database) == [record(2), record(1), record(3)]
    assert journal.holds(record(3))
    assert not journal.holds(record(4))


def test_r49_an_export_is_a_row_of_44_byte_records(journal):
    journal.append([record(n) for n in range(5)])
    assert exported(journal) == b"".join(record(n) for n in range(5))


def test_r50_an_anchor_digest_is_exported_and_comes_back(database, journal, tmp_path):
    journal.append([record(1), b"A" * 32, record(2)])
    file = exported(journal)
    assert len(file) == 3 * COMMITMENT_SIZE
    other = Database.open(tmp_path / "b.db")
    try:
        assert Journal(other).import_from(io.BytesIO(file)) == Imported(3, 3, 0)
        assert stored(other) == stored(database)
        assert exported(Journal(other)) == file
    finally:
        other.close()


def test_an_import_leaves_known_commitments_in_their_place(database, journal):
    journal.append([record(3), record(1)])
    file = b"".join(record(n) for n in range(4))
    assert journal.import_from(io.BytesIO(file)) == Imported(4, 2, 0)
    assert stored(database) == [record(3), record(1), record(0), record(2)]
    assert journal.import_from(io.BytesIO(file)) == Imported(4, 0, 0)


@pytest.mark.parametrize("cut", range(1, COMMITMENT_SIZE))
def test_r49_a_record_cut_at_any_byte_is_padded_and_shifts_nothing(tmp_path, cut):
    with Torn(tmp_path) as torn:
        for kept in (record(9), bytes(4) + b"A" * 32 + bytes(8)):
            file = record(1) + record(2) + kept[:cut]
            padded = COMMITMENT_SIZE - cut
            assert torn.journal.import_from(io.BytesIO(file)).padded == padded
            assert stored(torn.database)[:2] == [record(1), record(2)]
            last = kept[:cut] + bytes(padded)
            assert stored(torn.database)[-1] == last
    # and the whole file, imported later, brings the rest
    with Torn(tmp_path) as torn:
        whole = b"".join(record(n) for n in (1, 2, 9, 10))
        torn.journal.import_from(io.BytesIO(whole))
        assert torn.journal.holds(record(9))
        assert torn.journal.holds(record(10))
        assert exported(torn.journal)[: 2 * COMMITMENT_SIZE] == record(1) + record(2)


class Torn:
    """A journal of its own."""

    def __init__(self, folder):
        self.database = Database.open(folder / "torn.db")
        self.journal = Journal(self.database)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.database.close()


def test_an_import_reads_in_pieces_of_any_size(database, journal):
    class Dripping(io.BytesIO):
        def read(self, _size=-1):
            return super().read(17)

    file = b"".join(record(n) for n in range(50))
    assert journal.import_from(Dripping(file)) == Imported(50, 50, 0)
    assert stored(database) == [record(n) for n in range(50)]


def test_a_file_that_breaks_adds_nothing(database, journal):
    class Breaking(io.BytesIO):
        def read(self, _size=-1):
            if self.tell():
                raise OSError(5, "Input/output error")
            return super().read(100)

    with pytest.raises(SourceError):
        journal.import_from(Breaking(record(1) * 10))
    assert stored(database) == []


def test_an_empty_file_is_an_empty_journal(journal):
    assert journal.import_from(io.BytesIO()) == Imported(0, 0, 0)
    assert exported(journal) == b""
