"""What the engine says of itself."""

from __future__ import annotations

from lodestamp.node.scanner import DIVIDEND_VIEWS, Comparison, EngineStatus


def status(**changed):
    told = {
        "network": "main", "rules_id": b"\x01" * 32, "height": 7, "block_hash": bytes(31) + b"\x01",
        "state_hash": b"\x02" * 32, "source_height": 9, "lag": 2, "blocks_per_s": 1.26,
        "mb_per_s": 2.04, "eta_s": 1.6, "reorgs": 0, "deepest_reorg": 0, "halted": None,
        "assets": 1, "ops": 2, "tips": 3, "payments": 4,
    }  # fmt: skip
    return EngineStatus(**{**told, **changed})


def test_a_status_is_told_with_hashes_as_people_read_them():
    found = status().as_json()
    assert found["block_hash"] == "01" + "00" * 31
    assert found["state_hash"] == "02" * 32
    assert (found["blocks_per_s"], found["mb_per_s"], found["eta_s"]) == (1.3, 2.0, 2)


def test_before_the_first_block_there_is_no_height():
    found = status(height=None, block_hash=None, eta_s=None, lag=None).as_json()
    assert (found["height"], found["block_hash"], found["eta_s"], found["lag"]) == (None,) * 4


def test_there_are_three_views_and_a_comparison_may_be_of_hashes_alone():
    assert DIVIDEND_VIEWS == ("classic", "classic_e8", "owed_e8")
    assert Comparison(equal=True, height=3).theirs is None
