"""A cap table as SVG."""

from __future__ import annotations

from xml.dom.minidom import parseString

import pytest

from lodestamp.faces.cli.ownership_chart import HOLDERS_DRAWN_MAX, draw_cap_table


def table(amounts):
    holders = [
        {"address": f"<holder & {n}>", "amount": amount, "percent": "", "script": ""}
        for n, amount in enumerate(amounts)
    ]
    return {"sha1": "ab" * 20, "height": 7, "block_hash": "cd" * 32, "holders": holders}


def drawn(amounts):
    """The titles and lengths of the bars."""
    document = parseString(draw_cap_table(table(amounts)))  # noqa: S318  our own
    groups = document.getElementsByTagName("g")
    return [
        (
            group.getElementsByTagName("title")[0].firstChild.data,
            float(group.getElementsByTagName("rect")[0].getAttribute("width")),
        )
        for group in groups
    ]


def test_a_bar_is_as_long_as_the_share():
    bars = drawn([75_000_000, 25_000_000])
    assert [title for title, _ in bars] == [
        "<holder & 0>: 75,000,000 units",
        "<holder & 1>: 25,000,000 units",
    ]
    assert bars[0][1] == pytest.approx(3 * bars[1][1])


def test_the_smallest_holder_is_still_seen():
    assert drawn([99_999_999, 1])[1][1] == 1
    assert "&lt; 0.01 %" in draw_cap_table(table([99_999_999, 1]))


def test_many_small_holders_share_the_last_bar():
    bars = drawn([1_000_000] * 100)
    assert len(bars) == HOLDERS_DRAWN_MAX
    assert bars[-1][0] == "81 others: 81,000,000 units"
    assert len(drawn([5_000_000] * HOLDERS_DRAWN_MAX)) == HOLDERS_DRAWN_MAX


def test_nobody_is_named_so():
    row = table([100_000_000])
    row["holders"][0]["address"] = ""
    assert "nobody: 100,000,000 units" in draw_cap_table(row)
