"""Content on disk: reading the files whose addresses core computes."""

from lodestamp.node.blocks.source import SourceFile, unreadable

__all__ = ["SourceFile", "unreadable"]
