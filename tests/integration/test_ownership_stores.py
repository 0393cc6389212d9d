"""Three stores, one contract: R2, R14, R23, R33, R34, R36 and R38 as far as a store keeps them."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from dataclasses import replace

import pytest
from sqlalchemy import update

from lodestamp.core.bitcoin import TxOut
from lodestamp.core.ownership import BlockEffect, Owner, Rules, State, balances_hash
from lodestamp.errors import (
    ConservationBroken,
    HeightUnknown,
    LogCorrupt,
    RulesMismatch,
    ScannerBusy,
    StoreError,
    StoreOrderError,
    UsageError,
)
from lodestamp.node.scanner import BlockRow, Counts, Evidence, MemoryStore, Reorg, SqlStore
from lodestamp.node.scanner.stores import NOWHERE
from lodestamp.node.scanner.stores.tables import ASSET, JOURNAL
from ownership_chains import FedStore, ownership_vectors, replay, scenario
from postgres import postgres_server

pytestmark = pytest.mark.usefixtures("vectors")

RULES = Rules.strict("regtest")
SHA1 = "89902558c87312012b099b78c81391c33473bd58"
"""The work of the scenario `dividends-and-payments`."""
KINDS = ("memory", "sqlite", pytest.param("postgresql", marks=pytest.mark.engine))
ENGINES = KINDS[1:]


@pytest.fixture(scope="session")
def postgres():
    """A PostgreSQL server of these tests' own."""
    with postgres_server() as server:
        yield server


@pytest.fixture
def place(request, tmp_path):
    """The URL of an empty database of the kind under test; None for memory."""
    if request.param == "postgresql":
        return request.getfixturevalue("postgres").database()
    return f"sqlite:///{tmp_path}/own.db" if request.param == "sqlite" else None


@pytest.fixture
def store(place):
    """An empty store of the kind under test."""
    made = MemoryStore() if place is None else SqlStore(place)
    yield made
    made.close()


@pytest.fixture
def fed(store):
    """A store that followed the scenario with tips, payments and transfers."""
    made = FedStore(store, RULES)
    made.replay(scenario("dividends-and-payments"))
    return made


def raws(name):
    return [bytes.fromhex(event["raw"]) for event in scenario(name)]


def contents(store):
    """Everything a store answers."""
    owners = {owner for sha1 in store.works() for owner in store.holders(sha1)}
    return {
        "tip": store.tip(),
        "effects": [store.effect(h) for h in range(1, store.tip().height + 1)],
        "blocks": [store.block(h) for h in range(store.tip().height + 2)],
        "works": [(sha1, store.find_registration(sha1)) for sha1 in store.works()],
        "holders": {sha1: store.holders(sha1) for sha1 in store.works()},
        "held": {owner: store.held_by(owner) for owner in owners},
        "transfers": store.find_transfers(),
        "tips": store.find_tips(),
        "payments": store.find_dividend_payments(),
        "counts": store.counts(),
        "latest": store.latest(),
        "state": store.load_state(),
    }


@pytest.mark.parametrize("place", KINDS, indirect=True)
class TestEveryStore:
    """What holds for each of the three."""

    def test_it_answers_as_the_chain_it_was_fed_in_every_public_scenario(self, store):
        """R2: the store changes no bit. One scenario replaces the other by undoing (R36)."""
        for row in ownership_vectors("public")["scenarios"]:
            fed = FedStore(store, RULES)
            fed.replay(row["events"])
            chain = fed.chain
            assert store.load_state() == chain.state
            assert balances_hash(store.load_state()) == balances_hash(chain.state)
            assert store.tip().state_hash == chain.hashes[-1]
            for effect, state_hash in zip(chain.effects, chain.hashes[1:], strict=True):
                assert store.effect(effect.height) == effect
                assert store.block(effect.height).state_hash == state_hash
            for sha1 in chain.registrations:
                assert store.find_registration(sha1) == chain.registrations[sha1]
                assert store.holders(sha1) == chain.state.holders(sha1)
                assert store.find_transfers(sha1) == chain.transfers(sha1)
                assert store.find_tips(sha1) == chain.tips(sha1)
                assert store.find_dividend_payments(sha1) == chain.payments(sha1)
            while chain.effects:
                fed.disconnect()
            assert store.tip() is None
            assert store.counts() == Counts(0, 0, 0, 0)
            assert store.load_state() == State(0)

    def test_filters_are_anded_and_an_absent_one_does_not_restrict(self, fed):
        store, chain = fed.store, fed.chain
        transfer, tip, payment = (
            chain.transfers(SHA1)[0],
            chain.tips(SHA1)[0],
            chain.payments(SHA1)[0],
        )
        nobody = Owner(b"nobody")
        assert store.find_transfers() == chain.transfers(SHA1)
        assert len(chain.transfers(SHA1)) > 1
        seller = transfer.asset_owner
        sold = [each for each in chain.transfers(SHA1) if each.asset_owner == seller]
        assert 0 < len(sold) < len(chain.transfers(SHA1))
        assert store.find_transfers(asset_address=seller) == sold
        assert store.find_transfers(SHA1, seller) == sold
        assert store.find_transfers("x", seller) == store.find_transfers(SHA1, nobody) == []
        for find, each, every in (
            (store.find_tips, tip, chain.tips(SHA1)),
            (store.find_dividend_payments, payment, chain.payments(SHA1)),
        ):
            assert find() == find(SHA1) == every
            assert each in find(destination_address=each.destination)
            assert each in find(source_address=each.sources[0])
            assert each in find(SHA1, each.destination, each.sources[0])
            assert find("x", each.destination) == find(SHA1, nobody) == []
            assert find(SHA1, each.destination, nobody) == []
        assert store.find_registration("x") is None

    def test_what_is_found_comes_in_the_order_of_the_chain(self, fed):
        store = fed.store
        for found in (store.find_transfers(), store.find_tips(), store.find_dividend_payments()):
            places = [(each.height, each.tx_index) for each in found]
            assert places == sorted(places)
        assert store.latest() == fed.chain.ops[-1]

    def test_blocks_are_found_by_height_and_by_hash(self, fed):
        store = fed.store
        for height in range(1, store.tip().height + 1):
            row = store.block(height)
            assert row.height == height
            assert store.block_named(row.hash) == row
            assert row.work == 2 * height  # two hashes expected for each block of regtest
        assert store.block(0) is store.block(99) is store.block_named(bytes(32)) is None
        with pytest.raises(HeightUnknown):
            store.effect(99)

    def test_history_at_a_height_is_what_a_store_that_stopped_there_says(self, store):
        """R38: any table at a height, from the operations up to it."""
        fed = FedStore(store, RULES)
        fed.replay(scenario("transfer-chain-overdraft"))
        (sha1,) = fed.chain.registrations
        short = FedStore(MemoryStore(), RULES)
        assert store.holders(sha1, 0) == {}
        for raw in raws("transfer-chain-overdraft"):
            row, _ = short.connect(raw)
            now = short.chain.state.holders(sha1)
            assert store.holders(sha1, row.height) == now
            for owner in fed.chain.state.holders(sha1):
                assert store.balance(sha1, owner, row.height) == now.get(owner, 0)
                held = store.held_by(owner, row.height)
                assert held == ({sha1: now[owner]} if owner in now else {})
        after = [each for each in fed.chain.transfers(sha1) if each.height > 2]
        assert store.transfers_after(sha1, 2) == after

    def test_a_height_that_was_not_scanned_is_refused(self, fed):
        store = fed.store
        for at in (-1, store.tip().height + 1):
            for ask in (
                lambda at=at: store.holders(SHA1, at),
                lambda at=at: store.balance(SHA1, Owner(b""), at),
                lambda at=at: store.held_by(Owner(b""), at),
            ):
                with pytest.raises(HeightUnknown) as refused:
                    ask()
                assert refused.value.highest == store.tip().height

    def test_only_the_tip_can_be_undone(self, fed):
        store = fed.store
        before = contents(store)
        with pytest.raises(StoreOrderError):
            store.invalidate_block(store.block(1).hash)
        assert store.invalidate_block(bytes(32)) is False
        assert contents(store) == before

    def test_undoing_and_storing_again_gives_the_same_store(self, fed):
        """R34: undo is exact, and a balance of 0 leaves no row."""
        store, rows = fed.store, []
        before = contents(store)
        evidence = {op.txid: store.evidence(op.txid) for op in fed.chain.ops}
        while store.tip():
            rows.append((store.tip(), store.effect(store.tip().height)))
            store.invalidate_block(store.tip().hash)
        assert all(store.evidence(txid) is None for txid in evidence)
        for row, effect in reversed(rows):
            store.append_block(row, effect, tuple(e for e in evidence.values() if e))
        assert contents(store) == before

    def test_a_block_that_does_not_follow_is_refused(self, fed):
        store = fed.store
        tip = store.tip()
        before = contents(store)
        header = tip.header[:4] + tip.hash + tip.header[36:]
        good = BlockRow(tip.height + 1, bytes(32), header, tip.work + 2, bytes(32))
        effect = BlockEffect(tip.height + 1, bytes(32))
        for row, its in (
            (replace(good, height=tip.height), effect),
            (replace(good, height=tip.height + 2), effect),
            (replace(good, header=tip.header), effect),
            (good, replace(effect, height=1)),
            (good, replace(effect, block_hash=b"\x01" * 32)),
        ):
            with pytest.raises(StoreOrderError):
                store.append_block(row, its)
        assert contents(store) == before
        store.append_block(good, effect)
        assert store.tip() == good

    def test_the_first_block_is_the_one_the_rules_start_with(self, store):
        store.pin(Rules.strict("regtest", 5))
        row = BlockRow(1, bytes(32), bytes(80), 2, bytes(32))
        with pytest.raises(StoreOrderError):
            store.append_block(row, BlockEffect(1, bytes(32)))
        store.append_block(replace(row, height=5), BlockEffect(5, bytes(32)))
        assert store.holders("x", 4) == {}
        with pytest.raises(HeightUnknown):
            store.holders("x", 3)

    def test_evidence_gets_its_place_once_its_block_is_known(self, fed):
        """A parent that only the source knew may come into a block anew, and act there itself."""
        store, tip = fed.store, fed.store.tip()
        effect = store.effect(tip.height)
        nowhere = Evidence(b"\x07" * 32, NOWHERE, NOWHERE, b"raw")
        placed = Evidence(b"\x07" * 32, tip.height, 3, b"raw", (bytes(32),), ())
        store.complete_evidence(nowhere)
        store.invalidate_block(tip.hash)
        assert store.evidence(nowhere.txid) == nowhere
        with pytest.raises(KeyError), store.transaction():
            store.append_block(tip, effect, (placed,))
            assert store.evidence(placed.txid) == placed
            raise KeyError
        assert store.evidence(nowhere.txid) == nowhere
        store.append_block(tip, effect, (placed, replace(placed, txid=b"\x08" * 32)))
        assert store.evidence(placed.txid) == placed
        store.invalidate_block(tip.hash)
        store.append_block(tip, effect, (placed, nowhere))
        store.invalidate_block(tip.hash)
        store.append_block(tip, effect, (nowhere,))
        assert store.evidence(nowhere.txid) == nowhere

    def test_of_several_blocks_all_are_stored_or_none(self, fed):
        store, taken = fed.store, []
        before = contents(store)
        while store.tip() and len(taken) < 3:
            tip = store.tip()
            taken.insert(0, (tip, store.effect(tip.height), ()))
            store.invalidate_block(tip.hash)
        fewer = contents(store)
        for bad in ([*taken[:2], taken[1]], taken[1:], [taken[0], taken[2]]):
            with pytest.raises(StoreOrderError):
                store.append_blocks(bad)
            assert contents(store) == fewer
        store.append_blocks(taken)
        assert contents(store) == before

    def test_a_transaction_keeps_all_or_nothing(self, fed):
        store = fed.store
        before = contents(store)
        evidence = Evidence(b"\x07" * 32, 1, 1, b"raw")
        with pytest.raises(KeyError), store.transaction():
            row, effect = store.tip(), store.effect(store.tip().height)
            store.invalidate_block(row.hash)
            store.invalidate_block(store.tip().hash)
            store.halt("deep")
            store.add_reorg(Reorg(3, 2, bytes(32), bytes(32), 5))
            store.complete_evidence(evidence)
            assert store.tip().height == row.height - 2  # it sees what it wrote
            raise KeyError(effect)
        assert contents(store) == before
        assert store.halted() is None
        assert store.reorgs() == []
        assert store.evidence(evidence.txid) is None

    def test_what_fails_inside_a_transaction_leaves_the_rest_of_it(self, fed):
        store = fed.store
        with store.transaction():
            tip, effect = store.tip(), store.effect(store.tip().height)
            store.invalidate_block(tip.hash)
            with pytest.raises(StoreOrderError):
                store.append_block(replace(tip, height=9), effect)
            store.append_block(tip, effect)
        assert store.load_state() == fed.chain.state

    def test_operations_pushed_one_by_one_make_the_same_store(self, fed):
        """The original contract: push tells whether the txid was there (R2)."""
        store = fed.store
        before = contents(store)
        rows = [store.block(h) for h in range(1, store.tip().height + 1)]
        effects = [store.effect(row.height) for row in rows]
        while store.tip():
            store.invalidate_block(store.tip().hash)
        for row, effect in zip(rows, effects, strict=True):
            store.append_block(row, BlockEffect(row.height, row.hash, rejected=effect.rejected))
            for exists in (False, True):
                assert {store.push_op(op) for op in effect.ops} <= {exists}
                assert {store.push_tip(tip) for tip in effect.tips} <= {exists}
                pushed = {store.push_dividend_payment(each) for each in effect.payments}
                assert pushed <= {exists}
        assert contents(store) == before
        with pytest.raises(StoreOrderError):
            store.push_op(effects[1].ops[0])

    def test_a_transfer_that_its_seller_cannot_make_breaks_conservation(self, fed):
        """R14: whatever the judge said, the table adds up or nothing is kept."""
        store = fed.store
        tip, transfer = store.tip(), fed.chain.transfers(SHA1)[-1]
        before = contents(store)
        held = store.balance(SHA1, transfer.asset_owner)
        for value in (held, held + 1, 0, -5):
            forged = replace(
                transfer,
                txid=b"\x01" * 32,
                height=tip.height,
                block_hash=tip.hash,
                asset_value=value,
            )
            with pytest.raises(ConservationBroken):
                store.push_op(forged)
        assert contents(store) == before

    def test_evidence_is_kept_and_can_be_completed(self, fed):
        store = fed.store
        op = fed.chain.ops[-1]
        kept = store.evidence(op.txid)
        assert kept.branch
        assert kept.prevouts is None
        assert kept.raw == fed.chain.txs[op.txid].encode()
        whole = replace(kept, branch=(), prevouts=(TxOut(5, b"\x51"), TxOut(0, b"")))
        store.complete_evidence(whole)
        assert store.evidence(op.txid) == whole
        assert store.evidence(bytes(32)) is None

    def test_rules_are_pinned_once(self, store):
        """R23: a store has one set of rules; another store of rules, or network, is refused."""
        assert store.rules() is None
        with pytest.raises(UsageError):
            store.append_block(
                BlockRow(1, bytes(32), bytes(80), 2, bytes(32)), BlockEffect(1, bytes(32))
            )
        with pytest.raises(UsageError):
            store.load_state()
        store.pin(RULES)
        store.pin(RULES)
        assert store.rules() == RULES
        for other in (
            Rules.peer_compat("regtest"),
            Rules.strict("signet"),
            Rules.strict("regtest", 2),
        ):
            with pytest.raises(RulesMismatch):
                store.pin(other)
        assert store.rules() == RULES

    def test_rules_pinned_by_what_was_dropped_are_not_pinned(self, store):
        with pytest.raises(KeyError), store.transaction():
            store.pin(RULES)
            assert store.rules() == RULES
            raise KeyError
        assert store.rules() is None
        store.pin(Rules.strict("signet"))

    def test_one_scanner_at_a_time(self, store):
        """R33, within one process."""
        with store.writing():
            with pytest.raises(ScannerBusy), store.writing():
                pytest.fail("two scanners")
            store.pin(RULES)
            store.renew()
        with store.writing():
            assert store.rules() == RULES

    def test_why_it_halted_and_how_the_chain_changed_are_kept(self, store):
        assert store.halted() is None
        store.halt("a reorganisation of 101 blocks")
        store.halt("a reorganisation of 102 blocks")
        assert store.halted() == "a reorganisation of 102 blocks"
        store.halt(None)
        assert store.halted() is None
        seen = [Reorg(3, n, bytes([n]) * 32, bytes(32), 1_790_000_000_000 + n) for n in (1, 2)]
        for each in seen:
            store.add_reorg(each)
        assert store.reorgs() == seen


@pytest.mark.parametrize("place", ENGINES, indirect=True)
class TestEveryDatabase:
    """What holds for a store that outlives its process."""

    def test_it_is_the_same_when_opened_again(self, fed, place):
        before = contents(fed.store)
        fed.store.close()
        again = SqlStore(place, create=False)
        assert contents(again) == before
        assert again.rules() == RULES
        again.close()

    def test_a_second_scanner_is_refused_and_readers_are_not(self, fed, place):
        """R33, between processes: here, two stores on one database."""
        other = SqlStore(place)
        before = contents(other)
        with fed.store.writing():
            with pytest.raises(ScannerBusy), other.writing():
                pytest.fail("two scanners")
            with pytest.raises(ScannerBusy):
                other.halt("no")
            with fed.store.transaction():
                fed.store.invalidate_block(fed.store.tip().hash)
                assert contents(other) == before
            assert other.tip() == fed.store.tip()
        with other.writing():
            other.renew()
        other.close()

    def test_a_killed_scanner_gives_way_at_once(self, place, store):
        """R33: a kill -9 leaves neither lock nor lease that matters."""
        script = (
            "import sys\nfrom lodestamp.node.scanner import SqlStore\n"
            "with SqlStore(sys.argv[1]).writing():\n    print('held', flush=True)\n"
            "    sys.stdin.read()\n"
        )
        command = [sys.executable, "-c", script, place]
        with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as holder:
            assert holder.stdout.readline() == b"held\n"
            with pytest.raises(ScannerBusy), store.writing():
                pytest.fail("two scanners")
            os.kill(holder.pid, signal.SIGKILL)
            holder.wait()
        deadline = time.monotonic() + 20
        while store.rules() is None:
            try:
                with store.writing():
                    store.pin(RULES)
            except ScannerBusy:  # the server notices the end of a connection, but not at once
                assert time.monotonic() < deadline
                time.sleep(0.05)

    def test_a_store_that_is_absent_is_not_made_by_a_reader(self, place):
        with pytest.raises(StoreError) as refused:
            SqlStore(place, create=False)
        assert refused.value.code == "no-store"

    def test_a_store_of_another_version_is_refused(self, store, place):
        with store._access.writing("aging") as connection:
            connection.exec_driver_sql("UPDATE own_meta SET value = '9' WHERE key = 'schema'")
        with pytest.raises(StoreError) as refused:
            SqlStore(place)
        assert refused.value.code == "schema-unknown"

    def test_damaged_rows_are_reported_as_damage(self, fed):
        store = fed.store
        with store._access.writing("damaging") as connection:
            connection.exec_driver_sql("UPDATE own_balance SET amount = amount + 1")
        with pytest.raises(ConservationBroken):
            store.load_state()
        with store._access.writing("damaging") as connection:
            connection.execute(update(ASSET).values(text_z=b""))
            connection.execute(update(JOURNAL).values(effect=b""))
        with pytest.raises(LogCorrupt):
            store.find_registration(SHA1)
        with pytest.raises(LogCorrupt):
            store.invalidate_block(store.tip().hash)

    def test_the_tables_are_those_of_the_spec(self, store):
        from sqlalchemy import inspect

        with store._access.reading("looking") as connection:
            found = inspect(connection)
            tables = {
                name: [column["name"] for column in found.get_columns(name)]
                for name in found.get_table_names()
            }
        assert tables == json.loads(TABLES)


TABLES = """{
"own_meta": ["key", "value"],
"own_block": ["height", "hash", "header", "work", "state_hash"],
"own_asset": ["asset", "registrant", "txid", "height", "tx_index", "text_z", "sha256"],
"own_op": ["txid", "height", "tx_index", "kind", "asset", "from_owner", "to_owner", "value", "sat",
           "ttl"],
"own_tip": ["txid", "height", "tx_index", "asset", "destination", "amount"],
"own_payment": ["txid", "height", "tx_index", "asset", "destination", "amount"],
"own_source": ["kind", "txid", "pos", "owner"],
"own_balance": ["asset", "owner", "amount"],
"own_journal": ["height", "effect"],
"own_evidence": ["txid", "height", "tx_index", "raw", "branch", "prevouts"],
"own_reorg": ["id", "fork_height", "depth", "old_tip", "new_tip", "seen_at"]
}"""


class TestSqlite:
    """What is particular to the file."""

    def test_a_lease_runs_out_after_thirty_seconds_and_the_old_scanner_notices(self, tmp_path):
        """R33: a scanner on another machine is known only by its lease."""
        url, now = f"sqlite:///{tmp_path}/own.db", [1_790_000_000_000]
        first, second = (SqlStore(url, clock=lambda: now[0]) for _ in range(2))
        with first.writing():
            for marks in (tmp_path / "own.db.scanners").iterdir():
                marks.unlink()  # as if it ran elsewhere
            now[0] += 29_000
            with pytest.raises(ScannerBusy), second.writing():
                pytest.fail("too early")
            first.renew()
            now[0] += 29_000
            with pytest.raises(ScannerBusy), second.writing():
                pytest.fail("it was renewed")
            now[0] += 2_000
            with second.writing():
                with pytest.raises(ScannerBusy):
                    first.pin(RULES)
                second.pin(RULES)
        first.close()
        second.close()

    def test_the_file_is_for_its_owner_only(self, tmp_path):
        SqlStore(f"sqlite:///{tmp_path}/own.db").close()
        assert (tmp_path / "own.db").stat().st_mode & 0o777 == 0o600

    @pytest.mark.parametrize(
        "url", ["", "own.db", "sqlite://", "mysql://a/b", "postgresql://a/b", "sqlite+x:///a"]
    )
    def test_another_url_is_refused(self, url):
        with pytest.raises(UsageError):
            SqlStore(url)

    def test_a_file_that_is_no_database_is_refused(self, tmp_path):
        (tmp_path / "own.db").write_bytes(b"no database at all, but long enough " * 30)
        with pytest.raises(StoreError):
            SqlStore(f"sqlite:///{tmp_path}/own.db")

    def test_a_damaged_lease_is_damage(self, tmp_path):
        store = SqlStore(f"sqlite:///{tmp_path}/own.db")
        for value in ("x", '{"holder":1,"until":2}', '{"holder":"a"}'):
            with store._access.preparing() as connection:
                connection.exec_driver_sql("DELETE FROM own_meta WHERE key = 'lease'")
                connection.exec_driver_sql("INSERT INTO own_meta VALUES ('lease', ?)", (value,))
            with pytest.raises(LogCorrupt), store.writing():
                pytest.fail("a damaged lease")
        store.close()


@pytest.mark.engine
class TestPostgres:
    """What is particular to the server."""

    def test_a_lost_connection_is_a_lost_lock(self, postgres):
        """R33: what the scanner writes next fails; nothing is kept under a lock that is gone."""
        store = SqlStore(postgres.database())
        store.pin(RULES)
        with store.writing():
            with postgres.connect() as connection:
                connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                    " WHERE pid <> pg_backend_pid() AND datname LIKE 'own%'"
                )
            with pytest.raises(StoreError):
                store.renew()
            for _ in range(2):
                with pytest.raises(ScannerBusy):
                    store.halt("no")
        assert store.halted() is None
        store.close()

    def test_a_server_that_is_away_is_a_failure_of_the_store(self, tmp_path):
        with pytest.raises(StoreError):
            SqlStore(f"postgresql+psycopg://u:secret@/x?host={tmp_path}")


def test_the_three_stores_hold_what_a_driven_chain_holds():
    """The memory store is no copy of the driver: both follow the same effects."""
    chain = replay(scenario("two-assets"), RULES)
    fed = FedStore(MemoryStore(), RULES)
    fed.replay(scenario("two-assets"))
    assert fed.store.load_state() == chain.state
