"""One hash per height: R24 to R26."""

from __future__ import annotations

from dataclasses import replace
from hashlib import sha256

from judged import (
    ALICE,
    BOB,
    SHA1,
    STRICT,
    block_of,
    carried,
    heart,
    hearted,
    registered,
    sale,
    transfer_op,
)
from lodestamp.core.ownership import (
    BlockEffect,
    Rules,
    State,
    balances_bytes,
    balances_hash,
    effect_bytes,
    first_state_hash,
    judge_block,
    next_state_hash,
)


def effect() -> BlockEffect:
    carrier = carried(transfer_op(5), (BOB, ALICE), 1, sale())
    return judge_block(
        registered(), block_of(3, carrier, hearted(heart((9, ALICE)), (BOB,), 2)), STRICT
    )


def test_R25_the_bytes_of_an_effect_are_those_of_the_format():
    sold = f'"from":"{ALICE.hex()}","index":1,"op":"t","sat":900,"sha1":"{SHA1}"'
    sold += f',"to":"{BOB.hex()}","txid":"{"01" * 32}","value":5'
    tipped = f'"amount":9,"index":2,"sha1":"{SHA1}","to":"{ALICE.hex()}","txid":"{"02" * 32}"'
    whole = f'"height":3,"ops":[{{{sold}}}],"payments":[],"tips":[{{{tipped}}}]'
    assert effect_bytes(effect()).decode() == f"{{{whole}}}"


def test_R25_what_was_rejected_and_who_sent_a_tip_is_not_hashed():
    told = effect()
    silent = replace(told, rejected=((b"", 1, "x"),), tips=(replace(told.tips[0], sources=()),))
    assert effect_bytes(silent) == effect_bytes(told)


def test_R24_every_block_moves_the_hash_even_an_empty_one():
    start = first_state_hash(STRICT)
    assert start == sha256(b"lodestamp/ownership/state/1" + STRICT.rules_id).digest()
    empty = BlockEffect(1, bytes(32))
    digest = sha256(b'{"height":1,"ops":[],"payments":[],"tips":[]}').digest()
    assert next_state_hash(start, bytes(32), empty) == sha256(start + bytes(32) + digest).digest()
    others = {
        next_state_hash(start, b"\x01" * 32, empty),
        next_state_hash(first_state_hash(Rules.peer_compat("regtest")), bytes(32), empty),
        next_state_hash(start, bytes(32), replace(empty, height=2)),
        next_state_hash(start, bytes(32), empty),
    }
    assert len(others) == 4


def test_R26_the_hash_of_balances_knows_no_history():
    one, two = registered(STRICT, (ALICE, BOB, 5), (ALICE, BOB, 7)), registered()
    assert balances_hash(one) == balances_hash(registered(STRICT, (ALICE, BOB, 12)))
    assert balances_hash(one) != balances_hash(two)
    assert balances_bytes(State(0).tables()) == b"{}"
    assert balances_bytes(two.tables()).decode() == f'{{"{SHA1}":{{"{ALICE.hex()}":100000000}}}}'
