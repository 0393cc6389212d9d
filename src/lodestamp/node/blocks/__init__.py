"""Content on disk: reading the files whose addresses core computes."""

from lodestamp.node.blocks.source import Progress, SourceFile

__all__ = ["Progress", "SourceFile"]
