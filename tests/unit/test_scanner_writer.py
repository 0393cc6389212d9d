"""Drafts by a scan that stands at its chain's tip, and what is signed of them."""

from __future__ import annotations

from dataclasses import replace

import pytest

from lodestamp.core.ownership import Owner
from lodestamp.errors import HeightUnknown, OwnershipError, ScanBehind, UsageError, WouldBeInvalid
from lodestamp.node.chains import MINER_SCRIPT, KeyScript
from lodestamp.node.scanner import MemoryStore, OwnershipWriter, Payer, StateEngine
from written import ALICE, BOB, RULES, noise, parties, registration

TEXT = registration()


class Desk:
    """A simulator and a scan of it, which a mined block leaves behind until it is scanned."""

    def __init__(self, form):
        self.source, self.alice, self.bob = parties(form)
        self.store = MemoryStore()
        self.engine = StateEngine(self.source, self.store, RULES)
        self.engine.scan_from()

    @property
    def writer(self):
        return OwnershipWriter(self.source, self.store, fee_rate=1_000)

    def done(self, draft, *signers):
        writer = self.writer
        sent = writer.send(writer.sign(draft, signers))
        assert sent.is_sent
        self.source.mine(1, MINER_SCRIPT)
        self.engine.scan_from()
        return sent


@pytest.fixture(params=[KeyScript.P2PKH, KeyScript.P2WPKH])
def desk(request):
    return Desk(request.param)


def test_a_scan_that_lags_or_stands_elsewhere_drafts_nothing(desk):
    desk.source.mine(1, MINER_SCRIPT)
    with pytest.raises(ScanBehind) as refused:
        _ = desk.writer
    assert refused.value.source_height == refused.value.height + 1
    desk.engine.scan_from()
    desk.source.simulator.reorg(1, 1)
    with pytest.raises(ScanBehind) as refused:
        _ = desk.writer
    assert "another" in refused.value.message
    with pytest.raises(HeightUnknown):
        OwnershipWriter(desk.source, MemoryStore())


def test_a_halted_scan_drafts_nothing(desk):
    desk.store.halt("broken")
    with pytest.raises(OwnershipError) as refused:
        _ = desk.writer
    assert refused.value.code == "halted"


def test_a_draft_tells_txids_only_where_no_signature_changes_them(desk):
    """R42."""
    text = registration(noise(200))
    draft = desk.writer.register(text, Payer(desk.alice))
    assert (draft.judged.reason, draft.is_whole) == (None, False)
    is_legacy = desk.alice[:1] == b"\x76"
    assert len(draft.txids) == len(draft.plan.steps) > 2
    assert draft.txids.count(None) == (len(draft.txids) if is_legacy else 0)
    signed = desk.writer.sign(draft, [ALICE])
    assert signed.txids == tuple(tx.txid for tx in signed.signed)
    assert is_legacy or signed.txids == draft.txids


def test_owed_is_whole_satoshis_and_never_nothing(desk):
    writer, alice, bob = desk.writer, Payer(desk.alice), Payer(desk.bob)
    desk.done(writer.register(TEXT, alice), ALICE)
    with pytest.raises(WouldBeInvalid):
        desk.writer.pay(TEXT.sha1, Owner(desk.bob), alice, amount=1_000)
    sale = desk.writer.transfer(TEXT.sha1, 33_333_333, 900, seller=alice, buyer=bob)
    desk.done(sale, ALICE, BOB)
    with pytest.raises(UsageError) as refused:
        desk.writer.pay(TEXT.sha1, Owner(desk.bob), alice)
    assert refused.value.code == "nothing-owed"
    desk.done(desk.writer.tip(TEXT.sha1, bob, amount=3_001), BOB)
    draft = desk.writer.pay(TEXT.sha1, Owner(desk.bob), alice)
    assert draft.judged.amount == 3_001 * 33_333_333 // 100_000_000
    with pytest.raises(UsageError):
        desk.writer.pay(TEXT.sha1, Owner(desk.alice), alice)


def test_nothing_is_finished_of_nothing(desk):
    draft = desk.writer.register(TEXT, Payer(desk.alice))
    with pytest.raises(UsageError):
        desk.writer.finish(draft, [])
    with pytest.raises(UsageError):
        desk.writer.send(replace(draft, signed=()))
