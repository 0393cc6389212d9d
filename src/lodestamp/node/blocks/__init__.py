"""Content on disk: reading files whose addresses core computes, and keeping their blocks."""

from lodestamp.node.blocks.pins import Pin, parse_mode
from lodestamp.node.blocks.source import SourceFile, unreadable
from lodestamp.node.blocks.store import BlockStore
from lodestamp.node.blocks.tree import USUAL_TREE, TreeOptions, is_folder, read_tree
from lodestamp.node.blocks.writer import BlockWriter, FileRef

__all__ = [
    "USUAL_TREE",
    "BlockStore",
    "BlockWriter",
    "FileRef",
    "Pin",
    "SourceFile",
    "TreeOptions",
    "is_folder",
    "parse_mode",
    "read_tree",
    "unreadable",
]
