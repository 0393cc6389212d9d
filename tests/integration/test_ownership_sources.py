"""One chain, one state: per block, in bulk, over JSON-RPC, from block files, from memory (R32)."""

from __future__ import annotations

import contextlib

import pytest

from blk_writer import KEY, record, write_files
from chains import Clock
from lodestamp.core.ownership import (
    Owner,
    State,
    balances_hash,
    build_payment,
    build_register,
    build_tip,
    build_transfer,
)
from lodestamp.faces.http import SimulatorServer
from lodestamp.node.chains import (
    MINER_SCRIPT,
    KeyScript,
    MemoryChain,
    SimulatorRpc,
    open_source,
)
from lodestamp.node.scanner import (
    MemoryStore,
    SqlStore,
    StateEngine,
    VerifyMerkle,
    party_of,
    send_plan,
    sign_plan,
)
from written import ALICE, BOB, RULES, follow, noise, parties, registration, scanned

SHA1 = registration().sha1


def say(source, state, plan, *signers):
    send_plan(source, state, RULES, plan, sign_plan(plan, signers, source.network))
    source.mine(1, MINER_SCRIPT)
    follow(source, state)


@pytest.fixture(scope="module", params=[KeyScript.P2PKH, KeyScript.P2TR])
def lived(request):
    """A simulator on which a work was registered in parts, sold, tipped and paid for."""
    source, alice, bob = parties(request.param)
    state = State(0)
    follow(source, state)
    say(
        source,
        state,
        build_register(state, registration(noise(200)), party_of(source, alice), 1_000),
        ALICE,
    )
    sale = build_transfer(
        state, SHA1, 30_000_000, 9_000, seller=party_of(source, alice),
        buyer=party_of(source, bob), fee_rate=1_000,
    )  # fmt: skip
    say(source, state, sale, ALICE, BOB)
    say(source, state, build_tip(state, SHA1, party_of(source, bob), 1_000, amount=5_000), BOB)
    payment = build_payment(state, SHA1, Owner(bob), party_of(source, alice), 1_000, amount=1_500)
    say(source, state, payment, ALICE)
    source.mine(3, MINER_SCRIPT)
    return source


def hashes(source, store=None, **options):
    """Scan to the end; return every height's state hash and the hash of all balances."""
    store = store or MemoryStore()
    engine = StateEngine(source, store, RULES, **options)
    status = engine.scan_from()
    assert (status.ops, status.tips, status.payments) == (2, 1, 1)
    listed = [engine.state_hash(height) for height in range(1, status.height + 1)]
    return listed, balances_hash(store.load_state())


def test_however_a_chain_is_read_it_has_one_state(lived, tmp_path):
    expected = hashes(lived)
    assert expected[1] == balances_hash(scanned(lived))

    single = StateEngine(lived, MemoryStore(), RULES)
    for height in range(1, lived.tip().height + 1):
        single.scan_from(to_block_height=height)
        assert single.state_hash() == expected[0][height - 1]

    assert hashes(lived, SqlStore(f"sqlite:///{tmp_path}/own.db")) == expected
    assert hashes(lived, verify=VerifyMerkle.ALL) == expected
    assert hashes(lived, verify=VerifyMerkle.OFF) == expected

    server = SimulatorServer(
        SimulatorRpc(lived.simulator, Clock()), "127.0.0.1", 0, tmp_path / ".cookie"
    )
    with server:
        url = f"bitcoind://127.0.0.1:{server.port}?cookie={tmp_path}/.cookie&network=regtest"
        with contextlib.closing(open_source(url)) as source:
            assert hashes(source) == expected


def test_memory_and_block_files_give_it_too(lived, tmp_path):
    expected = hashes(lived)
    raws = [raw for _, raw in lived.raw_blocks(1, lived.tip().height + 1)]
    assert hashes(MemoryChain(raws)) == expected
    for key in (None, KEY):
        folder = tmp_path / ("plain" if key is None else "obfuscated")
        write_files(folder, [[record(raw) for raw in reversed(raws)]], key)
        with contextlib.closing(open_source(f"blk://{folder}?network=regtest")) as source:
            assert hashes(source) == expected
