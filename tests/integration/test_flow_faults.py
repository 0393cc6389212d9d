"""The faults of the field's reference code: of each, the opposite holds (flows spec §7)."""

from __future__ import annotations

import base64
import json
from hashlib import sha256

import pytest

from flow_homes import flow_world
from lodestamp.core.content import read
from lodestamp.core.covenants import recognise
from lodestamp.core.encoding import Cid
from lodestamp.core.flows import (
    DataFlowPacket,
    composite_hash,
    numbered,
    parse_moment,
    run_operation,
)
from lodestamp.core.merkle import leaf_hash, node_hash
from lodestamp.errors import (
    ConcatTooLong,
    FlowError,
    MalformedPattern,
    PacketNotFound,
    PatternNotFound,
    StageOrderError,
    UnknownOperation,
)
from lodestamp.node.chains import Capabilities

ID = "ab" * 16
CONTENT = b"thirty-five bytes of test content.."


def packet_of(content=CONTENT, operations=(), **metadata):
    workflow = {
        "workflow": {"pattern": {"op_cat_operations": []}, "rules": ["checktemplateverify"]}
    }
    return DataFlowPacket(ID, content, workflow | metadata, op_cat_operations=operations)


def run(op, content=CONTENT, **metadata):
    return run_operation(numbered(ID, [op])[0], packet_of(content, **metadata))


def test_no_result_is_cut_to_520_bytes():
    whole = run({"type": "content_concat", "data": "y" * 484}, b"x" * 36)
    assert whole.result == b"x" * 36 + b"y" * 484
    assert whole.operand == "content"
    large = run({"type": "content_concat", "data": "y" * 484}, b"x" * 37)
    assert (large.operand, len(large.result)) == ("cid", 520)
    assert large.result.startswith(bytes.fromhex("01551220") + sha256(b"x" * 37).digest())
    with pytest.raises(ConcatTooLong) as refused:
        run({"type": "content_concat", "data": "y" * 485}, b"x" * 36)
    assert (refused.value.maximum, refused.value.actual) == (520, 521)


def test_a_hash_chain_keeps_what_came_before_for_text_and_bytes_alike():
    expected = sha256(sha256(sha256(CONTENT).digest() + b"validation").digest() + b"\xff").digest()
    as_text = run({"type": "hash_chain", "elements": ["validation", {"base64": "/w=="}]})
    as_bytes = run(
        {"type": "hash_chain", "elements": [{"base64": "dmFsaWRhdGlvbg=="}, {"base64": "/w=="}]}
    )
    assert as_text.result == as_bytes.result == expected


def test_the_cid_is_a_real_one_of_the_content_alone_and_its_blocks_are_kept(tmp_path):
    with flow_world(tmp_path, chain=False) as world:
        for content in (CONTENT, bytes(range(256)) * 300):
            done = world.run(content, "merkle_proof_verification")
            cid = Cid.parse(done["result"]["ipfs_cid"])
            assert b"".join(read(world.blocks.get, cid)) == content
            data = done["result"]["verification_data"]
            assert data["multihash"] == "1220" + cid.digest.hex()
            assert data["content_hash"] == sha256(content).hexdigest()
        small = Cid.of(0x55, CONTENT)
        assert str(small).startswith("bafkrei")
        assert len(str(small)) == 59
        assert world.blocks.get(small) == CONTENT


def test_no_content_is_kept_as_base64_in_the_packet_when_it_is_large(tmp_path):
    with flow_world(tmp_path, chain=False) as world:
        done = world.run(b"z" * 70_000, "merkle_proof_verification")
        told = world.packet(done).to_dict()
        assert set(told["content"]) == {"cid", "size"}
        assert len(json.dumps(told)) < 10_000


def test_the_composite_is_a_typed_tree_so_that_borders_count():
    cid = Cid.of(0x55, CONTENT)
    one = composite_hash(cid, [("hash_chain", b"ab"), ("hash_chain", b"c")])
    other = composite_hash(cid, [("hash_chain", b"a"), ("hash_chain", b"bc")])
    typed = composite_hash(cid, [("merkle_proof", b"ab"), ("hash_chain", b"c")])
    assert len({one, other, typed, cid.digest}) == 4
    entry = sha256(b"hash_chain\x00ab").digest()
    expected = node_hash(leaf_hash(cid.encode()), leaf_hash(entry))
    assert composite_hash(cid, [("hash_chain", b"ab")]) == expected


def test_a_merkle_proof_has_sides_tags_and_a_root_and_is_refused_when_any_is_wrong():
    cid, sibling, top = Cid.of(0x55, CONTENT).encode(), sha256(b"1").digest(), sha256(b"2").digest()
    root = node_hash(top, node_hash(leaf_hash(cid), sibling)).hex()
    elements = [
        {"hash": sibling.hex(), "side": "right"},
        {"hash": top.hex(), "side": "left"},
    ]
    op = {"type": "merkle_proof", "elements": elements, "root": root}
    assert run(op).result.hex() == root
    wrong = [
        [elements[0] | {"side": "left"}, elements[1]],
        [elements[0] | {"hash": top.hex()}, elements[1]],
        elements[::-1],
        elements[:1],
        [*elements, elements[0]],
        [],
    ]
    for each in wrong:
        with pytest.raises(FlowError) as refused:
            run(op | {"elements": each})
        assert refused.value.code == "merkle-root"
    untagged = sha256(sha256(cid).digest() + sibling).hexdigest()
    with pytest.raises(FlowError):
        run({"type": "merkle_proof", "elements": elements[:1], "root": untagged})


def test_siblings_come_from_the_packets_batch(tmp_path):
    batch = [str(Cid.of(0x55, bytes((n,)))) for n in range(5)]
    with flow_world(tmp_path, chain=False) as world:
        for n in range(5):
            done = world.run(bytes((n,)), "merkle_proof_verification", {"batch": batch})
            assert done["success"]
        roots = {
            each.verification_data["op_cat_results"][0]["result_data"]
            for each in world.runner.completed_flows.values()
        }
        assert len(roots) == 1
        with pytest.raises(FlowError) as refused:
            world.run(b"another", "merkle_proof_verification", {"batch": batch})
        assert refused.value.code == "batch"


def test_the_script_is_compiled_recognised_and_spent_on_the_chain(tmp_path):
    with flow_world(tmp_path) as world:
        done = world.run(CONTENT)
        covenant = done["result"]["bitcoin_covenant"]
        leaf = bytes.fromhex(covenant["script_hex"])
        assert str(recognise(leaf).kind) == covenant["kind"] == "T1"
        spend = world.source.transaction(
            bytes.fromhex(done["result"]["verification_data"]["spend"]["txid"])[::-1]
        )
        assert leaf in spend.inputs[0].witness


def test_introspection_forces_an_output_that_the_executed_spend_has(tmp_path):
    with flow_world(tmp_path) as world:
        done = world.run(CONTENT, "script_introspection_pattern")
        assert done["result"]["bitcoin_covenant"]["kind"] == "T3"
        data = done["result"]["verification_data"]
        spend = world.source.transaction(bytes.fromhex(data["spend"]["txid"])[::-1])
        forced = b"PRV1" + sha256(b"COVENANT_CONTEXT").digest()
        assert spend.outputs[0].script == b"\x6a\x24" + forced
        assert base64.b64decode(data["op_cat_results"][0]["result_data"]) == forced


def test_stages_run_in_order_and_a_flow_ends_only_after_verification(tmp_path):
    """R39"""
    with flow_world(tmp_path, chain=False) as world:
        runner = world.runner
        made = runner.create_flow_packet(CONTENT, {}, "merkle_proof_verification")
        packet_id = made.packet.packet_id
        steps = [
            runner.process_content_ingestion,
            runner.process_op_cat_operations,
            runner.process_hash_generation,
            runner.process_ipfs_addressing,
            runner.process_bitcoin_binding,
            runner.process_validation,
            runner.process_verification,
        ]
        for place, step in enumerate(steps):
            for other in steps[:place] + steps[place + 1 :]:
                with pytest.raises(StageOrderError):
                    other(packet_id)
            with pytest.raises(StageOrderError):
                runner.complete_flow(packet_id)
            step(packet_id)
        assert world.packet({"packet_id": packet_id}).verification_data["bitcoin_covenant"] == {
            "skipped": True
        }
        result = runner.complete_flow(packet_id)
        assert result["success"]
        assert set(result) == {
            "success",
            "packet_id",
            "ipfs_cid",
            "bitcoin_covenant",
            "processing_time",
            "verification_data",
        }
        assert packet_id in runner.completed_flows


def test_what_cannot_be_enforced_is_refused_at_registration(tmp_path):
    """R44"""
    base = {"op_cat_operations": [{"type": "hash_chain", "elements": ["a"]}]}
    with flow_world(tmp_path, chain=False) as world:
        register = world.orchestrator.register_workflow_pattern
        for covenant in (
            {"spending_conditions": ["be_nice"]},
            {"validation_requirements": ["confirmations:0"]},
            {"validation_requirements": ["other"]},
            {"validation_script": "OP_RETURN"},
            {"spending_conditions": ["template_enforcement"]},
            {"validation_script": "OP_CHECKTEMPLATEVERIFY"},
            {"surprise": 1},
        ):
            with pytest.raises(MalformedPattern):
                register("mine", base | {"bitcoin_covenant": covenant})
        with pytest.raises(UnknownOperation):
            register("mine", {"op_cat_operations": [{"type": "quantum"}]})
        with pytest.raises(ConcatTooLong):
            register("mine", {"op_cat_operations": [{"type": "concat", "data": "x" * 485}]})
        assert "mine" not in world.orchestrator.workflow_patterns
        register("mine", {"op_cat_operations": [{"type": "concat", "data": b"x"}]})
        registered = world.orchestrator.workflow_patterns["mine"]
        assert registered == {
            "op_cat_operations": [{"type": "content_concat", "data": {"base64": "eA=="}}]
        }


def test_the_same_content_in_one_tick_makes_two_packets_unless_a_key_says_otherwise(tmp_path):
    """R45"""
    with flow_world(tmp_path, chain=False) as world:
        make = world.runner.create_flow_packet
        name = "merkle_proof_verification"
        first, second = make(CONTENT, {}, name), make(CONTENT, {}, name)
        assert first.packet.packet_id != second.packet.packet_id
        assert first.workflow_id != second.workflow_id
        once = make(CONTENT, {}, name, idempotency_key="k")
        again = make(CONTENT, {}, name, idempotency_key="k")
        assert once.packet == again.packet


def test_every_transition_dates_the_packet_and_metrics_survive_a_restart(tmp_path):
    """R47"""
    with flow_world(tmp_path, chain=False) as world:
        runner = world.runner
        made = runner.create_flow_packet(CONTENT, {}, "merkle_proof_verification")
        updated = [made.packet.timestamps["last_updated"]]
        for step in (runner.process_content_ingestion, runner.process_op_cat_operations):
            world.now_us += 1_000_000
            updated.append(step(made.packet.packet_id).timestamps["last_updated"])
        assert [parse_moment(each) - parse_moment(updated[0]) for each in updated] == [
            0, 1_000_000, 2_000_000,
        ]  # fmt: skip
        world.now_us += 500_000
        done = world.orchestrator.resume(made.packet.packet_id)
        assert done["result"]["processing_time"] == 2.5
        failing = {"op_cat_operations": [], "bitcoin_covenant": {}}
        world.orchestrator.register_workflow_pattern("bound", failing)
    with flow_world(tmp_path) as world:
        world.source.simulator.mine(1)
        world.source.capabilities = Capabilities
        failed = world.run(CONTENT, "bound")
        assert failed["error"] == {
            "type": "CovenantsNotActive",
            "message": failed["error"]["message"],
            "stage": "bitcoin_binding",
        }
        metrics = world.runner.flow_metrics
        assert (metrics["total_processed"], metrics["successful_flows"]) == (2, 1)
        assert metrics["failed_flows"] == 1
        assert metrics["average_processing_time"] == 2.5
        assert metrics["stages"]["content_ingestion"]["count"] == 2
        assert failed["packet_id"] in world.runner.failed_flows
        assert world.runner.active_flows == {}


def test_errors_are_typed_and_unknown_names_are_not_false(tmp_path):
    with flow_world(tmp_path, chain=False) as world:
        with pytest.raises(PacketNotFound):
            world.runner.process_validation("0" * 32)
        with pytest.raises(PacketNotFound):
            world.orchestrator.resume("0" * 32)
        with pytest.raises(PatternNotFound):
            world.run(CONTENT, "no such pattern")


def test_flows_outlive_the_process_that_began_them(tmp_path):
    with flow_world(tmp_path, chain=False) as world:
        made = world.runner.create_flow_packet(CONTENT, {}, "merkle_proof_verification")
        packet_id = made.packet.packet_id
        world.runner.process_content_ingestion(packet_id)
    with flow_world(tmp_path, chain=False) as world:
        assert list(world.runner.active_flows) == [packet_id]
        assert [each["success"] for each in world.orchestrator.run_pending(2)] == [True]
        assert world.orchestrator.active_workflows == {}
