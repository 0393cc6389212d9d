"""Outputs that covenants force, and the states of a chain (R28, T3-T6)."""

from __future__ import annotations

from dataclasses import replace

import pytest

from chains import OTHER, SCRIPT, SIGNER
from lodestamp.core.bitcoin import OutPoint, Transaction, TxIn, TxOut, ctv_hash, sha256
from lodestamp.core.covenants import forced
from lodestamp.errors import CovenantError, ElementTooLarge

STATE = TxOut(0, forced.anchor_script(forced.genesis_state("o")))
PREVIOUS = Transaction(
    2,
    (TxIn(OutPoint(bytes(32), 0)), TxIn(OutPoint(bytes(32), 1))),
    (TxOut(9_000, SCRIPT), STATE, TxOut(1, SCRIPT)),
)


def code_of(call, *arguments, **named):
    with pytest.raises(CovenantError) as refused:
        call(*arguments, **named)
    return refused.value.code


def test_an_anchor_publishes_exactly_32_bytes():
    script = forced.anchor_script(bytes(range(32)))
    assert script == bytes.fromhex("6a24") + b"PRV1" + bytes(range(32))
    assert forced.anchored_value(script) == bytes(range(32))
    assert forced.anchored_value(script + b"\x00") is None
    assert forced.anchored_value(script.replace(b"PRV1", b"PRV2")) is None
    assert code_of(forced.anchor_script, bytes(31)) == "hash"


def test_r28_the_bump_and_the_dust_are_bounded():
    coin = TxOut(9_000, OTHER)
    assert len(forced.forced_outputs(bytes(32), coin)) == 2
    owner = SIGNER.xonly()
    bumped = forced.forced_outputs(bytes(32), coin, cpfp=True, owner=owner)
    assert bumped[2].amount == 330
    assert code_of(forced.forced_outputs, bytes(32), TxOut(329, OTHER)) == "dust"
    assert code_of(forced.forced_outputs, bytes(32), coin, cpfp=True) == "bump"
    few = {"cpfp": True, "owner": owner, "bump_amount": 329}
    assert code_of(forced.forced_outputs, bytes(32), coin, **few) == "bump"


def test_a_template_is_of_no_coin_in_particular():
    outputs = forced.forced_outputs(bytes(32), TxOut(9_000, OTHER))
    other = forced.template_transaction(outputs, OutPoint(b"\x07" * 32, 5))
    assert ctv_hash(other, 0) == forced.hash_template(outputs)
    assert forced.hash_outputs(outputs) == sha256(b"".join(each.encode() for each in outputs))


def test_a_state_is_read_only_from_the_shape_that_the_script_rebuilds():
    state = forced.genesis_state("o")
    assert state == sha256(b"lodestamp-anchor-genesis-v1\x00o")
    assert forced.read_state(PREVIOUS, SCRIPT) == state
    first, second, rest = PREVIOUS.outputs
    smuggling = replace(PREVIOUS.inputs[0], script_sig=b"\x51")
    for wrong in (
        replace(PREVIOUS, inputs=PREVIOUS.inputs[:1]),
        replace(PREVIOUS, inputs=(smuggling, PREVIOUS.inputs[1])),
        replace(PREVIOUS, outputs=(replace(first, script=OTHER), second)),
        replace(PREVIOUS, outputs=(first, rest)),
        replace(PREVIOUS, outputs=(first, replace(second, amount=1))),
        replace(PREVIOUS, outputs=(first,)),
    ):
        assert code_of(forced.read_state, wrong, SCRIPT) == "previous"
    with pytest.raises(ElementTooLarge):
        forced.read_state(replace(PREVIOUS, outputs=PREVIOUS.outputs + (rest,) * 8), SCRIPT)


def test_a_chain_is_followed_from_the_genesis_that_is_named():
    root = sha256(b"root")
    state = forced.next_state(forced.genesis_state("o"), root)
    spend = replace(
        PREVIOUS,
        inputs=(TxIn(OutPoint(PREVIOUS.txid, 0)), PREVIOUS.inputs[1]),
        outputs=(PREVIOUS.outputs[0], TxOut(0, forced.anchor_script(state))),
    )
    given = {"genesis_txid": PREVIOUS.txid, "origin": "o", "script_pubkey": SCRIPT}
    follow = forced.follow_chain
    assert follow([PREVIOUS, spend], [root], **given) == state
    assert code_of(follow, [PREVIOUS, spend], [], **given) == "genesis"
    assert code_of(follow, [PREVIOUS], [], **given | {"origin": "p"}) == "genesis"
    assert code_of(follow, [PREVIOUS], [], **given | {"genesis_txid": bytes(32)}) == "genesis"
    assert code_of(follow, [PREVIOUS, spend], [bytes(32)], **given) == "state"
    loose = replace(spend, inputs=PREVIOUS.inputs)
    assert code_of(follow, [PREVIOUS, loose], [root], **given) == "link"
