"""A home and its calendars, from a sealed checkpoint to a block (R41, R50, R53, R63, R68, R70)."""

from __future__ import annotations

import json
import time
from dataclasses import replace

import pytest
from sqlalchemy import select, update

import lodestamp
from anchoring import anchorer_over, make_world
from calendars import anchor_all, findings, put_header, served_over
from chains import OTHER
from homes import assert_clean, reading
from lodestamp.core.proof import Anchor, AnchorKind
from lodestamp.core.timestamps import (
    BitcoinHeader,
    Pending,
    encode_path,
    parse_timestamp,
    walk,
)
from lodestamp.core.transparency import parse_note, verify_cosignatures
from lodestamp.errors import CalendarError, InputError, StoreError
from lodestamp.node.anchors.tables import headers, submissions
from lodestamp.node.anchors.witness.cosignatures import keep_cosignatures
from lodestamp.node.calendar_rounds import CalendarRounds
from lodestamp.node.calendars import promised_by
from witnesses import W1, W2, W3, cosigned

URI = "https://calendar.example"


@pytest.fixture
def node(tmp_path):
    """A home with a calendar of its own; nobody serves it, and nobody needs to."""
    home = tmp_path / "home"
    with lodestamp.open(home) as node:
        node.open_calendar(URI).close()
        yield node
        origin = node.origin
    # blocks that are only written down have no work: the other auditors would say so
    assert findings(home / "lodestamp.db", origin) == []


def recorded(node, number):
    return node.record(**reading(number)).op_id


def test_nothing_is_sent_where_no_calendar_was_named(tmp_path):
    with lodestamp.open(tmp_path / "home") as node:
        op_id = recorded(node, 0)
        assert node.calendars.uris() == ()
        assert node.calendars.submit() == []
        upgraded = node.calendars.upgrade(node.prove(op_id))
        assert (upgraded.is_complete, upgraded.pending) == (False, {})
        with node._database.reading("test") as connection:
            assert connection.execute(select(submissions)).all() == []


def test_r50_our_own_digest_is_a_commitment_as_it_is(node):
    op_id = recorded(node, 0)
    (submission,) = node.calendars.submit()
    assert list(walk(submission.timestamp)) == [(submission.digest, Pending(URI))]
    assert node.calendars.journal.holds(submission.digest)
    proof = node.calendars.anchored(node.prove(op_id), 1)
    assert promised_by(proof) == [URI]
    (anchor,) = proof.anchors
    assert (anchor.kind, anchor.network, anchor.height) == (AnchorKind.OTS, "main", None)
    assert lodestamp.verify(proof).leg("time").code == "time.pending"


def test_r68_an_upgrade_takes_all_from_the_smallest_anchored_checkpoint(node):
    ids = [recorded(node, 0)]
    proofs = [node.prove(ids[0])]
    for number in range(1, 4):
        ids.append(recorded(node, number))
        proofs.append(node.prove(ids[-1]))
    node.calendars.submit()  # the checkpoint of size 4
    recorded(node, 4)
    anchor_all(node._database, 7)
    node.calendars.submit()  # and one of size 5, which is not anchored
    for index, proof in enumerate(proofs):
        upgraded = node.calendars.upgrade(proof)
        assert upgraded.is_complete, upgraded.pending
        assert (upgraded.proof.log.index, upgraded.proof.log.size) == (index, 4)
        assert upgraded.proof.checkpoint.note == node.checkpoint(4).decode()
        (anchor,) = upgraded.proof.anchors
        assert anchor.height == 7
        assert upgraded.proof.subject == proof.subject
        assert lodestamp.verify(upgraded.proof).leg("log").status == "established"
    late = node.calendars.upgrade(node.prove(recorded(node, 5)))
    assert not late.is_complete


def cosign(node, size, *witnesses):
    """Store what witnesses sign of the checkpoint of a size, as the client does."""
    note = node.checkpoint(size)
    text = parse_note(note).text
    lines = "".join(each.sign(text, 1_767_225_660).line() + "\n" for each in witnesses)
    keys = [each.verifier_key for each in witnesses]
    said = verify_cosignatures(parse_note(f"{text}\n{lines}".encode()), keys)
    with node._database.writing("test") as connection:
        keep_cosignatures(connection, size, said, {(k.name, k.key_id): k for k in keys})


def witnessed_by(proof, *witnesses, k=1):
    trust = {
        "version": 1,
        "unpinned": "self_asserted",
        "witnesses": {"k": k, "of": [each.verifier_key.text() for each in witnesses]},
    }
    return lodestamp.verify(proof, trust=json.dumps(trust).encode()).leg("witnesses")


def test_a_proof_carries_the_cosignatures_of_its_checkpoint_and_its_signers_keys(node):
    """§9: `checkpoint.vkeys` are those of the signers; R68: an upgrade takes those of its own."""
    op_id = recorded(node, 0)
    cosign(node, 1, W1)
    proof = node.prove(op_id)
    keys = {node.log_key, W1.verifier_key}
    assert set(proof.checkpoint.vkeys) == keys
    assert witnessed_by(proof, W1).status == "established"
    cosign(node, 1, W2)
    later = node.calendars.upgrade(proof).proof  # nothing is anchored, and more have cosigned
    assert set(later.checkpoint.vkeys) == keys | {W2.verifier_key}
    foreign = node.calendars.upgrade(cosigned(later, W3)).proof
    assert W3.verifier_key in foreign.checkpoint.vkeys  # none is dropped that we do not know
    recorded(node, 1)
    node.calendars.submit()
    cosign(node, 2, W1, W2)
    promised = node.calendars.upgrade(proof)
    assert promised.proof.checkpoint == later.checkpoint
    anchor_all(node._database, 7)
    upgraded = node.calendars.upgrade(proof).proof
    assert upgraded.log.size == 2
    assert set(upgraded.checkpoint.vkeys) == keys | {W2.verifier_key}
    assert witnessed_by(upgraded, W1, W2, k=2).basis == "2 of 2 witnesses"
    assert lodestamp.verify(upgraded).leg("witnesses").code == "witnesses.none_trusted"
    assert lodestamp.verify(upgraded).leg("checkpoint").status == "established"


def test_r53_a_block_that_our_headers_do_not_have_completes_nothing(node):
    op_id = recorded(node, 0)
    node.calendars.submit()
    anchor_all(node._database, 7)
    put_header(node._database, 7, b"\x07" * 32)
    proof = node.prove(op_id)
    upgraded = node.calendars.upgrade(node.calendars.anchored(proof, 1))
    assert upgraded.pending == {URI: "it does not lead to Bitcoin block 7 as known here"}
    assert promised_by(upgraded.proof) == [URI]  # the promise is kept
    with node._database.writing("test") as connection:
        connection.execute(headers.delete())
    upgraded = node.calendars.upgrade(proof)
    assert upgraded.pending == {URI: "no header of Bitcoin block 7 is known here"}


def test_r63_a_block_that_left_the_best_chain_is_asked_for_again(node):
    proof = node.prove(recorded(node, 0))
    node.calendars.submit()
    merkle_root = anchor_all(node._database, 7)
    assert node.calendars.upgrade(proof).is_complete
    put_header(node._database, 7, bytes(32))
    assert not node.calendars.upgrade(proof).is_complete
    put_header(node._database, 7, merkle_root)
    assert node.calendars.upgrade(proof).is_complete


def test_r70_a_proof_carries_the_block_and_five_more(tmp_path):
    """A real chain: the anchorer of a home works on the journal of that home."""
    world = make_world(tmp_path, coins=1)
    world.database.close()
    home = tmp_path / "home"
    with lodestamp.open(home) as node:
        node.open_calendar(URI).close()
        proof = node.prove(recorded(node, 0))
        node.calendars.submit()
        anchorer = anchorer_over(node._database, world.source, world.clock, [])
        anchorer.poll()
        for blocks in range(7):
            assert node.calendars.upgrade(proof).is_complete is (blocks >= 6)
            world.source.mine(1, OTHER)
            anchorer.poll()
            node.calendars.follow(world.source)
        upgraded = node.calendars.upgrade(proof)
        (anchor,) = upgraded.proof.anchors
        assert anchor.network == "regtest"
        assert len(anchor.run()) == 6
        legs = lodestamp.verify(upgraded.proof, network="regtest")
        assert legs.leg("time").status == "established", legs.leg("time")
    assert_clean(home)


def test_the_promises_of_another_log_are_followed_where_it_was_named(tmp_path):
    """Bea has a proof of Ann's; its promise is at Cal's, whom she names or does not."""
    world = make_world(tmp_path, coins=1)
    try:
        with (
            served_over(world.database) as cal,
            lodestamp.open(tmp_path / "ann") as ann,
            lodestamp.open(tmp_path / "bea") as bea,
        ):
            op_id = recorded(ann, 0)
            ann.calendars.submit([cal.url])
            proof = ann.calendars.anchored(ann.prove(op_id), 1)
            assert promised_by(proof) == [cal.url]
            strangers = bea.calendars.upgrade(proof)
            assert strangers.pending == {
                cal.url: "it is no calendar that was named: --calendar names one"
            }
            bea.calendars.follow(world.source)
            other = bea.calendars.upgrade(proof, [cal.url])
            assert other.pending == {
                "headers": "this home knows the headers of regtest, not of main"
            }

            ann.calendars.follow(world.source)
            proof = ann.calendars.anchored(ann.prove(op_id), 1)
            waiting = bea.calendars.upgrade(proof, [cal.url])
            assert waiting.pending == {cal.url: "Pending confirmation in Bitcoin blockchain"}
            world.anchorer.poll()
            world.mine(6)
            bea.calendars.follow(world.source)
            upgraded = bea.calendars.upgrade(proof, [cal.url])
            assert upgraded.is_complete
            assert upgraded.proof.checkpoint == proof.checkpoint
            (anchor,) = upgraded.proof.anchors
            assert list(_kinds(anchor, upgraded.proof)) == [BitcoinHeader]

            # R70: a run that was short when it was made grows with the chain
            young = replace(anchor, headers=anchor.headers[:80])
            short = replace(upgraded.proof, anchors=(young,))
            assert bea.calendars.upgrade(short).proof == upgraded.proof
            odd = replace(young, headers=bytes(80))
            strange = replace(upgraded.proof, anchors=(odd,))
            assert bea.calendars.upgrade(strange).proof == strange

            # R53: no promise is dropped for a block that was not verified here
            (promise,) = proof.anchors
            for carried in (odd, replace(odd, network="main")):
                both = replace(proof, anchors=tuple(sorted((promise, carried), key=_order)))
                assert promised_by(bea.calendars.upgrade(both).proof) == [cal.url]
            other = replace(promise, network="main")
            both = replace(proof, anchors=(other, promise))
            done = bea.calendars.upgrade(both, [cal.url])
            assert [(each.network, each.height) for each in done.proof.anchors] == [
                ("main", None),
                ("regtest", anchor.height),
            ]
            assert list(done.pending) == ["headers"]
    finally:
        world.database.close()
    for home in ("ann", "bea"):
        assert_clean(tmp_path / home)


def _order(anchor):
    return anchor.order


def _kinds(anchor, proof):
    from lodestamp.node.calendars import _digest_of

    digest = _digest_of(proof.log, proof.checkpoint)
    return (type(each) for _, each in walk(parse_timestamp(anchor.ots, digest, strict=True)))


def test_a_calendar_that_is_away_is_tried_again_later(tmp_path):
    with lodestamp.open(tmp_path / "home") as node:
        recorded(node, 0)
        with pytest.raises(CalendarError) as refused:
            node.calendars.submit(["http://127.0.0.1:1"])
        assert refused.value.code == "calendar.too-few"
        assert node.calendars.try_due(at_once=True).postponed == 1
        with node._database.reading("test") as connection:
            row = connection.execute(select(submissions)).one()
        assert (row.state, row.ots, row.tries) == ("unsent", b"", 2)
        assert row.reason
    assert_clean(tmp_path / "home")


def test_what_was_only_noted_is_sent_by_the_next_round(node):
    recorded(node, 0)
    node.calendars.note()
    assert not node.calendars.journal.export(_Nowhere())
    assert node.calendars.try_due().promised == 1
    assert node.calendars.journal.export(_Nowhere()) == 1


class _Nowhere:
    def write(self, _record):
        pass


def test_a_node_that_serves_submits_and_asks_by_itself(node):
    import time

    proof = node.prove(recorded(node, 0))
    with CalendarRounds(node.calendars):
        deadline = time.monotonic() + 20
        while not node.calendars.own.timestamp(URI, b"") or not node.calendars.journal.export(
            _Nowhere()
        ):
            assert time.monotonic() < deadline
            time.sleep(0.1)
    anchor_all(node._database, 7)
    with node._database.writing("test") as connection:
        connection.execute(update(submissions).values(next_try=0))
    node.calendars.try_due()
    assert node.calendars.upgrade(proof).is_complete


def test_a_checkpoint_that_could_not_even_be_noted_is_handed_on_later(node, monkeypatch):
    """A disk that is full for a moment must not keep the newest checkpoint from its calendar."""
    monkeypatch.setattr("lodestamp.node.calendar_rounds._TICK_S", 0.01)
    monkeypatch.setattr("lodestamp.node.calendar_rounds._AGAIN_S", 0.01)
    recorded(node, 0)
    really, failed = node.calendars.submit, []

    def submit(*, size):
        if not failed:
            failed.append(size)
            raise StoreError("the disk is full")
        return really(size=size)

    monkeypatch.setattr(node.calendars, "submit", submit)
    with CalendarRounds(node.calendars):
        deadline = time.monotonic() + 10
        while not node.calendars._submissions.of(1):
            assert time.monotonic() < deadline
            time.sleep(0.01)
    assert failed == [1]


def test_a_proof_without_a_log_has_nothing_to_upgrade(node):
    from dataclasses import replace

    proof = replace(node.prove(recorded(node, 0)), log=None, checkpoint=None)
    with pytest.raises(InputError):
        node.calendars.upgrade(proof)


def test_a_proof_that_only_claims_to_be_of_this_log_is_followed_as_a_strangers(node):
    from dataclasses import replace

    one, two = recorded(node, 0), recorded(node, 1)
    node.calendars.submit()
    anchor_all(node._database, 7)
    proof = node.prove(one)
    forged = replace(proof, subject=node.prove(two).subject)
    assert not node.calendars.upgrade(forged).is_complete


def test_an_anchor_that_is_no_timestamp_is_refused(node):
    from dataclasses import replace

    anchor = Anchor(AnchorKind.OTS, "main", encode_path((), Pending(URI))[:-1])
    proof = replace(node.prove(recorded(node, 0)), anchors=(anchor,))
    with pytest.raises(InputError):
        node.calendars.upgrade(proof)
