"""The scanner over chains in memory and in files: one chain, one state, however it is read."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
from dataclasses import replace

import pytest

from blk_writer import record, write_files
from conftest import REPOSITORY
from lodestamp.core.bitcoin import REGTEST, BlockHeader
from lodestamp.core.ownership import Rules, balances_hash, verify_ownership_proof
from lodestamp.errors import (
    BlockMalformed,
    ChainAuthError,
    ChainNotFound,
    ChainRpcError,
    ChainUnavailable,
    ChainWarmup,
    HeightUnknown,
    OwnershipError,
    ReorgTooDeep,
    RulesMismatch,
    ScannerBusy,
    SourceIncomplete,
    SourceStale,
    StoreOrderError,
    UsageError,
    WorkUnknown,
)
from lodestamp.node.chains import MemoryChain, open_source
from lodestamp.node.scanner import (
    Callbacks,
    ListedHashes,
    MemoryStore,
    SqlStore,
    StateEngine,
    VerifyMerkle,
    scanning,
)
from lodestamp.node.scanner.stores import NOWHERE
from ownership_chains import ownership_vectors
from publishing import PEOPLE, WORKS, Press, raw_block, raw_chain
from scans import busy_blocks, headed

RULES = Rules.strict("regtest")
HASHES = {row["name"]: row for row in ownership_vectors("state_hash")["scenarios"]}
SCENARIOS = {row["name"]: row for row in ownership_vectors("public")["scenarios"]}


@pytest.fixture(params=["memory", "sqlite"])
def store(request, tmp_path):
    """A store that is new."""
    made = MemoryStore() if request.param == "memory" else SqlStore(f"sqlite:///{tmp_path}/own.db")
    yield made
    made.close()


def hash_of_all(engine):
    """Everything that two scans must agree on."""
    status = engine.status()
    return status.height, status.state_hash, status.block_hash


def statuses(verdict):
    """How each leg ended."""
    return {leg.name: leg.status.value for leg in verdict.verdict.legs}


def scanned(raws, store=None, **options):
    """An engine that has read a chain in memory to its end."""
    engine = StateEngine(MemoryChain(raws), store or MemoryStore(), RULES, **options)
    engine.scan_from()
    return engine


class TestOneHash:
    @pytest.mark.parametrize("name", sorted(HASHES))
    def test_every_public_chain_has_the_hashes_of_the_vectors_block_by_block(self, name, store):
        chain = MemoryChain()
        engine = StateEngine(chain, store, RULES)
        for event in SCENARIOS[name]["events"]:
            chain.give(bytes.fromhex(event["raw"]))
            engine.scan_from()
        for row in HASHES[name]["blocks"]:
            assert engine.state_hash(row["height"]).hex() == row["state_hash"]
        assert balances_hash(store.load_state()).hex() == HASHES[name]["balances_hash"]

    @pytest.mark.parametrize("verify", VerifyMerkle)
    def test_bulk_is_as_block_by_block(self, store, verify, monkeypatch):
        raws = busy_blocks(60)
        single = StateEngine(MemoryChain(raws), MemoryStore(), RULES)
        for height in range(1, len(raws) + 1):
            single.scan_from(to_block_height=height)
        monkeypatch.setattr(scanning, "BULK_BLOCKS_MAX", 7)
        assert hash_of_all(scanned(raws, store, verify=verify)) == hash_of_all(single)
        assert single.status().ops > 10
        assert single.check_conservation() == len(WORKS)

    def test_files_give_the_same_as_memory(self, store, tmp_path):
        raws = busy_blocks(40, seed=2)
        write_files(tmp_path / "blocks", [[record(raw) for raw in reversed(raws)]])
        source = open_source(f"blk://{tmp_path}/blocks?network=regtest")
        engine = StateEngine(source, store, RULES)
        engine.scan_from()
        source.close()
        assert hash_of_all(engine) == hash_of_all(scanned(raws))

    def test_callbacks_change_nothing(self):
        raws = busy_blocks(20, seed=3)
        told = []
        engine = StateEngine(MemoryChain(raws), MemoryStore(), RULES)
        engine.scan_from(callbacks=Callbacks(on_tx=told.append))
        assert hash_of_all(engine) == hash_of_all(scanned(raws))
        assert len(told) == len(raws)

    def test_both_ends_are_inclusive_and_a_scan_goes_on_where_it_stopped(self, store):
        raws = busy_blocks(12)
        engine = StateEngine(MemoryChain(raws), store, RULES)
        assert engine.scan_from(1, to_block_height=5).height == 5
        assert engine.scan_from(to_block_height=5).height == 5
        assert engine.scan_from(block_id=headed(raws[:6])).height == 12
        assert hash_of_all(engine) == hash_of_all(scanned(raws))

    def test_a_start_that_leaves_blocks_out_is_refused(self, store):
        engine = StateEngine(MemoryChain(busy_blocks(5)), store, RULES)
        for height in (0, 2):
            with pytest.raises(StoreOrderError):
                engine.scan_from(height)
        with pytest.raises(UsageError):
            engine.scan_from(1, headed(busy_blocks(3)))


class TestReorganisations:
    def test_a_heavier_branch_replaces_what_left_the_chain(self, store):
        """R34, R35: undone newest first, in one step with the new tip's connection."""
        raws = busy_blocks(20)
        engine = scanned(raws, store)
        branch = busy_blocks(9, seed=9, previous=headed(raws[:14]), height=15)
        chain, told = engine._source, []
        for raw in branch:
            chain.give(raw)
        status = engine.scan_from(callbacks=Callbacks(on_reorg=told.append))
        assert hash_of_all(engine) == hash_of_all(scanned([*raws[:14], *branch]))
        assert (status.reorgs, status.deepest_reorg) == (1, 6)
        assert [(each.fork_height, each.depth) for each in told] == [(14, 6)]
        assert (told[0].old_tip, told[0].new_tip) == (headed(raws), headed(branch))

    def test_a_reorganisation_to_the_first_block_is_one_too(self, store):
        engine = scanned(busy_blocks(4), store)
        branch = busy_blocks(6, seed=5)
        for raw in branch:
            engine._source.give(raw)
        engine.scan_from()
        assert hash_of_all(engine) == hash_of_all(scanned(branch))

    @pytest.mark.parametrize("seed", range(6))
    def test_any_history_of_branches_ends_as_a_fresh_scan(self, seed, store):
        chain, raws = MemoryChain(), []
        engine = StateEngine(chain, store, RULES, depth_max=20)
        for step in range(6):
            keep = max(0, len(raws) - (seed * 7 + step * 5) % 9)
            previous = headed(raws[:keep]) if keep else REGTEST.genesis.hash
            more = busy_blocks(10, seed * 100 + step, previous=previous, height=keep + 1)
            raws = raws[:keep] + more
            for raw in more:
                chain.give(raw)
            engine.scan_from()
        assert hash_of_all(engine) == hash_of_all(scanned(raws))
        assert engine.check_conservation() == len(store.works())

    def test_one_that_is_too_deep_is_refused_loudly_until_told_otherwise(self, store):
        """R35, R36: 101 blocks; nothing is undone, and every later scan says why."""
        raws = [raw_block([], REGTEST.genesis.hash, 1)]
        for height in range(2, 103):
            raws.append(raw_block([], headed(raws), height))
        engine = scanned(raws, store)
        before = hash_of_all(engine)
        branch = raws[:1]
        for height in range(2, 105):
            branch.append(raw_block([], headed(branch), 1_000 + height))
        for raw in branch[1:]:
            engine._source.give(raw)
        with pytest.raises(ReorgTooDeep) as refused:
            engine.scan_from()
        assert "--reindex-from 2" in refused.value.hint
        assert hash_of_all(engine) == before
        assert "101 blocks deep" in engine.status().halted
        with pytest.raises(OwnershipError) as halted:
            engine.scan_from()
        assert halted.value.code == "halted"
        engine.reindex_from(2)
        engine.scan_from()
        assert hash_of_all(engine) == hash_of_all(scanned(branch))

    def test_a_source_that_only_lost_blocks_is_stale(self, store):
        raws = busy_blocks(10)
        engine = scanned(raws, store)
        engine._source.invalidate(headed(raws[:8]))
        with pytest.raises(SourceStale):
            engine.scan_from()
        assert engine.status().height == 10

    def test_reindexing_gives_the_same_hashes(self, store):
        raws = busy_blocks(15)
        engine = scanned(raws, store)
        before = hash_of_all(engine)
        assert engine.reindex_from(6).height == 5
        engine.scan_from()
        assert hash_of_all(engine) == before
        with pytest.raises(UsageError):
            engine.reindex_from(0)
        with pytest.raises(HeightUnknown):
            engine.reindex_from(17)


class TestHostileSources:
    def test_a_missing_parent_stops_and_is_never_a_verdict(self, store):
        """C6: what was judged before it stays, and the scan goes on once the parent can be had."""
        press = Press()
        parts = press.register(0, 0, title=bytes(range(200)).hex())
        assert len(parts) > 1
        raws = raw_chain([press.register(1, 1), [parts[-1]]])
        engine = StateEngine(MemoryChain(raws), store, RULES)
        with pytest.raises(SourceIncomplete) as refused:
            engine.scan_from()
        assert refused.value.txid == parts[-2].txid
        assert engine.status().height == 1
        whole = raw_chain([press.register(1, 2), parts])
        assert scanned(whole).status().assets == 2

    def test_parents_in_earlier_blocks_are_found(self, store):
        press = Press()
        parts = press.register(0, 0, title=bytes(range(250)).hex())
        raws = raw_chain([[part] for part in parts])
        engine = scanned(raws, store)
        assert engine.status().assets == 1
        kept = [store.evidence(part.txid) for part in parts]
        assert [each.height for each in kept] == list(range(1, len(parts) + 1))
        assert all(each.raw == part.encode() for each, part in zip(kept, parts, strict=True))

    def test_a_source_without_an_index_is_asked_for_the_blocks_of_a_day(self, store, monkeypatch):
        """After a restart nothing recent is held; the blocks before are fetched (R30)."""
        press = Press()
        parts = press.register(0, 0, title=bytes(range(200)).hex())
        raws = raw_chain([parts[:-1], [], [parts[-1]]])
        scanned(raws[:2], store)
        chain = MemoryChain(raws)

        def absent(txid, **_):
            raise ChainNotFound(txid.hex())

        monkeypatch.setattr(chain, "transaction", absent)
        engine = StateEngine(chain, store, RULES)
        engine.scan_from()
        assert engine.status().assets == 1

    @pytest.mark.parametrize("verify", ["hits", "all"])
    def test_transactions_that_are_not_the_headers_are_refused(self, store, verify):
        raws = busy_blocks(6)
        press = Press()
        good = raw_chain([press.register(0, 0)])[0]
        bad = raw_chain([press.register(1, 1)])[0]
        forged = good[:80] + bad[80:]
        chain = _Given([forged])
        engine = StateEngine(chain, store, RULES, verify=VerifyMerkle(verify))
        with pytest.raises(BlockMalformed) as refused:
            engine.scan_from()
        assert refused.value.reason == "merkle-root"
        assert engine.status().height is None
        assert scanned(raws, verify=VerifyMerkle(verify)).status().height == 6

    def test_only_all_catches_what_a_source_leaves_out(self):
        good = raw_chain([Press().register(0, 0)])[0]
        emptied = good[:80] + raw_block([], REGTEST.genesis.hash, 1)[80:]
        hits = StateEngine(_Given([emptied]), MemoryStore(), RULES)
        assert hits.scan_from().assets == 0
        every = StateEngine(_Given([emptied]), MemoryStore(), RULES, verify=VerifyMerkle.ALL)
        with pytest.raises(BlockMalformed):
            every.scan_from()

    def test_work_below_the_networks_least_is_refused(self, store):
        raws = busy_blocks(2)
        header = BlockHeader.decode(raws[0][:80])
        easy = replace(header, bits=0x2100FFFF).encode() + raws[0][80:]
        engine = StateEngine(_Given([easy]), store, RULES)
        with pytest.raises(BlockMalformed) as refused:
            engine.scan_from()
        assert refused.value.reason == "proof-of-work"

    def test_the_first_block_must_follow_the_networks_own(self, store):
        strange = raw_block([], bytes(31) + b"\x01", 1)
        with pytest.raises(BlockMalformed) as refused:
            StateEngine(_Given([strange]), store, RULES).scan_from()
        assert refused.value.reason == "link"

    def test_a_chain_that_moves_while_it_is_read_is_read_again(self, store):
        raws = busy_blocks(12)
        branch = busy_blocks(12, seed=4, previous=headed(raws[:6]), height=7)
        chain = _Moving(raws, branch)
        engine = StateEngine(chain, store, RULES)
        engine.scan_from()
        assert hash_of_all(engine) == hash_of_all(scanned([*raws[:6], *branch]))


class _Given(MemoryChain):
    """A source that gives these bytes for its blocks, whatever their headers say."""

    def __init__(self, raws):
        super().__init__([])
        self._given = raws
        self._hashes = [BlockHeader.decode(raw[:80]).hash for raw in raws]

    def tip(self):
        return replace(super().tip(), height=len(self._given), hash=self._hashes[-1])

    def block_hash(self, height):
        return self._hashes[height - 1] if 0 < height <= len(self._hashes) else None

    def raw_blocks(self, start, stop):
        for height in range(start, min(stop, len(self._given) + 1)):
            yield (
                replace(self.tip(), height=height, hash=self._hashes[height - 1]),
                self._given[height - 1],
            )


class _Moving(MemoryChain):
    """A chain whose best branch changes while its blocks are being read."""

    def __init__(self, raws, branch):
        super().__init__(raws)
        self._branch = branch

    def raw_blocks(self, start, stop):
        for each in super().raw_blocks(start, stop):
            yield each
            if each[0].height == 9:
                for raw in self._branch:
                    self.give(raw)


class _Away(MemoryChain):
    """A chain that fails, once for each error it is given, when its tip is asked for."""

    def __init__(self, raws, errors):
        super().__init__(raws)
        self._errors = list(errors)

    def tip(self):
        if self._errors:
            raise self._errors.pop(0)
        return super().tip()


class _Refusing(MemoryChain):
    """A chain that cannot give its blocks, as when they changed while they were fetched ahead."""

    def __init__(self, raws, branch=()):
        super().__init__(raws)
        self._branch = list(branch)
        self.asked = 0

    def raw_blocks(self, start, stop):
        self.asked += 1
        yield from super().raw_blocks(start, min(stop, start + 3))
        for raw in self._branch:
            self.give(raw)
        self._branch = []
        raise ChainRpcError(0, "the blocks do not link")


class _Flipping(_Refusing):
    """A chain with another tip each time it is asked."""

    def raw_blocks(self, start, stop):
        del start, stop
        self.asked += 1
        raise ChainRpcError(0, "the blocks do not link")

    def block_hash(self, height):
        return bytes(32) if height == 8 else super().block_hash(height)


class TestSourcesThatFail:
    def test_a_source_that_is_followed_is_asked_again_until_it_answers(self, store, monkeypatch):
        """A node that starts anew, or catches up, does not end a scan that follows it."""
        monkeypatch.setattr(scanning, "_WAITS_S", (0.0, 0.01))
        monkeypatch.setattr(scanning, "RETRY_S_MAX", 0.02)
        monkeypatch.setattr(scanning, "POLL_S", 0.01)
        errors = [
            ChainUnavailable("away"),
            ChainWarmup("loading"),
            ChainAuthError("no cookie"),
            ChainRpcError(-1, "busy"),
            SourceStale("behind"),
        ]
        told = []
        engine = StateEngine(_Away(busy_blocks(4), errors), store, RULES)

        def stop(row):
            if row.height == 4:
                engine.stop()

        calls = Callbacks(on_block=stop, on_retry=lambda error, wait: told.append((error, wait)))
        assert engine.scan_from(callbacks=calls, follow=True).height == 4
        assert [error for error, _ in told] == errors
        assert [wait for _, wait in told] == [0.0, 0.01, 0.02, 0.02, 0.02]

    def test_a_source_that_is_not_followed_fails_at_once(self, store):
        engine = StateEngine(_Away(busy_blocks(4), [ChainWarmup("loading")]), store, RULES)
        with pytest.raises(ChainWarmup):
            engine.scan_from()
        assert engine.scan_from().height == 4

    def test_what_no_waiting_helps_ends_a_scan_that_follows_too(self, store):
        press = Press()
        parts = press.register(0, 0, title=bytes(range(200)).hex())
        engine = StateEngine(MemoryChain(raw_chain([[parts[-1]]])), store, RULES)
        with pytest.raises(SourceIncomplete):
            engine.scan_from(follow=True)

    def test_a_chain_that_changed_above_what_is_stored_is_read_again(self, store):
        raws = busy_blocks(8)
        branch = busy_blocks(6, seed=4, previous=headed(raws[:5]), height=6)
        engine = StateEngine(_Refusing(raws, branch), store, RULES)
        with pytest.raises(ChainRpcError):  # at last the chain stands, and still refuses
            engine.scan_from()
        assert engine.status().height == 6
        assert engine.state_hash(5) == scanned(raws[:5]).state_hash()
        assert engine.state_hash(6) == scanned([*raws[:5], branch[0]]).state_hash()

    def test_a_source_that_flips_between_tips_is_given_up(self, store):
        chain = _Flipping(busy_blocks(8))
        with pytest.raises(ChainRpcError):
            StateEngine(chain, store, RULES).scan_from()
        assert chain.asked < 20

    def test_a_fork_is_found_in_a_few_questions_however_deep_it_is(self, store, monkeypatch):
        raws = busy_blocks(3)
        for height in range(4, 600):
            raws.append(raw_block([], headed(raws), height))
        engine = scanned(raws, store)
        chain = engine._source
        branch = raws[:3]
        for height in range(4, 602):
            branch.append(raw_block([], headed(branch), 5_000 + height))
            chain.give(branch[-1])
        asked = []
        answer = chain.block_hash
        monkeypatch.setattr(chain, "block_hash", lambda h: asked.append(h) or answer(h))
        with pytest.raises(ReorgTooDeep) as refused:
            engine.scan_from()
        assert "--reindex-from 4" in refused.value.hint
        assert len(asked) < 30


class TestLife:
    def test_callbacks_come_after_the_commit_in_their_order(self, tmp_path):
        press = Press()
        raws = raw_chain(
            [press.register(0, 0), [*press.heart(0, [1], [(500, 0)]), *press.register(1, 1)]]
        )
        store, said = SqlStore(f"sqlite:///{tmp_path}/own.db"), []
        reader = SqlStore(f"sqlite:///{tmp_path}/own.db")

        def say(kind):
            return lambda each: said.append((kind, each, reader.tip().height))

        calls = Callbacks(*(say(kind) for kind in ("block", "tx", "tip", "payment", "operation")))
        StateEngine(MemoryChain(raws), store, RULES).scan_from(callbacks=calls)
        assert [(kind, height) for kind, _, height in said] == [
            ("block", 1), ("tx", 1), ("operation", 1),
            ("block", 2), ("tx", 2), ("tip", 2), ("operation", 2),
        ]  # fmt: skip
        store.close()
        reader.close()

    def test_what_a_callback_raises_ends_the_scan_and_the_block_stays(self, store):
        class EnoughError(Exception):
            pass

        def refuse(_):
            raise EnoughError

        raws = busy_blocks(3)
        engine = StateEngine(MemoryChain(raws), store, RULES)
        with pytest.raises(EnoughError):
            engine.scan_from(callbacks=Callbacks(on_block=refuse))
        assert engine.status().height == 1
        engine.scan_from()
        assert hash_of_all(engine) == hash_of_all(scanned(raws))

    def test_a_second_scanner_is_told_that_the_first_is_at_work(self, tmp_path):
        url = f"sqlite:///{tmp_path}/own.db"
        first, second = SqlStore(url), SqlStore(url)
        raws, busy = busy_blocks(3), []

        def try_too(_):
            with pytest.raises(ScannerBusy):
                StateEngine(MemoryChain(raws), second, RULES).scan_from()
            busy.append(StateEngine(None, second, RULES).status().height)

        StateEngine(MemoryChain(raws), first, RULES).scan_from(
            callbacks=Callbacks(on_block=try_too)
        )
        assert busy == [1, 2, 3]
        first.close()
        second.close()

    def test_following_takes_in_what_comes_and_stops_when_told(self, store, monkeypatch):
        monkeypatch.setattr(scanning, "POLL_S", 0.01)
        raws = busy_blocks(8)
        chain = MemoryChain(raws[:4])
        engine = StateEngine(chain, store, RULES)

        def go_on(row):
            if row.height == 4:
                for raw in raws[4:]:
                    chain.give(raw)
            elif row.height == 8:
                engine.stop()

        ended = threading.Thread(
            target=engine.scan_from,
            kwargs={"follow": True, "callbacks": Callbacks(on_block=go_on)},
        )
        ended.start()
        ended.join(30)
        assert not ended.is_alive()
        assert hash_of_all(engine) == hash_of_all(scanned(raws))

    def test_other_rules_and_other_networks_are_refused(self, store):
        scanned(busy_blocks(2), store)
        with pytest.raises(RulesMismatch):
            StateEngine(None, store, Rules.peer_compat("regtest"))
        with pytest.raises(UsageError):
            StateEngine(MemoryChain(), MemoryStore(), Rules.strict("main"))

    def test_progress_tells_rates_and_what_is_left(self):
        told = []
        engine = StateEngine(MemoryChain(busy_blocks(30)), MemoryStore(), RULES)
        engine.scan_from(callbacks=Callbacks(on_progress=told.append))
        assert told[-1].height == told[-1].source_height == 30
        assert (told[-1].lag, told[-1].eta_s) == (0, 0.0)
        assert told[-1].blocks_per_s > 0
        assert told[-1].mb_per_s > 0

    @pytest.mark.slow
    def test_killed_at_100_random_instants_it_ends_as_if_it_had_not_been(self, tmp_path):
        """R32: state, journal, evidence and tip move together."""
        program = REPOSITORY / "tests" / "integration" / "scan_killer.py"
        done = subprocess.run(
            [sys.executable, program, str(tmp_path)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        found = json.loads(done.stdout)
        assert found["kills"] >= 100
        assert found["height"] > 0
        assert found["broken"] == found["unbroken"]


class TestComparing:
    def test_the_first_difference_is_found_with_both_effects(self):
        raws = busy_blocks(30)
        ours, theirs = scanned(raws), scanned(raws)
        same = ours.compare(theirs)
        assert (same.equal, same.height) == (True, 30)
        other = busy_blocks(12, seed=8, previous=headed(raws[:18]), height=19)
        found = ours.compare(scanned([*raws[:18], *other]))
        assert (found.equal, found.height) == (False, 19)
        assert found.ours != found.theirs
        assert ours.compare(scanned([*raws[:18], *other]), 18).equal

    def test_a_list_of_hashes_will_do(self):
        engine = scanned(busy_blocks(9))
        lines = []
        for height in range(1, 10):
            block_hash, state_hash = engine.hashes().at(height)
            lines.append(f"{height} {block_hash[::-1].hex()} {state_hash.hex()}\n")
        assert engine.compare(ListedHashes.parse(lines)).equal
        lines[4] = lines[4][:-3] + ("00\n" if lines[4][-3:-1] != "00" else "11\n")
        assert not engine.compare(ListedHashes.parse(lines[:5])).equal
        for bad in (
            ["1 00 00"],
            ["9" * 5_000 + lines[0][1:]],
            ["x"],
            [lines[0], lines[0]],
            [lines[0], lines[2]],
            [],
        ):
            with pytest.raises(UsageError) as refused:
                ListedHashes.parse(bad)
            assert refused.value.code == "bad-hashes"

    def test_other_rules_or_no_common_height_cannot_be_compared(self):
        ours = scanned(busy_blocks(3))
        peer = StateEngine(MemoryChain(busy_blocks(3)), MemoryStore(), Rules.peer_compat("regtest"))
        peer.scan_from()
        with pytest.raises(RulesMismatch):
            ours.compare(peer)
        with pytest.raises(HeightUnknown):
            ours.compare(scanned(busy_blocks(2)), 3)
        with pytest.raises(HeightUnknown):
            ours.compare(StateEngine(MemoryChain(), MemoryStore(), RULES))


class TestQuestions:
    @pytest.fixture
    def engine(self):
        press = Press()
        blocks = [
            press.register(0, 0),
            press.transfer(0, 30_000_000, 0, [1, 0]),
            press.heart(0, [2], [(1_000, 0)]),
            press.transfer(0, 10_000_000, 1, [2, 1]),
        ]
        return scanned(raw_chain(blocks))

    def test_balances_come_in_the_order_asked_for(self, engine):
        names = [engine.address(each.script("p2pkh")) for each in PEOPLE]
        asked = [names[2], names[0], names[3]]
        assert engine.get_batch_asset_balances(WORKS[0], asked) == [10_000_000, 70_000_000, 0]
        assert engine.get_asset_balance(WORKS[0], names[1]) == 20_000_000
        assert engine.get_asset_balance(WORKS[0], names[1], 2) == 30_000_000
        assert engine.get_asset_balance("ff" * 20, names[1]) == 0
        assert engine.get_capitalization_table("ff" * 20) == {}

    def test_the_table_of_a_tip_is_that_before_its_block(self, engine):
        """R18, Q12: what moved in the tip's block or later does not count."""
        (tip,) = engine.effects(3).tips
        names = [engine.address(each.script("p2pkh")) for each in PEOPLE]
        table = engine.get_capitalization_table(WORKS[0], tip)
        assert table == {names[0]: 70_000_000, names[1]: 30_000_000}
        due = engine.get_open_tip_dividends_payable_table(WORKS[0], "owed_e8")
        assert due == {names[0]: -30_000_000_000, names[1]: 30_000_000_000}
        classic = engine.get_open_tip_dividends_payable_table(WORKS[0])
        assert classic == {names[0]: -700.0, names[1]: 300.0}
        with pytest.raises(UsageError):
            engine.get_open_tip_dividends_payable_table(WORKS[0], "other")

    def test_a_transaction_is_judged_as_if_the_next_block_held_it(self, engine):
        press = Press()
        again = press.register(1, 0)[-1]
        op = {"op": "r", "sha1": WORKS[0]}
        judged = engine.validate_openpublish_operation(op, again)
        assert judged.reason == "already-registered"
        fresh = {"op": "r", "sha1": WORKS[1]}
        assert engine.validate_openpublish_operation(fresh, again).valid
        heart = press.heart(0, [1], [(700, 0)])[0]
        assert engine.validate_open_tip(WORKS[0], heart).valid
        refused = engine.validate_open_tip_dividend_payment(WORKS[0], heart)
        assert refused.reason == "wrong-destination"
        assert engine.get_block(engine._store.tip().hash)
        assert engine.get_block(bytes(32)) == []


class TestProofs:
    @pytest.mark.parametrize("verify", [VerifyMerkle.HITS, VerifyMerkle.OFF])
    def test_what_was_scanned_can_be_proved_and_replays(self, store, verify):
        """R47, R48: every leg but completeness; and one's own scan settles that."""
        raws = busy_blocks(40)
        engine = scanned(raws, store, verify=verify)
        for sha1 in store.works():
            data = engine.export_proof(sha1)
            found = verify_ownership_proof(data, pins={headed(raws): 40})
            words = {leg.name: leg.status.value for leg in found.verdict.legs}
            assert words["inclusion"] == words["rules"] == "established"
            assert words["completeness"] == "unknown"
            settled = found.with_own_scan(engine.state_hash(40), store.holders(sha1))
            assert settled.verdict.legs[-1].status.value == "established"
            assert dict(found.claim.cap_table) == store.holders(sha1)
        with pytest.raises(WorkUnknown):
            engine.export_proof("00" * 20)

    def test_a_proof_is_exported_while_another_scans(self, tmp_path):
        """The branches that are asked for are kept where that is possible; readers never wait."""
        url = f"sqlite:///{tmp_path}/own.db"
        first, second = SqlStore(url), SqlStore(url)
        engine = scanned(busy_blocks(20), first, verify=VerifyMerkle.OFF)
        sha1 = first.works()[0]
        reader = StateEngine(engine._source, second, RULES)
        with first.writing():
            data = reader.export_proof(sha1)
            assert first.evidence(first.find_registration(sha1).txid).branch is None
        assert reader.export_proof(sha1) == data
        assert first.evidence(first.find_registration(sha1).txid).branch is not None
        first.close()
        second.close()

    def test_a_parent_from_before_a_restart_is_placed_for_a_proof(self, store):
        press = Press()
        parts = press.register(0, 0, title=bytes(range(200)).hex())
        raws = raw_chain([parts[:-1], [], [parts[-1]]])
        scanned(raws[:2], store)
        engine = scanned(raws, store)
        assert store.evidence(parts[0].txid).height == NOWHERE
        found = verify_ownership_proof(engine.export_proof(WORKS[0]), pins={headed(raws): 3})
        assert statuses(found)["inclusion"] == statuses(found)["rules"] == "established"
        assert store.evidence(parts[0].txid).height == 1

    def test_a_chain_that_changes_under_an_export_gives_no_mixed_proof(self, store, monkeypatch):
        raws = busy_blocks(20)
        engine = scanned(raws, store)
        branch = busy_blocks(12, seed=4, previous=headed(raws[:10]), height=11)
        read = store.find_dividend_payments

        def changing(*args):
            monkeypatch.undo()
            for raw in branch:
                engine._source.give(raw)
            engine.scan_from()
            return read(*args)

        monkeypatch.setattr(store, "find_dividend_payments", changing)
        sha1 = store.works()[0]
        found = verify_ownership_proof(engine.export_proof(sha1), pins={headed(branch): 22})
        assert statuses(found)["inclusion"] == statuses(found)["rules"] == "established"
        assert found.height == 22

    def test_a_proof_of_an_earlier_height_claims_that_height(self, store):
        engine = scanned(busy_blocks(40), store)
        sha1 = store.works()[0]
        registered = store.find_registration(sha1).height
        data = engine.export_proof(sha1, at=registered, mode="sparse")
        found = verify_ownership_proof(data)
        assert found.height == registered
        assert dict(found.claim.cap_table) == store.holders(sha1, registered)
        with pytest.raises(HeightUnknown):
            engine.export_proof(sha1, at=41)
