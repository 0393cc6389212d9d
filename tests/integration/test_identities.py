"""Identities of a home: pre-rotation, several authors, sealed keys, and what a crash leaves."""

from __future__ import annotations

import json
import stat
from concurrent.futures import ThreadPoolExecutor
from itertools import permutations

import pytest

import lodestamp
from homes import NOW, assert_clean, audited_node, reading
from lodestamp.core.keys import KeyEvent, SigningKey, next_key_digest
from lodestamp.core.operations import build_op, key
from lodestamp.errors import HomeError, KeyEventError, SignatureError, UsageError

HORSE = "correct horse"


@pytest.mark.parametrize("suite", ["ed25519", "mldsa65", "hybrid"])
def test_an_identity_begins_rotates_signs_and_ends(tmp_path, suite):
    """K6-K8, K11: for every suite, its operations verify from the key events in the log."""
    home = tmp_path / "home"
    with audited_node(home) as node:
        begun = node.identities.new(suite=suite, entity="agent", alias="robot")
        assert begun.did.startswith("did:pn:agent:")
        assert begun.key_id.startswith(f"{suite}:")
    with lodestamp.open(home, author="robot") as node:
        first = node.op(node.record(**reading(1)).op_id)
        rotated = node.identities.rotate("robot")
    assert (first.author, rotated.index) == (begun.key_id, 1)
    assert rotated.key_id != begun.key_id
    with lodestamp.open(home, author=begun.did, node="other") as node:
        second = node.op(node.record(**reading(2)).op_id)
        assert (second.author, second.node) == (rotated.key_id, "other")
        before = node.identities.resolve(begun.did, at_index=1)
        assert before.key.key_id == begun.key_id
        ended = node.identities.deactivate("robot")
    assert (ended.key_id, ended.index) == (None, 2)
    with pytest.raises(UsageError) as refused:
        lodestamp.open(home, author="robot")
    assert refused.value.code == "deactivated"
    with lodestamp.open(home) as node:
        for change in (node.identities.rotate, node.identities.deactivate):
            with pytest.raises(UsageError):
                change("robot")
    assert_clean(home)


def test_a_stolen_current_key_cannot_rotate(tmp_path):
    """K8: an event by another key than was promised is kept, and is no part of the key log."""
    thief = SigningKey.from_seed("ed25519", b"t" * 32)
    with audited_node(tmp_path / "home") as node:
        made = node.identities.new(alias="me")
        begun = node.op(node.identities.resolve(made.did).op_id)
        event = KeyEvent.parse(begun.body["event"]).rotation(thief.public_key)
        forged = build_op(thief, "x", "key", key(event), (begun.op_id,), begun.ts, version=2, seq=0)
        assert node.append([forged.wire])[0].status == "new"
        assert node.identities.show("me").key_id == made.key_id
        assert node.identities.rotate("me").index == 1


def test_an_event_that_a_stranger_signed_lets_nobody_in(tmp_path):
    """K8: whatever index it claims, it speaks for no identity, so it makes no owner (§11)."""
    home = tmp_path / "home"
    thief = SigningKey.from_seed("ed25519", b"t" * 32)
    with audited_node(home) as node:
        made = node.identities.new()
        begun = node.op(node.identities.resolve(made.did).op_id)
        said = KeyEvent.parse(begun.body["event"]).rotation(thief.public_key).document
        prev = (begun.op_id,)
        for seq, index in enumerate((1, 2, 99)):
            event = KeyEvent.parse({**said, "index": index, "prior": begun.op_id})
            forged = build_op(thief, "x", "key", key(event), prev, begun.ts, version=2, seq=seq)
            assert node.append([forged.wire])[0].status == "new"
            prev = (forged.op_id,)
    with lodestamp.open(home, roots=[made.did]) as node:
        assert not node.peers.delegation.is_root(thief.key_id)
        assert node.peers.delegation.is_root(made.key_id)
        rotated = node.identities.rotate(made.did)
        assert not node.peers.delegation.is_root(made.key_id)
        assert node.peers.delegation.is_root(rotated.key_id)
        node.identities.deactivate(made.did)
        assert not node.peers.delegation.is_root(rotated.key_id)


def test_rotations_at_the_same_time_follow_one_another(tmp_path):
    """K8: two from one event would be a fork, and would end the identity's rotations."""
    with audited_node(tmp_path / "home") as node:
        made = node.identities.new()
        with ThreadPoolExecutor(4) as pool:
            rotated = list(pool.map(node.identities.rotate, [made.did] * 4))
        assert max(each.index for each in rotated) == 4
        state = node.identities.resolve(made.did)
        assert (state.index, state.disputed) == (4, False)


def test_the_order_in_which_key_events_came_decides_nothing(tmp_path):
    """S1, K9: an event may come before the one it follows, when its carrier stands beside it."""
    keys = [SigningKey.from_seed("ed25519", bytes([n]) * 32) for n in (1, 2, 3)]
    first = KeyEvent.inception(
        "human", keys[0].public_key, nonce=bytes(16), next=next_key_digest(keys[1].key_id)
    )
    second = first.rotation(keys[1].public_key, next=next_key_digest(keys[2].key_id))
    third = second.rotation(keys[2].public_key)
    wires = [
        build_op(signer, "x", "key", key(event), (), NOW, version=2, seq=0).wire
        for signer, event in zip(keys, (first, second, third), strict=True)
    ]
    for turn, order in enumerate(permutations(wires)):
        with audited_node(tmp_path / f"home{turn}") as node:
            for wire in order:
                assert node.append([wire])[0].status == "new"
            assert node.identities.resolve(first.did).key == keys[2].public_key


def test_keys_are_private_files_and_sealed_under_a_passphrase(tmp_path):
    """K4."""
    home = tmp_path / "home"
    with lodestamp.open(home, passphrase=HORSE) as node:
        made = node.identities.new(alias="me")
    files = [path for path in (home / "keys").iterdir() if path.suffix == ".key"]
    assert len(files) == 4
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}
    sealed = [json.loads(path.read_text()) for path in files if "ed25519-" in path.name]
    assert [set(each) for each in sealed] == [{"format", "key_id", "suite", "sealed"}] * 2
    for passphrase in (None, HORSE[::-1]):
        with pytest.raises(HomeError) as refused:
            lodestamp.open(home, author="me", passphrase=passphrase)
        assert refused.value.code == "key-locked"
    with lodestamp.open(home, author="me", passphrase=HORSE) as node:
        assert node.op(node.record(**reading(1)).op_id).author == made.key_id
    box = next(path for path in files if made.key_id.partition(":")[2][:32] in path.name)
    other = next(path for path in files if "ed25519-" in path.name and path != box)
    torn = json.loads(box.read_text()) | {"sealed": json.loads(other.read_text())["sealed"]}
    box.write_text(json.dumps(torn))  # the box is bound to its key id
    with pytest.raises(HomeError):
        lodestamp.open(home, author="me", passphrase=HORSE)


def test_roots_are_the_home_s_own_key_until_the_owner_pins_others(tmp_path):
    home = tmp_path / "home"
    with audited_node(home) as node:
        assert node.roots == (node.key_id,)
        did = node.identities.new().did
    with lodestamp.open(home, roots=[did]) as node:
        assert node.roots == (did,)
    with audited_node(home) as node:
        assert node.roots == (did,)
    with pytest.raises(UsageError):
        lodestamp.open(home, roots=["alice"])


def test_a_signer_that_is_not_a_file_may_author(tmp_path):
    device = SigningKey.from_seed("ed25519", b"d" * 32)
    with lodestamp.open(tmp_path / "home", signer=device) as node:
        assert node.op(node.record(**reading(1)).op_id).author == device.key_id
    quantum = SigningKey.from_seed("mldsa65", b"d" * 32)
    with lodestamp.open(tmp_path / "home", signer=quantum) as node:
        with pytest.raises(SignatureError) as refused:
            node.record(**reading(2))
        assert refused.value.code == "key-unknown"
    assert_clean(tmp_path / "home")


def test_what_makes_no_sense_is_refused_by_name(tmp_path):
    with audited_node(tmp_path / "home") as node:
        for call in (
            lambda: node.identities.new(suite="rsa"),
            lambda: node.identities.new(alias="No Name"),
            lambda: node.identities.new(alias="author"),
            lambda: node.identities.rotate(node.key_id),
            lambda: node.identities.show("nobody"),
        ):
            with pytest.raises(UsageError):
                call()
        for wrong in ({"entity": "god"}, {"owner": "me"}):
            with pytest.raises(KeyEventError):
                node.identities.new(**wrong)
        with pytest.raises(KeyEventError):
            node.identities.resolve("did:pn:human:" + "0" * 64)
    for wrong in ({"cap": "x"}, {"node": "\n"}, {"author": "nobody"}):
        with pytest.raises(UsageError):
            lodestamp.open(tmp_path / "home", **wrong)


def test_a_name_is_given_once(tmp_path):
    with audited_node(tmp_path / "home") as node:
        node.identities.new(alias="me")
        with pytest.raises(UsageError):
            node.identities.new(alias="me")
        assert [each.aliases for each in node.identities.all()].count(("me",)) == 1
    (tmp_path / "home/keys/aliases.json").write_text('{"me": 5}')
    with pytest.raises(HomeError) as refused:
        lodestamp.open(tmp_path / "home", author="me")
    assert refused.value.code == "aliases"
