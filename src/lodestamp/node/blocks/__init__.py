"""Content on disk: reading files whose addresses core computes, and keeping their blocks.

Names are loaded when they are first used: reading a file never imports the database.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lodestamp.node.blocks.adder import Added, Adder, AddOptions
    from lodestamp.node.blocks.audit import audit_blocks
    from lodestamp.node.blocks.car_file import CarFile
    from lodestamp.node.blocks.carrying import Carried, GiveBlock, GiveDag, pull, push
    from lodestamp.node.blocks.checking import Checked, check_against, check_dag, check_range
    from lodestamp.node.blocks.extractor import Extractor
    from lodestamp.node.blocks.garbage import GRACE_MS, Collected, collect_garbage
    from lodestamp.node.blocks.gateway import CORS_HEADERS, METHODS, Answer, Gateway
    from lodestamp.node.blocks.gateway_client import GatewayClient
    from lodestamp.node.blocks.ipns_records import IpnsRecords, read_record
    from lodestamp.node.blocks.kubo import DEFAULT_KUBO, KuboClient
    from lodestamp.node.blocks.pin_requests import (
        PinQuery,
        PinRequest,
        PinStatus,
        parse_created,
        parse_match,
        parse_meta,
        parse_progress,
    )
    from lodestamp.node.blocks.pinning import PinningService, Tenants
    from lodestamp.node.blocks.pinning_client import PinningClient
    from lodestamp.node.blocks.pins import Pin, parse_mode
    from lodestamp.node.blocks.recovery import BlocksFolder
    from lodestamp.node.blocks.remote import Remote
    from lodestamp.node.blocks.source import SourceFile, unreadable
    from lodestamp.node.blocks.store import BlockStore
    from lodestamp.node.blocks.transfer import Imported, export_blocks, import_car
    from lodestamp.node.blocks.tree import USUAL_TREE, TreeOptions, is_folder, read_tree
    from lodestamp.node.blocks.writer import BlockWriter, FileRef

_PLACES = {
    "CORS_HEADERS": "gateway",
    "DEFAULT_KUBO": "kubo",
    "GRACE_MS": "garbage",
    "METHODS": "gateway",
    "USUAL_TREE": "tree",
    "AddOptions": "adder",
    "Added": "adder",
    "Adder": "adder",
    "Answer": "gateway",
    "BlockStore": "store",
    "BlockWriter": "writer",
    "BlocksFolder": "recovery",
    "CarFile": "car_file",
    "Carried": "carrying",
    "Checked": "checking",
    "Collected": "garbage",
    "Extractor": "extractor",
    "FileRef": "writer",
    "Gateway": "gateway",
    "GatewayClient": "gateway_client",
    "GiveBlock": "carrying",
    "GiveDag": "carrying",
    "Imported": "transfer",
    "IpnsRecords": "ipns_records",
    "KuboClient": "kubo",
    "Pin": "pins",
    "PinQuery": "pin_requests",
    "PinRequest": "pin_requests",
    "PinStatus": "pin_requests",
    "PinningClient": "pinning_client",
    "PinningService": "pinning",
    "Remote": "remote",
    "SourceFile": "source",
    "Tenants": "pinning",
    "TreeOptions": "tree",
    "audit_blocks": "audit",
    "check_against": "checking",
    "check_dag": "checking",
    "check_range": "checking",
    "collect_garbage": "garbage",
    "export_blocks": "transfer",
    "import_car": "transfer",
    "is_folder": "tree",
    "parse_created": "pin_requests",
    "parse_match": "pin_requests",
    "parse_meta": "pin_requests",
    "parse_mode": "pins",
    "parse_progress": "pin_requests",
    "pull": "carrying",
    "push": "carrying",
    "read_record": "ipns_records",
    "read_tree": "tree",
    "unreadable": "source",
}

__all__ = [
    "CORS_HEADERS",
    "DEFAULT_KUBO",
    "GRACE_MS",
    "METHODS",
    "USUAL_TREE",
    "AddOptions",
    "Added",
    "Adder",
    "Answer",
    "BlockStore",
    "BlockWriter",
    "BlocksFolder",
    "CarFile",
    "Carried",
    "Checked",
    "Collected",
    "Extractor",
    "FileRef",
    "Gateway",
    "GatewayClient",
    "GiveBlock",
    "GiveDag",
    "Imported",
    "IpnsRecords",
    "KuboClient",
    "Pin",
    "PinQuery",
    "PinRequest",
    "PinStatus",
    "PinningClient",
    "PinningService",
    "Remote",
    "SourceFile",
    "Tenants",
    "TreeOptions",
    "audit_blocks",
    "check_against",
    "check_dag",
    "check_range",
    "collect_garbage",
    "export_blocks",
    "import_car",
    "is_folder",
    "parse_created",
    "parse_match",
    "parse_meta",
    "parse_mode",
    "parse_progress",
    "pull",
    "push",
    "read_record",
    "read_tree",
    "unreadable",
]


def __getattr__(name: str) -> object:
    if name not in _PLACES:
        raise AttributeError(f"module 'lodestamp.node.blocks' has no attribute {name!r}")
    value = getattr(import_module(f"lodestamp.node.blocks.{_PLACES[name]}"), name)
    globals()[name] = value
    return value
