"""Content: a file's bytes as an IPFS DAG, with the CID that kubo gives.

`dag_pb` and `unixfs` are the two block formats, each with its own ``encode`` and ``decode``.
"""

from lodestamp.core.content import dag_pb, unixfs
from lodestamp.core.content.balanced import Block
from lodestamp.core.content.chunkers import Chunker
from lodestamp.core.content.chunkers import parse as parse_chunker
from lodestamp.core.content.dag_pb import PBLink, PBNode
from lodestamp.core.content.importer import (
    HASHER_BATCH,
    Hasher,
    Root,
    add_bytes,
    add_file,
    address_file,
)
from lodestamp.core.content.limits import (
    BLOCK_SIZE_MAX,
    CHUNK_SIZE_MAX,
    LINKS_READ_MAX,
    LINKS_WRITTEN_MAX,
)
from lodestamp.core.content.profiles import ALIASES, DEFAULT, PROFILES, Profile, get_profile
from lodestamp.core.content.unixfs import Entry, EntryType, Mtime

__all__ = [
    "ALIASES",
    "BLOCK_SIZE_MAX",
    "CHUNK_SIZE_MAX",
    "DEFAULT",
    "HASHER_BATCH",
    "LINKS_READ_MAX",
    "LINKS_WRITTEN_MAX",
    "PROFILES",
    "Block",
    "Chunker",
    "Entry",
    "EntryType",
    "Hasher",
    "Mtime",
    "PBLink",
    "PBNode",
    "Profile",
    "Root",
    "add_bytes",
    "add_file",
    "address_file",
    "dag_pb",
    "get_profile",
    "parse_chunker",
    "unixfs",
]
