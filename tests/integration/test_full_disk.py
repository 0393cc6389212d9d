"""A store that fails: the group fails as a whole, and the next one starts clean (N9)."""

from __future__ import annotations

import pytest
from sqlalchemy import event

from homes import audited_node, foreign_evidence, reading
from lodestamp.errors import StoreError


def test_a_full_disk_loses_nothing_and_leaves_nothing_behind(tmp_path):
    with audited_node(tmp_path / "home") as node:
        kept = [node.record(**reading(n)) for n in range(3)]
        engine = node._database._engine
        limit = {"pages": 60}

        def fill(connection):
            connection.exec_driver_sql(f"PRAGMA max_page_count={limit['pages']}")

        event.listen(engine, "begin", fill)
        ops = [foreign_evidence(n) for n in range(3_000)]
        with pytest.raises(StoreError) as refused:
            node.append([op.wire for op in ops])
        assert refused.value.code == "disk-full"
        with pytest.raises(StoreError):
            for number in range(2_000):
                node.record(source="s", kind="k", content={"n": number, "x": "y" * 3000})
        limit["pages"] = 1 << 30
        after = node.record(**reading(4))
        assert after.log_index >= len(kept)
        answers = node.append([op.wire for op in ops])
        assert [answer.status for answer in answers] == ["new"] * 3_000
