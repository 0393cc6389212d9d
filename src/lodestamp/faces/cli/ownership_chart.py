"""A cap table drawn as SVG: one bar a holder, largest first."""

from __future__ import annotations

from typing import Any, Final
from xml.sax.saxutils import escape

HOLDERS_DRAWN_MAX: Final = 20
"""Bars: with more of them nobody reads any; the smaller holders share the last."""

_WIDTH: Final = 760
_ROW: Final = 30
_TOP: Final = 72
_BAR_LEFT: Final = 330
_BAR_WIDTH: Final = 300
_COLOURS: Final = ("#1f6feb", "#2da44e", "#bf8700", "#8250df", "#cf222e", "#1b7c83")
_REST: Final = "#8c959f"


def draw_cap_table(table: dict[str, Any]) -> str:
    """Return an SVG document of a cap table as `View.cap_table` gives it."""
    rows = _rows(table["holders"])
    height = _TOP + _ROW * len(rows) + 24
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{height}" '
        f'viewBox="0 0 {_WIDTH} {height}" font-family="sans-serif" font-size="13" role="img">'
    )
    place = f"block {table['height']:,} · {table['block_hash']}"
    parts = [
        opening,
        f"<title>Who holds {escape(table['sha1'])}</title>",
        f'<rect width="{_WIDTH}" height="{height}" fill="#ffffff"/>',
        f'<text x="24" y="30" font-size="16" fill="#1f2328">{escape(table["sha1"])}</text>',
        f'<text x="24" y="50" fill="#59636e">{place}</text>',
        *(_bar(at, *row) for at, row in enumerate(rows)),
        "</svg>\n",
    ]
    return "\n".join(parts)


def _rows(holders: list[dict[str, Any]]) -> list[tuple[str, int, str]]:
    """Return name, units and colour of each bar."""
    drawn, rest = holders, []
    if len(holders) > HOLDERS_DRAWN_MAX:
        drawn, rest = holders[: HOLDERS_DRAWN_MAX - 1], holders[HOLDERS_DRAWN_MAX - 1 :]
    rows = [
        (row["address"] or "nobody", row["amount"], _COLOURS[at % len(_COLOURS)])
        for at, row in enumerate(drawn)
    ]
    if rest:
        rows.append((f"{len(rest):,} others", sum(row["amount"] for row in rest), _REST))
    return rows


def _bar(at: int, name: str, amount: int, colour: str) -> str:
    y = _TOP + at * _ROW
    share = amount / 1_000_000
    shown = f"{share:.2f} %" if share >= 0.005 else "&lt; 0.01 %"
    length = max(_BAR_WIDTH * amount / 100_000_000, 1)
    short = name if len(name) <= 42 else f"{name[:20]}…{name[-20:]}"
    return (
        f"<g><title>{escape(name)}: {amount:,} units</title>"
        f'<text x="24" y="{y + 18}" fill="#1f2328" font-size="12">{escape(short)}</text>'
        f'<rect x="{_BAR_LEFT}" y="{y + 4}" width="{length:.2f}" height="20" rx="3" '
        f'fill="{colour}"/>'
        f'<text x="{_BAR_LEFT + length + 8:.2f}" y="{y + 18}" fill="#1f2328">{shown}</text></g>'
    )
