"""Content on disk: reading files whose addresses core computes, and keeping their blocks.

Names are loaded when they are first used: reading a file never imports the database.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lodestamp.node.blocks.adder import Added, Adder, AddOptions
    from lodestamp.node.blocks.audit import audit_blocks
    from lodestamp.node.blocks.car_file import CarFile
    from lodestamp.node.blocks.checking import Checked, check_against, check_dag, check_range
    from lodestamp.node.blocks.extractor import Extractor
    from lodestamp.node.blocks.garbage import GRACE_MS, Collected, collect_garbage
    from lodestamp.node.blocks.pins import Pin, parse_mode
    from lodestamp.node.blocks.source import SourceFile, unreadable
    from lodestamp.node.blocks.store import BlockStore
    from lodestamp.node.blocks.transfer import Imported, export_blocks, import_car
    from lodestamp.node.blocks.tree import USUAL_TREE, TreeOptions, is_folder, read_tree
    from lodestamp.node.blocks.writer import BlockWriter, FileRef

_PLACES = {
    "GRACE_MS": "garbage",
    "USUAL_TREE": "tree",
    "AddOptions": "adder",
    "Added": "adder",
    "Adder": "adder",
    "BlockStore": "store",
    "BlockWriter": "writer",
    "CarFile": "car_file",
    "Checked": "checking",
    "Collected": "garbage",
    "Extractor": "extractor",
    "FileRef": "writer",
    "Imported": "transfer",
    "Pin": "pins",
    "SourceFile": "source",
    "TreeOptions": "tree",
    "audit_blocks": "audit",
    "check_against": "checking",
    "check_dag": "checking",
    "check_range": "checking",
    "collect_garbage": "garbage",
    "export_blocks": "transfer",
    "import_car": "transfer",
    "is_folder": "tree",
    "parse_mode": "pins",
    "read_tree": "tree",
    "unreadable": "source",
}

__all__ = [
    "GRACE_MS",
    "USUAL_TREE",
    "AddOptions",
    "Added",
    "Adder",
    "BlockStore",
    "BlockWriter",
    "CarFile",
    "Checked",
    "Collected",
    "Extractor",
    "FileRef",
    "Imported",
    "Pin",
    "SourceFile",
    "TreeOptions",
    "audit_blocks",
    "check_against",
    "check_dag",
    "check_range",
    "collect_garbage",
    "export_blocks",
    "import_car",
    "is_folder",
    "parse_mode",
    "read_tree",
    "unreadable",
]


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'lodestamp.node.blocks' has no attribute {name!r}")
    value = getattr(import_module(f"lodestamp.node.blocks.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
