"""docs/limits.md, written from the source: run this file to renew the page.

A limit is a public module-level constant whose name ends in ``_MAX``. Its value is read from the
imported module and its reason from the docstring below it.
"""

from __future__ import annotations

import ast
import importlib
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
SOURCE = REPOSITORY / "src"
PAGE = REPOSITORY / "docs" / "limits.md"

HEAD = """\
# Limits

Every number that bounds an input, with its reason. A passed limit is a typed error or a refuted
leg; nothing is cut off silently. This page is written from the source.

| room | limit | value | reason |
|---|---|---|---|
"""


def limits(path: Path) -> list[tuple[str, str, float, str]]:
    """Return room, name, value and reason of each limit that this module defines."""
    names = path.relative_to(SOURCE).with_suffix("").parts
    module = ".".join(names[:-1] if names[-1] == "__init__" else names)
    room = names[2] if len(names) > 3 else names[-1]
    found = []
    body = ast.parse(path.read_text("utf-8")).body
    for node, after in zip(body, [*body[1:], None], strict=True):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            name = node.target.id
            if name.endswith("_MAX") and not name.startswith("_"):
                value = getattr(importlib.import_module(module), name)
                found.append((room, name, value, _docstring(after)))
    return found


def _docstring(node: ast.stmt | None) -> str:
    if isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant):
        return " ".join(str(node.value.value).split()).replace("|", r"\|")
    return ""


def page() -> str:
    """Return the page as it should be."""
    found = sorted(limit for path in SOURCE.rglob("*.py") for limit in limits(path))
    rows = (f"| {room} | `{name}` | {value:,} | {why} |\n" for room, name, value, why in found)
    return HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.write_text(page(), "utf-8")
