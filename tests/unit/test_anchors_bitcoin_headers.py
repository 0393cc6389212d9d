"""The header store: what it takes, what it prefers, what it refuses (R66)."""

from __future__ import annotations

import pytest

from chains import SCRIPT, simulator
from headers import MINI, following, grown, run_of
from lodestamp.core.bitcoin import REGTEST, TEST, HeaderChain, expected_bits, extend
from lodestamp.errors import BadHeader, MalformedBlock, ReorgTooDeep, SourceError, WrongNetwork
from lodestamp.node.anchors.bitcoin import HeaderStore, stored_network
from lodestamp.node.chains import SimulatedChain
from lodestamp.node.storage import Database

FAR = 1 << 33
"""A clock that calls no header early."""


@pytest.fixture
def database(tmp_path):
    opened = Database.open(tmp_path / "a.db")
    yield opened
    opened.close()


@pytest.fixture
def store(database):
    return HeaderStore(database, REGTEST, clock=lambda: FAR)


def encoded(chain, start=1):
    return b"".join(each.encode() for each in run_of(chain, start))


def branch(chain, back, count, mark):
    """A chain that leaves another one `back` headers before its tip."""
    made = chain.disconnect(back)
    for _ in range(count):
        made = extend(made, following(made, merkle=mark))
    return made


def test_r66_a_store_begins_with_the_genesis_header_and_grows(store):
    assert (store.tip.height, store.tip.hash) == (0, REGTEST.genesis.hash)
    chain = grown(REGTEST, 30)
    assert store.extend(encoded(chain)) == 30
    assert store.tip.hash == chain.tip.hash
    assert store.header(7) == run_of(chain, 7)[0]
    assert store.hash_at(31) is None
    assert store.height_of(chain.tip.hash) == 30
    assert (store.confirmations(chain.tip.hash), store.confirmations(store.hash_at(25))) == (1, 6)
    assert store.confirmations(bytes(32)) == 0
    assert store.run(29, 10) == encoded(chain, 29)


def test_r66_known_headers_are_passed_over_and_a_run_may_overlap(store):
    chain = grown(REGTEST, 20)
    assert store.extend(encoded(chain)) == 20
    longer = branch(chain, 0, 3, b"x")
    assert store.extend(encoded(longer, 0)) == 3
    assert store.extend(encoded(longer)) == 0
    assert store.extend(b"") == 0


def test_r66_the_branch_of_most_work_wins_and_the_first_seen_on_a_tie(store):
    chain = grown(REGTEST, 30)
    store.extend(encoded(chain))
    tie = branch(chain, 3, 3, b"tie")
    assert store.extend(encoded(tie, 28)) == 3
    assert store.tip.hash == chain.tip.hash
    assert store.confirmations(tie.tip.hash) == 0
    heavier = branch(tie, 0, 1, b"tie")
    store.extend(encoded(heavier, 31))  # its parent is known from beside the best chain
    assert (store.tip.height, store.tip.hash) == (31, heavier.tip.hash)
    assert store.hash_at(27) == run_of(chain, 27)[0].hash
    back = branch(chain, 0, 2, b"back")
    store.extend(encoded(back, 31))  # what lost is a branch now, and may win again
    assert store.tip.hash == back.tip.hash


def test_r66_a_branch_from_before_the_last_200_headers_is_refused(store):
    chain = grown(REGTEST, 210)
    store.extend(encoded(chain))
    near = branch(chain, 200, 1, b"near")
    assert store.extend(encoded(near, 11)) == 1
    far = branch(chain, 201, 1, b"far")
    with pytest.raises(ReorgTooDeep):
        store.extend(encoded(far, 10))


def test_r66_branches_that_fall_behind_are_forgotten(store, database):
    from sqlalchemy import func, select

    from lodestamp.node.anchors.tables import side_headers

    chain = grown(REGTEST, 20)
    store.extend(encoded(chain))
    store.extend(encoded(branch(chain, 2, 1, b"side"), 19))
    longer = branch(chain, 0, 220, b"on")
    store.extend(encoded(longer, 21))
    with database.reading("testing") as connection:
        assert connection.execute(select(func.count()).select_from(side_headers)).scalar() == 0


@pytest.mark.parametrize(
    ("change", "code"),
    [
        (lambda run: run[:80] + run[160:], "prev-blk-not-found"),
        (lambda run: run[:76] + bytes(4) + run[80:], "high-hash"),
        (lambda run: run[80:], "prev-blk-not-found"),
    ],
)
def test_r66_a_run_that_breaks_a_rule_adds_nothing(store, change, code):
    run = encoded(grown(REGTEST, 5))
    with pytest.raises(BadHeader) as refused:
        store.extend(change(run))
    assert refused.value.code in {code, "prev-blk-not-found"}
    assert store.tip.height == 0


def test_r66_a_header_two_hours_ahead_is_refused(database):
    chain = grown(REGTEST, 1)
    store = HeaderStore(database, REGTEST, clock=lambda: chain.tip.time - 7_201)
    with pytest.raises(BadHeader) as refused:
        store.extend(encoded(chain))
    assert refused.value.code == "time-too-new"


def test_a_piece_of_a_header_is_refused(store):
    with pytest.raises(MalformedBlock):
        store.extend(bytes(81))


def test_a_store_is_of_one_network(store, database):
    with pytest.raises(WrongNetwork):
        HeaderStore(database, TEST)
    assert HeaderStore(database, REGTEST).tip == store.tip


def test_r66_a_file_is_imported_from_height_0_or_where_it_says(store, tmp_path):
    chain = grown(REGTEST, 40)
    file = tmp_path / "headers"
    file.write_bytes(encoded(chain, 0)[: 80 * 31])
    told = []
    assert store.import_file(file, progress=lambda done, total: told.append((done, total))) == 30
    assert told == [(2_480, 2_480)]
    file.write_bytes(encoded(chain, 31))
    with pytest.raises(BadHeader) as refused:
        store.import_file(file, start=30)
    assert refused.value.code == "height"
    assert store.import_file(file, start=31) == 10
    file.write_bytes(encoded(branch(chain, 0, 3, b"later"), 42))
    with pytest.raises(BadHeader, match="begin there"):
        store.import_file(file, start=42)
    with pytest.raises(SourceError):
        store.import_file(tmp_path / "absent")
    file.write_bytes(b"")
    assert store.import_file(file) == 0


def test_r66_a_store_follows_a_node_through_a_reorganisation(store):
    source = SimulatedChain(simulator())
    source.mine(30, SCRIPT)
    assert store.follow(source) == 30
    source.simulator.reorg(7)
    assert store.follow(source) == 8
    assert store.tip == source.tip()
    assert store.follow(source) == 0
    assert store.network == source.network


def test_the_chain_of_a_store_is_the_one_that_core_extends(store):
    chain = HeaderChain.genesis(REGTEST)
    for run in (3, 11, 40):
        more = branch(chain, 0, run, b"m")
        store.extend(encoded(more, chain.height + 1))
        chain = more
    assert [store.hash_at(height) for height in range(55)] == [
        entry.hash for entry in list(chain.tip.ancestors())[::-1]
    ]


def test_r66_targets_are_judged_across_periods_whatever_the_runs_are(tmp_path):
    """A run that begins anywhere is judged by the whole period before it."""
    chain = HeaderChain.genesis(MINI)
    for _ in range(4_070):
        due = expected_bits(chain.tip, chain.tip.time + 600, MINI)
        chain = extend(chain, following(chain, bits=due))
    run = encoded(chain)
    for cut in (1, 2_015, 2_016, 2_017, 4_032):
        database = Database.open(tmp_path / f"{cut}.db")
        store = HeaderStore(database, MINI, clock=lambda: FAR)
        assert store.extend(run[: 80 * cut]) == cut
        assert store.extend(run[80 * cut :]) == 4_070 - cut
        assert store.tip.hash == chain.tip.hash
        database.close()
    bits = {entry.bits for entry in chain.tip.ancestors()}
    assert len(bits) > 1  # the difficulty did change


def test_r66_a_target_that_is_not_due_at_a_new_period_is_refused(database):
    store = HeaderStore(database, MINI, clock=lambda: FAR)
    chain = grown(MINI, 2_015)
    store.extend(encoded(chain))
    stale = following(chain, bits=chain.tip.bits)
    with pytest.raises(BadHeader) as refused:
        store.extend(stale.encode())
    assert refused.value.code == "bad-diffbits"


def test_r66_a_node_whose_chain_left_ours_long_ago_is_not_followed(store):
    source = SimulatedChain(simulator())
    source.mine(3, SCRIPT)
    store.extend(encoded(grown(REGTEST, 201)))
    with pytest.raises(ReorgTooDeep):
        store.follow(source)


def test_the_network_of_stored_headers_is_told(database):
    assert stored_network(database) is None
    HeaderStore(database, REGTEST)
    assert stored_network(database) is REGTEST
