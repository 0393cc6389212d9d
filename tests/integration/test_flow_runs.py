"""Whole flows on the simulator: sizes, tampering, reorgs, retries, several runners."""

from __future__ import annotations

import sqlite3
from dataclasses import replace
from hashlib import sha256

import pytest

from chains import SCRIPT
from flow_homes import World, flow_world
from lodestamp.core.bitcoin import CONSENSUS_CAT_CTV, Transaction, verify_input
from lodestamp.core.encoding import Cid
from lodestamp.core.flows import (
    DataFlowStage,
    ProcessingState,
    recheck,
)
from lodestamp.errors import ChainUnavailable, LeaseLost, LimitExceeded

LARGE = sha256(b"seed").digest() * 3_200


@pytest.mark.parametrize(
    ("content", "kind"),
    [(b"x" * 35, "T1"), (b"y" * 520, "T1"), (b"z" * 521, "T2B"), (LARGE, "T2B")],
    ids=["35 B", "520 B", "521 B", "100 KB"],
)
def test_content_is_bound_spent_in_a_block_and_verified(tmp_path, content, kind):
    with flow_world(tmp_path) as world:
        done = world.run(content)
        assert (done["success"], done["error"]) == (True, None)
        data = done["result"]["verification_data"]
        assert done["result"]["bitcoin_covenant"]["kind"] == kind
        assert {leg["status"] for leg in data["report"]["legs"]} == {"established"}
        assert data["mutants"]["tried"] == data["mutants"]["refused"] >= 15
        spend = data["spend"]
        block = world.source.block(bytes.fromhex(spend["block"])[::-1]).block
        assert spend["txid"] in [tx.txid_display for tx in block.txs]
        assert Cid.parse(data["ipfs_cid"]).encode().hex()[8:] == data["multihash"][4:]


@pytest.mark.slow
@pytest.mark.parametrize("mode", ["bytes", "digest"])
def test_five_megabytes_are_bound_by_eight_challenges(tmp_path, mode):
    path = tmp_path / "five.bin"
    path.write_bytes(b"".join(sha256(bytes((n % 251, n // 251 % 256, n >> 16))).digest()
                              for n in range(5 * (1 << 20) // 32)))  # fmt: skip
    with flow_world(tmp_path) as world:
        asked = ["mutants_refused", "confirmations:2", "spv"]
        covenant = {"challenges": 8, "leaf_mode": mode, "validation_requirements": asked}
        config = {"op_cat_operations": [], "bitcoin_covenant": covenant}
        world.orchestrator.register_workflow_pattern("eight", config)
        done = world.run(path, "eight")
        assert done["success"], done["error"]
        told = done["result"]["bitcoin_covenant"]
        indexes = {told["leaf_index"], *(each["leaf_index"] for each in told["others"])}
        assert len(indexes) == 8


def test_every_altered_witness_is_refused_with_the_machines_own_error(tmp_path):
    with flow_world(tmp_path) as world:
        data = world.run(b"z" * 521)["result"]["verification_data"]
    tx = Transaction.decode(bytes.fromhex(data["spend"]["raw"]))
    funding = data["bitcoin_covenant"]["funding"]
    spent = (Transaction.decode(bytes.fromhex(funding["raw"])).outputs[funding["vout"]],)
    witness = tx.inputs[0].witness
    errors = []
    for place, item in enumerate(witness):
        other = (*witness[:place], item[:-1] + bytes((item[-1] ^ 1,)), *witness[place + 1 :])
        changed = replace(tx, inputs=(replace(tx.inputs[0], witness=other),))
        errors.append(str(verify_input(changed, 0, spent, CONSENSUS_CAT_CTV).error))
    assert errors[0] == "SCHNORR_SIG"
    assert set(errors[1:-2]) == {"EQUALVERIFY"}
    assert errors[-2:] == ["WITNESS_PROGRAM_MISMATCH"] * 2


def flipped(text, at=-1):
    return text[:at] + ("0" if text[at] != "0" else "1") + (text[at:][1:])


def test_a_flipped_byte_is_refuted_at_its_own_leg_and_offline(tmp_path):
    with flow_world(tmp_path) as world:
        done = world.run(LARGE)
        packet = world.packet(done)
        view = world.work.view(packet)
        blocks = {}

        def keep(cid):
            blocks[cid] = world.blocks.get(cid)
            return blocks[cid]

        recheck(packet, keep, view)
    assert recheck(packet, blocks.get, view).refuted == ()  # nothing of the world is left
    data = packet.verification_data

    def legs(changed, get=blocks.get, seen=view):
        return recheck(replace(packet, verification_data=changed), get, seen).refuted

    covenant, spend = data["bitcoin_covenant"], data["spend"]
    assert legs(data | {"content_hash": flipped(data["content_hash"])}) == ("content",)
    assert legs(data | {"composite_hash": flipped(data["composite_hash"])}) == ("composite",)
    assert legs(data | {"multihash": flipped(data["multihash"])}) == ("address",)
    results = [dict(each) for each in data["op_cat_results"]]
    results[0]["result_hash"] = flipped(results[0]["result_hash"])
    assert legs(data | {"op_cat_results": results}) == ("operations",)
    leaf = covenant | {"script_hex": flipped(covenant["script_hex"])}
    assert "leaf" in legs(data | {"bitcoin_covenant": leaf})
    key = covenant | {"control_block": flipped(covenant["control_block"])}
    assert legs(data | {"bitcoin_covenant": key}) == ("output_key",)
    funding = covenant | {"funding": covenant["funding"] | {"amount": 1}}
    assert legs(data | {"bitcoin_covenant": funding}) == ("funding",)
    sent = spend | {"raw": flipped(spend["raw"], 200)}
    assert "spend" in legs(data | {"spend": sent})
    assert legs(data | {"spend": spend | {"block": flipped(spend["block"])}}) == ("inclusion",)
    inner = view.headers[-2]  # the next one no longer follows, whatever work this one has
    bent = (*view.headers[:-2], replace(inner, nonce=inner.nonce ^ 1), view.headers[-1])
    assert "headers" in legs(data, seen=replace(view, headers=bent))

    def broken(cid):
        block = blocks[cid]
        return block[:-1] + bytes((block[-1] ^ 1,))

    assert legs(data, get=broken) == ("content",)
    gone = recheck(packet, lambda _cid: None, view)
    assert gone.refuted == ()
    assert gone.leg("content").code == "content.block-missing"


def test_a_reorg_that_drops_funding_and_spend_sends_the_same_bytes_again(tmp_path):
    """R41"""
    with flow_world(tmp_path) as world:
        runner = world.runner
        packet_id = runner.create_flow_packet(b"hello").packet.packet_id
        for step in (
            runner.process_content_ingestion,
            runner.process_op_cat_operations,
            runner.process_hash_generation,
            runner.process_ipfs_addressing,
            runner.process_bitcoin_binding,
        ):
            step(packet_id)
        before = runner.process_validation(packet_id).verification_data
        world.source.simulator.reorg(2)
        back = runner.process_verification(packet_id)
        assert back.processing_state is ProcessingState.RETRY_REQUIRED
        assert back.processing_stage is DataFlowStage.BITCOIN_BINDING
        done = world.orchestrator.resume(packet_id)
        assert done["success"]
        after = done["result"]["verification_data"]
        assert after["spend"]["raw"] == before["spend"]["raw"]
        assert (
            after["bitcoin_covenant"]["funding"]["txid"]
            == (before["bitcoin_covenant"]["funding"]["txid"])
        )
        assert after["spend"]["block"] != before["spend"]["block"]


def test_waiting_for_blocks_is_no_attempt_and_a_chain_that_is_away_is(tmp_path):
    """R40"""
    with flow_world(tmp_path, mines=False) as world:
        waiting = world.run(b"hello")
        packet = world.packet(waiting)
        assert (waiting["success"], waiting["error"]) == (False, None)
        assert packet.processing_state is ProcessingState.RETRY_REQUIRED
        assert "attempts" not in packet.metadata
        address = packet.verification_data["bitcoin_covenant"]["address"]
        assert address.startswith("bcrt1p")
        assert len(world.source.simulator._cache[1].entries()) == 1
        world.now_us += 5_000_000
        again = world.orchestrator.resume(waiting["packet_id"])
        assert again["error"] is None
        assert len(world.source.simulator._cache[1].entries()) == 1  # nothing is funded twice
        world.source.mine(1, SCRIPT)

        def away(*_args, **_more):
            raise ChainUnavailable("no answer")

        here, world.source.transaction = world.source.transaction, away
        for attempt in range(1, 8):
            packet = world.packet(world.orchestrator.resume(waiting["packet_id"]))
            assert packet.metadata["attempts"] == attempt
        due = world.store.get(packet.packet_id).next_attempt_at - world.now_us
        assert 0.8 * 128e6 <= due <= 1.2 * 128e6
        failed = world.orchestrator.resume(waiting["packet_id"])
        assert failed["error"]["type"] == "retries-exhausted"
        world.source.transaction = here


def test_two_runners_never_have_one_packet_and_eight_workers_share_the_coins(tmp_path):
    """R48"""
    with flow_world(tmp_path) as world:
        other = World(tmp_path)
        packet_id = world.runner.create_flow_packet(b"mine").packet.packet_id
        with world.runner._leases.held(packet_id):
            with pytest.raises(LeaseLost):
                other.runner.drive(packet_id)
            with pytest.raises(LeaseLost):
                world.runner.drive(packet_id)
            other.now_us += 61_000_000
            with other.runner._leases.held(packet_id), pytest.raises(LeaseLost):
                world.runner._run(
                    world.store.get(packet_id).packet, DataFlowStage.CONTENT_INGESTION
                )
        for n in range(5):
            world.runner.create_flow_packet(bytes((n,)) * 30)
        with pytest.raises(LimitExceeded):
            world.orchestrator.run_pending(9)
        results = world.orchestrator.run_pending(8)
        assert [each["error"] for each in results if not each["success"]] == []
        assert world.runner.active_flows == {}
        inputs = [
            item.prevout
            for each in world.store.flows()
            for intent in world.store.intents(each.packet.packet_id, "funding")
            for item in intent.tx.inputs
        ]
        assert len(set(inputs)) == len(inputs) == 6
        other.close()


def edit(folder, statement, *values):
    with sqlite3.connect(folder / "a.db") as raw:
        raw.execute(statement, values)


@pytest.mark.parametrize("edited", ["document", "row", "event", "block"])
def test_the_auditor_finds_a_packet_that_was_edited_in_the_store(tmp_path, edited):
    with flow_world(tmp_path) as world:
        packet = world.packet(world.run(b"hello"))
    if edited == "document":
        data = packet.verification_data | {"composite_hash": "0" * 64}
        document = replace(packet, verification_data=data).encode().decode()
        edit(tmp_path, "UPDATE flow_packet SET document = ?", document)
        expected = {"F3", "F4"}
    elif edited == "row":
        edit(tmp_path, "UPDATE flow_packet SET state = 'failed'")
        expected = {"F2"}
    elif edited == "event":
        edit(tmp_path, "UPDATE flow_event SET detail = '{}'")
        expected = {"F3"}
    else:
        edit(tmp_path, "DELETE FROM content_blocks")
        expected = {"F6"}
    world = World(tmp_path)
    assert {each.code for each in world.findings()} == expected
    world.close()


def test_a_document_that_is_no_packet_is_a_finding(tmp_path):
    with flow_world(tmp_path, chain=False) as world:
        world.run(b"hello", "merkle_proof_verification")
    edit(tmp_path, "UPDATE flow_packet SET document = '{}'")
    world = World(tmp_path)
    assert [each.code for each in world.findings()] == ["F1"]
    world.close()
