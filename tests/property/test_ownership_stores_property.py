"""Random chains through two stores, with reorganisations: the same answers, and a clean audit."""

from __future__ import annotations

from itertools import count
from types import SimpleNamespace

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lodestamp.core.ownership import Rules
from lodestamp.node.findings import AuditReport
from lodestamp.node.scanner import MemoryStore, SqlStore, audit_ownership
from ownership_chains import FedStore
from random_publishing import BLOCKS, chain_of

RULES = Rules.strict("regtest")
NUMBERS = count()


def answers(store, sha1):
    """What a store says of a work at every height."""
    top = store.tip().height
    return SimpleNamespace(
        tables=[store.holders(sha1, at) for at in range(top + 1)],
        effects=[store.effect(at) for at in range(1, top + 1)],
        transfers=store.find_transfers(sha1),
        tips=store.find_tips(sha1),
        payments=store.find_dividend_payments(sha1),
        late=store.transfers_after(sha1, top // 2),
        state=store.load_state(),
        hash=store.tip().state_hash,
        counts=store.counts(),
    )


@settings(max_examples=25, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(BLOCKS, st.integers(1, 6))
def test_stores_agree_whatever_was_undone_and_the_auditor_finds_nothing(tmp_path, blocks, depth):
    """R2, R34, R36, R38: the store, and how a tip was reached, change no bit."""
    raws = chain_of(blocks)
    url = f"sqlite:///{tmp_path}/{next(NUMBERS)}.db"
    database = SqlStore(url)
    plain, undone = FedStore(MemoryStore(), RULES), FedStore(database, RULES)
    with database.writing(), database.transaction():
        for raw in raws:
            plain.connect(raw)
            undone.connect(raw)
        back = min(depth, len(raws) - 1)
        for _ in range(back):
            undone.disconnect()
        for raw in raws[len(raws) - back :]:
            undone.connect(raw)
    for sha1 in plain.store.works():
        assert answers(database, sha1) == answers(plain.store, sha1)
    assert database.works() == plain.store.works()
    report = AuditReport()
    audit_ownership(url, report)
    assert report.findings == []
    database.close()
