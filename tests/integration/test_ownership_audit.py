"""The auditor of ownership: it finds nothing in a good store, and each kind of damage by its code.

R14, R24, R34: operations, balances, journals and hashes are derived again from evidence.
"""

from __future__ import annotations

import shutil

import pytest
from sqlalchemy import delete, insert, select, update

from lodestamp.core.bitcoin import Transaction
from lodestamp.core.ownership import Rules
from lodestamp.errors import StoreError
from lodestamp.node.findings import AuditReport
from lodestamp.node.scanner import SqlStore, audit_ownership
from lodestamp.node.scanner.stores import tables as t
from ownership_chains import FedStore, ownership_vectors, scenario
from postgres import postgres_server

pytestmark = pytest.mark.usefixtures("vectors")

RULES = Rules.strict("regtest")


def audited(url) -> AuditReport:
    report = AuditReport()
    audit_ownership(url, report)
    return report


def feed(url, name) -> None:
    store = SqlStore(url)
    FedStore(store, RULES).replay(scenario(name))
    store.close()


@pytest.fixture(scope="module")
def good(tmp_path_factory):
    """A store that followed a scenario with everything in it."""
    path = tmp_path_factory.mktemp("good") / "own.db"
    feed(f"sqlite:///{path}", "dividends-and-payments")
    return path


def test_a_store_of_every_scenario_is_clean(tmp_path):
    for row in ownership_vectors("public")["scenarios"]:
        url = f"sqlite:///{tmp_path}/{row['name']}.db"
        feed(url, row["name"])
        report = audited(url)
        assert report.findings == []
        assert report.checked["scanned_blocks"] == row["best"]["height"]
        assert report.checked["ownership_balances"] >= 1
        assert report.checked["ownership_evidence"] >= 1


@pytest.mark.engine
def test_a_store_in_postgresql_is_clean_and_its_damage_is_found():
    with postgres_server() as server:
        url = server.database()
        feed(url, "tips-and-cap-table-time")
        assert audited(url).findings == []
        store = SqlStore(url)
        with store._access.writing("damaging") as connection:
            connection.execute(update(t.BALANCE).values(amount=t.BALANCE.c.amount + 1))
        store.close()
        assert {finding.code for finding in audited(url).findings} == {"O6"}


def test_an_empty_store_has_nothing_to_audit(tmp_path):
    url = f"sqlite:///{tmp_path}/own.db"
    SqlStore(url).close()
    assert audited(url).checked == {}


def test_what_is_no_store_cannot_be_audited(tmp_path):
    with pytest.raises(StoreError) as refused:
        audited(f"sqlite:///{tmp_path}/own.db")
    assert refused.value.code == "no-store"
    assert list(tmp_path.iterdir()) == []
    (tmp_path / "own.db").touch()
    with pytest.raises(StoreError):
        audited(f"sqlite:///{tmp_path}/own.db")


def bent(table, column, **change):
    return lambda connection: connection.execute(update(table).values({column: change["to"]}))


def one_evidence(connection):
    """The first transfer's transaction, signed otherwise: its scriptSig is another's."""
    row = connection.execute(
        select(t.EVIDENCE).join(t.OP, t.OP.c.txid == t.EVIDENCE.c.txid).where(t.OP.c.kind == "t")
    ).first()
    tx = Transaction.decode(row.raw)
    raw = tx.encode().replace(tx.inputs[0].script_sig[:20], bytes(20), 1)
    where = t.EVIDENCE.c.txid == row.txid
    connection.execute(update(t.EVIDENCE).where(where).values(raw=raw))


def lost_evidence(connection):
    txid = connection.execute(select(t.TIP.c.txid)).scalar()
    connection.execute(delete(t.EVIDENCE).where(t.EVIDENCE.c.txid == txid))


def lost_parent(connection):
    """What a primary announces is not there any more."""
    primaries = select(t.OP.c.txid)
    connection.execute(delete(t.EVIDENCE).where(t.EVIDENCE.c.txid.not_in(primaries)))


def foreign_row(connection):
    row = dict(connection.execute(select(t.TIP)).first()._mapping)
    connection.execute(insert(t.TIP), [{**row, "txid": b"\x09" * 32, "height": 99}])


DAMAGES = {
    "rules": (bent(t.META, "value", to="x"), {"O1"}),
    "header": (bent(t.BLOCK, "work", to="7"), {"O2"}),
    "header-bytes": (bent(t.BLOCK, "header", to=bytes(80)), {"O2", "O3"}),
    "short-header": (bent(t.BLOCK, "header", to=b"x"), {"O1"}),
    "evidence": (one_evidence, {"O3", "O4", "O5", "O6", "O7"}),
    "branch": (bent(t.EVIDENCE, "branch", to=bytes(64)), {"O3"}),
    "lost-evidence": (lost_evidence, {"O4", "O5", "O7"}),
    "lost-parent": (lost_parent, {"O3", "O4", "O5", "O6", "O7"}),
    "journal": (bent(t.JOURNAL, "effect", to=b'{"rejected":[]}'), {"O4"}),
    "journal-bytes": (bent(t.JOURNAL, "effect", to=b"x"), {"O1"}),
    "no-journal": (lambda c: c.execute(delete(t.JOURNAL)), {"O4"}),
    "operation": (bent(t.OP, "sat", to=5), {"O5"}),
    "tip": (bent(t.TIP, "amount", to=5), {"O5"}),
    "payment": (bent(t.PAYMENT, "tx_index", to=500), {"O5"}),
    "source": (bent(t.SOURCE, "owner", to=b"x"), {"O5"}),
    "registration": (bent(t.ASSET, "sha256", to=b"x" * 32), {"O5"}),
    "text": (bent(t.ASSET, "text_z", to=b"\x03\x00"), {"O5"}),
    "text-bytes": (bent(t.ASSET, "text_z", to=b"\xff"), {"O1"}),
    "foreign-row": (foreign_row, {"O5"}),
    "balance": (bent(t.BALANCE, "amount", to=25_000_000), {"O6"}),
    "lost-balance": (lambda c: c.execute(delete(t.BALANCE)), {"O6"}),
    "state-hash": (bent(t.BLOCK, "state_hash", to=bytes(32)), {"O7"}),
}


@pytest.mark.parametrize("name", DAMAGES)
def test_each_damage_is_found_by_its_code(name, good, tmp_path):
    damage, codes = DAMAGES[name]
    path = tmp_path / "own.db"
    shutil.copy(good, path)
    store = SqlStore(f"sqlite:///{path}")
    with store._access.preparing() as connection:
        damage(connection)
    store.close()
    report = audited(f"sqlite:///{path}")
    assert {finding.code for finding in report.findings} == codes
    assert report.exit_code == 1
