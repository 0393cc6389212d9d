"""Provenance that anyone can check offline.

>>> import tempfile, pathlib, lodestamp
>>> folder = pathlib.Path(tempfile.mkdtemp())
>>> _ = (folder / "report.txt").write_text("the tide was high")
>>> with lodestamp.open(folder / "home") as node:
...     proof = node.stamp(folder / "report.txt")
>>> verdict = lodestamp.verify(proof, content=folder / "report.txt")
>>> str(verdict.verdict), verdict.exit_code
('established', 0)

Names are loaded when they are first used: verifying never imports the database.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lodestamp.core.proof import Proof, Trust
    from lodestamp.core.verdict import Leg, Status, Verdict
    from lodestamp.errors import LodestampError
    from lodestamp.node.home import Node
    from lodestamp.node.opening import open  # noqa: A004
    from lodestamp.node.verifying import verify
    from lodestamp.version import __version__

_HOMES = {
    "LodestampError": "lodestamp.errors",
    "Leg": "lodestamp.core.verdict",
    "Node": "lodestamp.node.home",
    "Proof": "lodestamp.core.proof",
    "Status": "lodestamp.core.verdict",
    "Trust": "lodestamp.core.proof",
    "Verdict": "lodestamp.core.verdict",
    "__version__": "lodestamp.version",
    "open": "lodestamp.node.opening",
    "verify": "lodestamp.node.verifying",
}

__all__ = [
    "Leg",
    "LodestampError",
    "Node",
    "Proof",
    "Status",
    "Trust",
    "Verdict",
    "__version__",
    "open",
    "verify",
]


def __getattr__(name: str) -> object:
    if name not in _HOMES:
        raise AttributeError(f"module 'lodestamp' has no attribute {name!r}")
    value = getattr(import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(__all__)
