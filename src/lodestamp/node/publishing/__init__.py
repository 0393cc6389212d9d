"""The public face of a log: its checkpoint, tiles and entries, over HTTP or as files (§4, R31)."""

from lodestamp.node.publishing.audit import audit_mirrors
from lodestamp.node.publishing.mirror import Mirrored, mirror
from lodestamp.node.publishing.published import PublishedLog

__all__ = ["Mirrored", "PublishedLog", "audit_mirrors", "mirror"]
