"""Two lists of state hashes, and the first height at which they differ."""

from __future__ import annotations

import pytest

from lodestamp.errors import HeightUnknown, RulesMismatch, UsageError
from lodestamp.node.scanner import ListedHashes, first_difference


def listed(start, count, differing=10**9, rules_id=None):
    """Hashes of a scan that goes another way from a height on."""
    rows = {
        height: (height.to_bytes(32, "big"), bytes((height >= differing,)) * 32)
        for height in range(start, start + count)
    }
    return ListedHashes(rows, rules_id)


@pytest.mark.parametrize("differing", [1, 2, 7, 63, 64])
def test_the_first_difference_is_found(differing):
    assert first_difference(listed(1, 64), listed(1, 64, differing)) == differing


def test_a_bisection_asks_few_heights():
    asked = []

    class Asked(ListedHashes):
        def at(self, height):
            asked.append(height)
            return super().at(height)

    rows = listed(1, 100_000).rows
    assert first_difference(Asked(rows), listed(1, 100_000, 77_777)) == 77_777
    assert len(asked) <= 18


def test_only_heights_in_common_are_compared():
    assert first_difference(listed(1, 50), listed(40, 50, 60)) is None
    assert first_difference(listed(1, 50), listed(40, 50, 45)) == 45
    assert first_difference(listed(1, 50), listed(1, 50, 45), at=44) is None
    with pytest.raises(HeightUnknown):
        first_difference(listed(1, 50), listed(1, 50), at=51)
    with pytest.raises(HeightUnknown):
        first_difference(listed(1, 10), listed(20, 10))


def test_other_rules_cannot_be_compared():
    with pytest.raises(RulesMismatch):
        first_difference(listed(1, 5, rules_id=b"a"), listed(1, 5, rules_id=b"b"))
    assert first_difference(listed(1, 5, rules_id=b"a"), listed(1, 5)) is None


def test_a_file_of_hashes_is_read():
    lines = [f"{height} {height:064x} {'ab' * 32}\n" for height in (8, 7, 9)]
    found = ListedHashes.parse(["\n", *lines])
    assert found.heights == range(7, 10)
    assert found.at(7) == ((7).to_bytes(32, "little"), b"\xab" * 32)


@pytest.mark.parametrize(
    "lines",
    [
        [],
        ["7 ab"],
        [f"-1 {'00' * 32} {'00' * 32}"],
        [f"² {'00' * 32} {'00' * 32}"],
        [f"1 {'0g' * 32} {'00' * 32}"],
        [f"1 {'00' * 31} {'00' * 32}"],
        [f"1 {'00' * 32} {'00' * 32}"] * 2,
        [f"1 {'00' * 32} {'00' * 32}", f"3 {'00' * 32} {'00' * 32}"],
    ],
)
def test_any_other_file_is_refused(lines):
    with pytest.raises(UsageError) as refused:
        ListedHashes.parse(lines)
    assert refused.value.code == "bad-hashes"
