"""A home whose log is anchored and cosigned, copies of it, and whoever spoils them."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path

import lodestamp
from homes import assert_clean, foreign_evidence, reading
from listeners import served
from lodestamp.core.encoding import OP_CID_PREFIX
from lodestamp.core.merkle import leaf_hashes, root, verify_consistency
from lodestamp.core.operations import Operation
from lodestamp.core.proof import Proof
from lodestamp.core.transparency import (
    Checkpoint,
    NoteSigner,
    parse_checkpoint,
    parse_note,
    sign_note,
)
from lodestamp.errors import LodestampError
from lodestamp.node.anchors import WitnessClient
from lodestamp.node.keyring import load_key

CALENDAR = "http://127.0.0.1:14788"
SIZE = 13
"""Operations of the log; the witness has cosigned sizes 6 and 13, and size 6 is in a block."""
Rows = list[tuple[bytes, bytes]]
"""Ids and bytes of operations, in the order of the log."""


@dataclass(frozen=True)
class Evidence:
    """A home, the witness of its log, and a proof that somebody took away in good time."""

    home: Path
    witness: Path
    proof: Proof

    def copied(self, folder: Path) -> Evidence:
        """Return a copy to be spoiled."""
        for each in (self.home, self.witness):
            shutil.copytree(each, folder / each.name)
        return Evidence(folder / self.home.name, folder / self.witness.name, self.proof)


def make_evidence(folder: Path) -> Evidence:
    """Record, cosign, stamp and anchor."""
    home, witness = folder / "home", folder / "witness"
    with lodestamp.open(home, origin="log.example/a") as node, lodestamp.open(witness) as other:
        other.public.witness.add_log(node.origin, node.log_key)
        for number in range(6):
            early = node.record(**reading(number))
        assert shown_to(node, other) == [("cosigned", 6)]
        with node.open_calendar(CALENDAR, period_s=0.2) as calendar, node.anchors() as anchors:
            calendar.submit(b"somebody's digest").result()
            node.calendars.submit()
            for _ in range(8):
                anchors.anchorer.poll()
                anchors.mine()
        upgraded = node.calendars.upgrade(node.prove(early.op_id))
        assert upgraded.is_complete
        for number in range(6):
            node.record(**reading(6 + number))
        node.append([foreign_evidence(1).wire])
        assert shown_to(node, other) == [("cosigned", SIZE)]
    for each in (home, witness):
        assert_clean(each)
    return Evidence(home, witness, upgraded.proof)


def shown_to(node: lodestamp.Node, witness: lodestamp.Node) -> list[tuple[str, int]]:
    """Show the newest checkpoint of a log to a witness over HTTP; return what it says of it."""
    with served(witness, "witness") as listening:
        keys = {f"{listening.url}/witness": list(witness.public.witness.vkeys)}
        with WitnessClient(node._database, keys, timeout_s=10, emit=lambda _: None) as client:
            return [(each.state, each.size) for each in client.submit()]


@contextmanager
def behind_its_back(home: Path) -> Iterator[sqlite3.Connection]:
    """Open a home's database as anyone with the right to write its file can."""
    with closing(sqlite3.connect(home / "lodestamp.db", isolation_level=None)) as database:
        database.execute("PRAGMA foreign_keys=OFF")
        yield database


def operations(database: sqlite3.Connection) -> Rows:
    """Return the operations of a log."""
    return database.execute("SELECT op_id, raw FROM operation ORDER BY seq").fetchall()


def put(database: sqlite3.Connection, seq: int, op: Operation) -> None:
    """Put an operation that verifies in the place of another."""
    values = (op.wire, bytes(op.digest), seq)
    database.execute("UPDATE operation SET raw = ?, op_id = ? WHERE seq = ?", values)


def rebuild_tree(database: sqlite3.Connection) -> list[bytes]:
    """Make the tile of a small log anew from its operations; return its leaves."""
    leaves = leaf_hashes([OP_CID_PREFIX + op_id for op_id, _ in operations(database)])
    database.execute("UPDATE log_tile SET hashes = ?", (b"".join(leaves),))
    return list(leaves)


def sign_all_notes(home: Path, database: sqlite3.Connection, origin: str) -> None:
    """Sign every checkpoint anew with the log's own key, the published one too."""
    signer = NoteSigner(origin, load_key(home / "keys", "log"))
    leaves = rebuild_tree(database)
    for (size,) in database.execute("SELECT size FROM log_checkpoint").fetchall():
        tree = root(leaves[:size])
        note = sign_note(Checkpoint(origin, size, tree).text(), [signer])
        for table in ("log_checkpoint", "log_head"):
            database.execute(
                f"UPDATE {table} SET root = ?, note = ? WHERE size = ?",  # noqa: S608
                (bytes(tree), note, size),
            )
    newest = database.execute("SELECT note FROM log_head").fetchone()[0]
    (home / "checkpoint").write_bytes(newest)


def forget(database: sqlite3.Connection, *tables: str) -> None:
    """Empty tables."""
    for table in tables:
        database.execute(f"DELETE FROM {table}")  # noqa: S608


def is_contradicted_by(home: Path, proof: Proof) -> bool:
    """Whether this home's log is not one that an earlier proof's checkpoint is the past of."""
    assert proof.checkpoint is not None
    then = parse_checkpoint(parse_note(proof.checkpoint.note.encode()).text)
    with lodestamp.open(home) as node:
        assert node.origin == then.origin
        now = parse_checkpoint(parse_note(node.checkpoint()).text)
        try:
            verify_consistency(node.consistency(then.size, now.size), then.root, now.root)
        except LodestampError:
            return True
    return False


Spoil = Callable[[sqlite3.Connection], object]
"""What is done to a database."""
