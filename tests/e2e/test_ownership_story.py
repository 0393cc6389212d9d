"""A work's whole life, told by the command line, and held against the chain."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import time
from contextlib import closing
from xml.dom.minidom import parseString

import pytest

from homes import assert_clean
from lodestamp.core.ownership import State, dividends_owed_e8
from lodestamp.errors import StoreError
from lodestamp.node.chains import open_source
from lodestamp.node.scanner import SqlStore, owner_of
from ownership_homes import SHA1, Town
from written import RULES, follow


@pytest.fixture
def town(tmp_path, capsys):
    return Town(tmp_path, capsys)


@pytest.mark.slow
def test_a_work_is_published_registered_shared_tipped_and_its_dividends_paid(town):
    """R41, R43-R46, R48, R50, R51; what the tables say is what the blocks say."""
    ada, bo, cy = town.settle("ada", "bo", "cy")
    town("stamp", town.song)
    told = town.write("register", town.song, "--title", "A song", "--link-operation")
    assert told["judgement"]["valid"]
    assert [step["purpose"] for step in told["plan"]["steps"]][-1] == "primary"

    shown = town.own("show", SHA1, "--file", town.song)
    assert shown["registration"]["address"] == ada
    assert shown["registration"]["txid"] == told["txids"][-1]
    meta = shown["registration"]["meta"]
    assert (meta["title"], meta["name"], meta["type"]) == ("A song", "song.txt", "text/plain")
    stamped = json.loads((town.folder / "song.txt.proof.json").read_text("utf-8"))
    assert meta["uri"] == f"ipfs://{stamped['content']['cid']}"
    assert (shown["link"]["status"], shown["link"]["same_block"]) == ("established", True)
    assert "Qm" not in town("ownership", "show", SHA1)

    moved = town.own(
        "transfer", SHA1, "--to", bo, "--value", 40_000_000, "--price", 20_000,
        "--key-file", town.key("ada"), "--buyer-key-file", town.key("bo"), "--broadcast",
    )  # fmt: skip
    assert (moved["judgement"]["units"], moved["judgement"]["amount"]) == (40_000_000, 20_000)
    town.mine()
    town.write("tip", SHA1, "--amount", 30_001, by="cy")
    due = town.own("dividends", SHA1)["dividends"]
    assert due[bo] == str(30_001 * 40_000_000)
    paid = town.write("pay", SHA1, "--to", bo, "--owed")
    assert paid["judgement"]["amount"] == 12_000
    assert town.own("dividends", SHA1)["dividends"][bo] == "40000000"

    table = town.own("cap-table", SHA1, "--svg", town.folder / "table.svg")
    assert {row["address"]: row["amount"] for row in table["holders"]} == {
        ada: 60_000_000,
        bo: 40_000_000,
    }
    drawing = parseString((town.folder / "table.svg").read_text("utf-8"))  # noqa: S318  our own
    assert len(drawing.getElementsByTagName("rect")) == 3
    assert town.own("balance", bo)["balances"] == [{"sha1": SHA1, "amount": 40_000_000}]
    assert town.own("balance", cy)["balances"] == []
    assert_the_chain_says_so(town, table, town.own("dividends", SHA1)["dividends"])
    assert town.own("fsck")["findings"] == []
    assert_clean(town.home)


def assert_the_chain_says_so(town, table, due):
    """Judge every block of the simulator without scanner or store, and compare."""
    source = open_source("sim:", folder=town.home / "chain", warn=print)
    state = State(0)
    follow(source, state)
    source.close()
    holders = {owner_of(row["address"], source.network): row["amount"] for row in table["holders"]}
    assert state.holders(SHA1) == holders
    assert table["height"] == state.height
    store = SqlStore(f"sqlite:///{town.home}/ownership.db", create=False)
    found = dividends_owed_e8(
        store.find_registration(SHA1).registrant,
        store.find_transfers(SHA1),
        store.find_tips(SHA1),
        store.find_dividend_payments(SHA1),
    )
    assert store.rules() == RULES
    store.close()
    named = {owner_of(each, source.network): int(amount) for each, amount in due.items()}
    assert named == dict(found)
    assert sum(named.values()) == 0


@pytest.mark.slow
def test_what_a_reorganisation_takes_back_is_gone_until_it_is_mined_again(town):
    """R34, R35."""
    (ada,) = town.settle("ada")
    town.write("register", town.song)
    before = town.own("state-hash")
    town("bitcoin", "reorg", "--depth", 1, "--replace", 2)
    status = town.own("scan")
    assert (status["reorgs"], status["deepest_reorg"], status["assets"]) == (1, 1, 0)
    assert town.own("state-hash", before["height"])["state_hash"] != before["state_hash"]
    assert town.own("show", SHA1, code=2)["error"]["code"] == "work-unknown"
    assert town.own("balance", ada)["balances"] == []
    town.mine()  # what left the chain waits again
    assert town.own("show", SHA1)["registration"]["address"] == ada
    assert town.own("fsck")["findings"] == []


@pytest.mark.slow
def test_a_scan_that_follows_answers_meanwhile_and_ends_at_an_interrupt(town):
    """R32, D8: 130, and the store is whole; who asks does not wait."""
    town("bitcoin", "mine", 3)
    call = [sys.executable, "-m", "lodestamp", "--home", str(town.home), "ownership", "scan"]
    child = subprocess.Popen([*call, "--follow"], stderr=subprocess.PIPE, text=True)
    try:
        _until(lambda: _height(town) == 3)
        town("bitcoin", "mine", 2)
        _until(lambda: _height(town) == 5)
        town.own("scan", code=2)  # a second scanner is told that the first is at work
        child.send_signal(signal.SIGINT)
        _, said = child.communicate(timeout=30)
    finally:
        child.kill()
        child.wait()
    assert child.returncode == 130, said
    assert "Traceback" not in said
    assert town.own("scan")["height"] == 5
    town("ownership", "fsck")


def _height(town):
    try:
        with closing(SqlStore(f"sqlite:///{town.home}/ownership.db", create=False)) as store:
            tip = store.tip()
    except StoreError:
        return None
    return tip and tip.height


def _until(holds):
    ends = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < ends
        time.sleep(0.1)
