"""Content on disk: reading files whose addresses core computes, and keeping their blocks.

Names are loaded when they are first used: reading a file never imports the database.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lodestamp.node.blocks.audit import audit_blocks
    from lodestamp.node.blocks.garbage import GRACE_MS, Collected, collect_garbage
    from lodestamp.node.blocks.pins import Pin, parse_mode
    from lodestamp.node.blocks.source import SourceFile, unreadable
    from lodestamp.node.blocks.store import BlockStore
    from lodestamp.node.blocks.writer import BlockWriter, FileRef

_PLACES = {
    "GRACE_MS": "garbage",
    "BlockStore": "store",
    "BlockWriter": "writer",
    "Collected": "garbage",
    "FileRef": "writer",
    "Pin": "pins",
    "SourceFile": "source",
    "audit_blocks": "audit",
    "collect_garbage": "garbage",
    "parse_mode": "pins",
    "unreadable": "source",
}

__all__ = [
    "GRACE_MS",
    "BlockStore",
    "BlockWriter",
    "Collected",
    "FileRef",
    "Pin",
    "SourceFile",
    "audit_blocks",
    "collect_garbage",
    "parse_mode",
    "unreadable",
]


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'lodestamp.node.blocks' has no attribute {name!r}")
    value = getattr(import_module(f"lodestamp.node.blocks.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
