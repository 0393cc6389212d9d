"""The rules over random chains: held against a slow engine apart, and against themselves."""

from __future__ import annotations

from collections import Counter
from copy import deepcopy

from hypothesis import given, settings
from hypothesis import strategies as st

from lodestamp.core.ownership import (
    ASSET_UNITS,
    Registration,
    Rules,
    balances_hash,
    judge_block,
)
from ownership_chains import Chain
from publishing import WORKS
from random_publishing import BLOCKS, chain_of
from slow_ownership import SlowEngine

RULES = Rules.strict("regtest")


def rows(chain: Chain):
    """What a chain did, in the slow engine's form."""

    def place(each):
        return each.height, each.tx_index, each.txid[::-1].hex(), each.sha1

    registered, transfers = [], []
    for op in chain.ops:
        if isinstance(op, Registration):
            registered.append((*place(op), op.registrant))
        else:
            moved = (op.asset_owner, op.bitcoin_owner, op.asset_value, op.bitcoin_value)
            transfers.append((*place(op), *moved))
    flows = [
        [
            (*place(each), each.amount, each.destination, each.sources)
            for effect in chain.effects
            for each in getattr(effect, kind)
        ]
        for kind in ("tips", "payments")
    ]
    return registered, transfers, *flows


@settings(max_examples=150)
@given(BLOCKS)
def test_a_random_chain_gives_what_the_slow_engine_counts(blocks):
    """R1, R10 to R22: effects, tables and dividends, by other code from other parsers."""
    chain, slow = Chain(RULES), SlowEngine()
    for raw in chain_of(blocks):
        chain.connect(raw)
        slow.connect(raw)
    assert rows(chain) == (slow.registered, slow.transfers, slow.tips, slow.payments)
    for sha1 in chain.registrations:
        assert chain.state.holders(sha1) == slow.table(sha1)
        told = tuple(chain.dividends(sha1, view) for view in ("classic", "classic_e8", "owed_e8"))
        assert told == slow.dividends(sha1)


@settings(max_examples=60)
@given(BLOCKS, st.integers(0, 8))
def test_undoing_is_the_exact_inverse_and_a_reorganisation_is_a_fresh_scan(blocks, depth):
    """R34, R36: the state before, and the same hash again, however far it goes back."""
    raws = chain_of(blocks)
    chain = Chain(RULES)
    before = [deepcopy(chain.state)]
    for raw in raws:
        chain.connect(raw)
        before.append(deepcopy(chain.state))
    hashes = list(chain.hashes)
    back = min(depth, len(raws))
    for _ in range(back):
        chain.disconnect()
        assert chain.state == before[chain.state.height]
    for raw in raws[len(raws) - back :]:
        chain.connect(raw)
    assert chain.hashes == hashes
    assert chain.state == before[-1]
    assert balances_hash(chain.state) == balances_hash(before[-1])


@settings(max_examples=60)
@given(BLOCKS)
def test_every_table_adds_up_and_is_the_sum_of_its_transfers(blocks):
    """R13, R14: 100,000,000 units, nobody with less than one, and nothing from nowhere."""
    chain = Chain(RULES)
    for raw in chain_of(blocks):
        block = chain.read(raw)
        state = deepcopy(chain.state)
        judged = judge_block(chain.state, block, RULES)
        assert chain.state == state  # judging changes nothing
        assert chain.connect(raw) == judged
        chain.state.check_conservation()
    for sha1, table in chain.state.tables():
        moved = {chain.registrations[sha1].registrant: ASSET_UNITS}
        for transfer in chain.transfers(sha1):
            moved[transfer.asset_owner] -= transfer.asset_value
            received = moved.get(transfer.bitcoin_owner, 0) + transfer.asset_value
            moved[transfer.bitcoin_owner] = received
        assert table == moved
        assert sum(table.values()) == ASSET_UNITS
        assert min(table.values()) >= 1


def test_the_random_chains_hold_every_kind_of_effect_and_refusal():
    """The chains above are no empty ones: what they do is counted here."""
    seen: Counter[str] = Counter()

    @settings(max_examples=100, database=None, derandomize=True)
    @given(BLOCKS)
    def count(blocks):
        chain = Chain(RULES)
        for raw in chain_of(blocks):
            chain.connect(raw)
        for each in (*chain.ops, *chain.tips(WORKS[0]), *chain.payments(WORKS[0])):
            seen[type(each).__name__] += 1
        seen.update(reason for effect in chain.effects for _, _, reason in effect.rejected)

    count()
    kinds = ("Registration", "Transfer", "Tip", "DividendPayment")
    reasons = (
        "already-registered", "not-registered", "no-registrant", "bad-layout", "bad-value",
        "seller-not-signing", "no-receiver", "receiver-ambiguous", "insufficient",
    )  # fmt: skip
    assert [kind for kind in kinds if seen[kind] < 10] == [], seen
    assert [reason for reason in reasons if not seen[reason]] == [], seen
