"""Content: a file's bytes as an IPFS DAG, with the CID that kubo gives.

`dag_pb`, `unixfs`, `dag_cbor` and `dag_json` are formats, each with its own ``decode``; `car` and
`car_index` read and write files of blocks; `ipns` makes and checks records.
"""

from lodestamp.core.content import car, car_index, dag_cbor, dag_json, dag_pb, ipns, unixfs
from lodestamp.core.content.balanced import Block
from lodestamp.core.content.car import CarLimits, CarReader, Section
from lodestamp.core.content.car_index import CarIndex
from lodestamp.core.content.chunkers import Chunker
from lodestamp.core.content.chunkers import parse as parse_chunker
from lodestamp.core.content.dag_cbor import NodeValue
from lodestamp.core.content.dag_pb import PBLink, PBNode
from lodestamp.core.content.importer import (
    HASHER_BATCH,
    Hasher,
    Root,
    add_bytes,
    add_file,
    address_file,
)
from lodestamp.core.content.ipns import IpnsRecord
from lodestamp.core.content.limits import (
    BLOCK_SIZE_MAX,
    CHUNK_SIZE_MAX,
    LINKS_READ_MAX,
    LINKS_WRITTEN_MAX,
)
from lodestamp.core.content.links import has_links, links
from lodestamp.core.content.profiles import ALIASES, DEFAULT, PROFILES, Profile, get_profile
from lodestamp.core.content.stream import PieceStream
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
    "CarIndex",
    "CarLimits",
    "CarReader",
    "Chunker",
    "Entry",
    "EntryType",
    "Hasher",
    "IpnsRecord",
    "Mtime",
    "NodeValue",
    "PBLink",
    "PBNode",
    "PieceStream",
    "Profile",
    "Root",
    "Section",
    "add_bytes",
    "add_file",
    "address_file",
    "car",
    "car_index",
    "dag_cbor",
    "dag_json",
    "dag_pb",
    "get_profile",
    "has_links",
    "ipns",
    "links",
    "parse_chunker",
    "unixfs",
]
