"""What people and programs are told of a scan, as of one block (R37, R38, R50)."""

from __future__ import annotations

import hashlib
from fractions import Fraction

import pytest

from lodestamp.core.bitcoin import REGTEST
from lodestamp.core.encoding import Cid, base58btc_encode
from lodestamp.core.ownership import ASSET_UNITS, Rules
from lodestamp.errors import HeightUnknown, OwnershipError, SourceStale, UsageError, WorkUnknown
from lodestamp.node.chains import MemoryChain
from lodestamp.node.scanner import (
    FileDigests,
    MemoryStore,
    StateEngine,
    View,
    answered,
    owner_of,
    percent,
)
from publishing import WORKS, Press, raw_chain

RULES = Rules.strict("regtest")
FILE = b"the bytes of the work"
DIGEST = hashlib.sha256(FILE).digest()


@pytest.fixture
def store():
    """Three blocks: a work registered, half of it sold, and tipped by the buyer."""
    press = Press()
    ipfs = base58btc_encode(b"\x12\x20" + DIGEST)
    raws = raw_chain(
        [
            press.register(0, 0, ipfs=ipfs, title="T"),
            press.transfer(0, 50_000_000, 0, [1, 0]),
            press.heart(0, [1], [(1_001, 0)]),
        ]
    )
    made = MemoryStore()
    StateEngine(MemoryChain(raws), made, RULES).scan_from()
    return made


def test_a_view_is_of_one_block(store):
    assert View.of(store).height == 3
    assert View.of(store, confirmations=3).height == 1
    assert View.of(store, at=2).place["block_hash"] == store.block(2).hash[::-1].hex()
    for at in (0, 4):
        with pytest.raises(HeightUnknown):
            View.of(store, at=at)
    with pytest.raises(HeightUnknown):
        View.of(store, confirmations=4)
    with pytest.raises(UsageError):
        View.of(store, confirmations=0)
    with pytest.raises(HeightUnknown):
        View.of(MemoryStore())


def test_tables_follow_the_height(store):
    assert [len(View.of(store, at=at).cap_table(WORKS[0])["holders"]) for at in (1, 2)] == [1, 2]
    assert View.of(store).cap_table(WORKS[0])["total"] == ASSET_UNITS
    shown = View.of(store).show(WORKS[0])
    assert (shown["confirmations"], len(shown["transfers"]), len(shown["tips"])) == (3, 1, 1)
    early = View.of(store, at=1).show(WORKS[0])
    assert (early["confirmations"], early["transfers"], early["tips"]) == (1, [], [])


def test_dividends_are_exact_text_and_add_up_to_nothing(store):
    found = View.of(store).dividends(WORKS[0])["dividends"]
    assert sorted(found.values()) == ["-50050000000", "50050000000"]
    assert all(isinstance(each, str) for each in found.values())
    with pytest.raises(UsageError):
        View.of(store).dividends(WORKS[0], "best")


def test_an_unknown_work_has_no_table_and_an_address_without_works_an_empty_one(store):
    view = View.of(store)
    for ask in (view.show, view.cap_table, view.tips, view.dividends):
        with pytest.raises(WorkUnknown):
            ask(WORKS[1])
    address = view.address(owner_of("mipcBbFg9gMiCh81Kj8tqqdgoZub1ZJRfn", REGTEST))
    assert view.balances(address)["balances"] == []


def test_r50_a_link_names_the_digest_as_a_raw_block_and_judges_a_file(store):
    raw = Cid(1, 0x55, 0x12, DIGEST)
    bare = View.of(store).show(WORKS[0])["link"]
    assert bare == {"raw_cid": str(raw)}
    file = FileDigests(WORKS[0], DIGEST, len(FILE), raw)
    found = View.of(store).show(WORKS[0], file)["link"]
    assert (found["status"], found["same_block"]) == ("established", True)
    other = FileDigests(WORKS[0], bytes(32), 1, raw)
    assert View.of(store).show(WORKS[0], other)["link"]["status"] == "refuted"


def test_a_halted_scan_answers_nothing_but_why(store):
    store.halt("broken")
    with pytest.raises(OwnershipError) as refused:
        View.of(store)
    assert refused.value.code == "halted"


def test_an_answer_whose_block_left_the_chain_is_asked_for_again(store):
    asked = []

    def ask(view):
        asked.append(view.height)
        if len(asked) == 1:
            store.invalidate_block(view.row.hash)
        return {"height": view.height}

    view, found = answered(store, ask, at=None, confirmations=1)
    assert (view.height, found, asked) == (2, {"height": 2}, [3, 2])


def test_a_chain_that_never_stands_still_gives_no_answer(store, monkeypatch):
    monkeypatch.setattr(View, "of", classmethod(lambda cls, *_, **__: cls(store, RULES, changing)))
    changing = store.tip()
    monkeypatch.setattr(store, "block", lambda _: None)
    with pytest.raises(SourceStale):
        answered(store, lambda _: {}, at=None, confirmations=1)


@pytest.mark.parametrize("amount", [0, 1, 12_500_000, 33_333_333, 99_999_999, ASSET_UNITS])
def test_percent_is_exact(amount):
    assert Fraction(percent(amount)) == Fraction(amount * 100, ASSET_UNITS)
