"""Content: files and folders as IPFS DAGs, with the CIDs that kubo gives, and back again.

`dag_pb`, `unixfs`, `dag_cbor` and `dag_json` are formats, each with its own ``decode``; `hamt` is
that of large directories. `slices` proves ranges of bytes. `car` and `car_index` read and write
files of blocks; `ipns` makes and checks records.
"""

from lodestamp.core.content import (
    car,
    car_index,
    covenant_layout,
    dag_cbor,
    dag_json,
    dag_pb,
    hamt,
    ipns,
    slices,
    unixfs,
)
from lodestamp.core.content.block import USUAL_BUDGET, Block, Budget, Get, load
from lodestamp.core.content.buzhash import Buzhash
from lodestamp.core.content.car import CarLimits, CarReader, Section
from lodestamp.core.content.car_index import CarIndex
from lodestamp.core.content.check import Defect, Report, check
from lodestamp.core.content.chunkers import AnyChunker, Chunker
from lodestamp.core.content.chunkers import parse as parse_chunker
from lodestamp.core.content.dag_cbor import NodeValue
from lodestamp.core.content.dag_pb import PBLink, PBNode
from lodestamp.core.content.directory import add_directory, address_directory
from lodestamp.core.content.importer import (
    HASHER_BATCH,
    Hasher,
    Root,
    add_bytes,
    add_file,
    add_symlink,
    address_file,
)
from lodestamp.core.content.ipns import IpnsRecord
from lodestamp.core.content.limits import (
    BLOCK_SIZE_MAX,
    CHUNK_SIZE_MAX,
    DAG_DEPTH_MAX,
    ENTRIES_MAX,
    LINKS_READ_MAX,
    LINKS_WRITTEN_MAX,
    NAME_SIZE_MAX,
    NESTING_DEPTH_MAX,
    OUTPUT_BYTES_MAX,
    PATH_SEGMENTS_MAX,
    PATH_SIZE_MAX,
    STEPS_MAX,
)
from lodestamp.core.content.links import has_links, links
from lodestamp.core.content.murmur3 import murmur3_x64_64
from lodestamp.core.content.node import Node, open_node
from lodestamp.core.content.paths import (
    ContentPath,
    Resolution,
    parse_path,
    resolve,
    segments_of,
)
from lodestamp.core.content.placing import FILE_NAME_SIZE_MAX, Place, check_file_name, place
from lodestamp.core.content.profiles import (
    ALIASES,
    DEFAULT,
    HASH_NAMES,
    PROFILES,
    HamtEstimate,
    LayoutName,
    Profile,
    get_profile,
)
from lodestamp.core.content.rabin import Rabin
from lodestamp.core.content.reader import Kind, Stat, ls, read, stat
from lodestamp.core.content.slices import Slice
from lodestamp.core.content.stream import PieceStream
from lodestamp.core.content.tree import File, Folder, Symlink, Tree, TreeEntry
from lodestamp.core.content.unixfs import NO_METADATA, Entry, EntryType, Metadata, Mtime
from lodestamp.core.content.walk import Scope, edges_of, walk

__all__ = [
    "ALIASES",
    "BLOCK_SIZE_MAX",
    "CHUNK_SIZE_MAX",
    "DAG_DEPTH_MAX",
    "DEFAULT",
    "ENTRIES_MAX",
    "FILE_NAME_SIZE_MAX",
    "HASHER_BATCH",
    "HASH_NAMES",
    "LINKS_READ_MAX",
    "LINKS_WRITTEN_MAX",
    "NAME_SIZE_MAX",
    "NESTING_DEPTH_MAX",
    "NO_METADATA",
    "OUTPUT_BYTES_MAX",
    "PATH_SEGMENTS_MAX",
    "PATH_SIZE_MAX",
    "PROFILES",
    "STEPS_MAX",
    "USUAL_BUDGET",
    "AnyChunker",
    "Block",
    "Budget",
    "Buzhash",
    "CarIndex",
    "CarLimits",
    "CarReader",
    "Chunker",
    "ContentPath",
    "Defect",
    "Entry",
    "EntryType",
    "File",
    "Folder",
    "Get",
    "HamtEstimate",
    "Hasher",
    "IpnsRecord",
    "Kind",
    "LayoutName",
    "Metadata",
    "Mtime",
    "Node",
    "NodeValue",
    "PBLink",
    "PBNode",
    "PieceStream",
    "Place",
    "Profile",
    "Rabin",
    "Report",
    "Resolution",
    "Root",
    "Scope",
    "Section",
    "Slice",
    "Stat",
    "Symlink",
    "Tree",
    "TreeEntry",
    "add_bytes",
    "add_directory",
    "add_file",
    "add_symlink",
    "address_directory",
    "address_file",
    "car",
    "car_index",
    "check",
    "check_file_name",
    "covenant_layout",
    "dag_cbor",
    "dag_json",
    "dag_pb",
    "edges_of",
    "get_profile",
    "hamt",
    "has_links",
    "ipns",
    "links",
    "load",
    "ls",
    "murmur3_x64_64",
    "open_node",
    "parse_chunker",
    "parse_path",
    "place",
    "read",
    "resolve",
    "segments_of",
    "slices",
    "stat",
    "unixfs",
    "walk",
]
