"""The auditor of anchors and headers: every forged row is found (A11, A12; tampers 21 to 23)."""

from __future__ import annotations

import hashlib

import pytest
from sqlalchemy import insert, select, update

import lodestamp
from headers import following, worked
from lodestamp.core.bitcoin import HeaderChain, extend
from lodestamp.node.anchors.tables import (
    blocks,
    commitments,
    cycles,
    headers,
    side_headers,
    transactions,
)
from lodestamp.node.fsck import audit_log


@pytest.fixture(scope="module")
def template(tmp_path_factory):
    """A home with one final anchor and one that is mined."""
    home = tmp_path_factory.mktemp("template") / "home"
    with lodestamp.open(home) as node:
        node.record(source="test", kind="reading", content={"n": 1})
        with node.anchors() as anchors:
            node.anchor_newest(anchors)
            anchors.anchorer.poll()
            for _ in range(6):
                anchors.mine()
                anchors.anchorer.poll()
            node.record(source="test", kind="reading", content={"n": 2})
            node.anchor_newest(anchors)
            anchors.anchorer.poll()
            anchors.mine()
            anchors.anchorer.poll()
            assert [str(each.state) for each in anchors.anchorer.status().cycles] == [
                "mined",
                "final",
            ]
    return home


@pytest.fixture
def home(template, tmp_path):
    import shutil

    return shutil.copytree(template, tmp_path / "home")


def codes(home):
    return {(each.code, each.where) for each in audit_log(home).findings}


def change(home, *statements):
    with lodestamp.open(home) as node, node._database.writing("tampering") as connection:
        for each in statements:
            connection.execute(each)


def test_an_honest_home_is_clean(home):
    report = audit_log(home)
    assert report.findings == []
    assert report.checked["anchors"] == 2
    assert report.checked["headers"] == 112


def test_tamper_21_an_anchor_with_a_random_txid_is_found(home):
    change(home, update(cycles).where(cycles.c.id == 1).values(txid=bytes(32)))
    assert ("A12", "cycle 1") in codes(home)


def test_tamper_21_a_whole_forged_anchor_row_is_found(home):
    forged = hashlib.sha256(b"forged").digest()
    with lodestamp.open(home) as node, node._database.reading("testing") as connection:
        row = connection.execute(select(cycles).where(cycles.c.id == 1)).one()._asdict()
    change(home, insert(cycles).values(**{**row, "id": 9, "txid": forged, "tip": forged}))
    assert ("A12", "cycle 9") in codes(home)
    assert ("A11", "cycle 9") in codes(home)


def test_tamper_22_a_digest_that_is_not_of_this_log_is_found(home):
    change(home, insert(commitments).values(commitment=hashlib.sha256(b"another log").digest()))
    assert codes(home) == {("A11", "commitment 3")}
    change(
        home,
        update(commitments)
        .where(commitments.c.id == 1)
        .values(commitment=hashlib.sha256(b"instead").digest()),
    )
    assert {("A11", "commitment 1"), ("A11", "cycle 1")} <= codes(home)


def test_tamper_23_a_header_replaced_by_another_valid_one_is_found(home):
    with lodestamp.open(home) as node:
        store = node.header_store(None)
        chain = HeaderChain.genesis(store.network)
        for height in range(1, 106):
            chain = extend(chain, store.header(height))
        tip = chain.tip
        other = worked(following(chain.disconnect(), time=tip.time + 1, merkle=b"another"))
    change(
        home,
        update(headers).where(headers.c.height == 105).values(raw=other.encode(), hash=other.hash),
    )
    found = codes(home)
    assert ("A12", "header 106") in found
    assert ("A12", "cycle 1") in found  # its block is not in the best chain any more


@pytest.mark.parametrize(
    ("statement", "where"),
    [
        (update(cycles).where(cycles.c.id == 1).values(state="certain"), "cycle 1"),
        (update(cycles).where(cycles.c.id == 1).values(state="sent"), "cycle 1"),
        (update(cycles).where(cycles.c.id == 1).values(height=104), "cycle 1"),
        (update(cycles).where(cycles.c.id == 1).values(ops=None), "cycle 1"),
        (update(cycles).where(cycles.c.id == 1).values(ops=b"\xf0\x01\x00"), "cycle 1"),
        (update(cycles).where(cycles.c.id == 1).values(count=0), "cycle 1"),
        (update(headers).where(headers.c.height == 7).values(hash=bytes(32)), "header 7"),
        (update(headers).where(headers.c.height == 7).values(raw=bytes(80)), "header 7"),
        (update(headers).where(headers.c.height == 7).values(chainwork=bytes(32)), "header 7"),
        (update(headers).where(headers.c.height == 7).values(height=900), "header 8"),
    ],
)
def test_a12_each_field_that_does_not_fit_is_found(home, statement, where):
    change(home, statement)
    assert ("A12", where) in codes(home)


def test_a12_a_path_that_does_not_pass_through_its_transaction_is_found(home):
    """The path of one anchor is given to another, in whose block it does not lead."""
    with lodestamp.open(home) as node, node._database.reading("testing") as connection:
        first, second = connection.execute(select(cycles).order_by(cycles.c.id)).all()
    change(home, update(cycles).where(cycles.c.id == 2).values(ops=first.ops))
    assert ("A12", "cycle 2") in codes(home)
    assert second.ops != first.ops


def test_a12_a_transaction_under_another_id_is_found(home):
    with lodestamp.open(home) as node, node._database.reading("testing") as connection:
        row = connection.execute(select(transactions)).first()
    raw = row.raw[:-1] + bytes((row.raw[-1] ^ 1,))
    for bad in (raw, b"no transaction"):
        change(home, update(transactions).where(transactions.c.txid == row.txid).values(raw=bad))
        assert any(where.endswith(row.txid[::-1].hex()) for _, where in codes(home))


def test_the_tables_of_reading_are_not_facts(home):
    """What is only a cursor can be lost without a finding."""
    change(home, blocks.delete(), side_headers.delete())
    assert codes(home) == set()
