"""Sync: two nodes bring their logs together over HTTP (operations spec §11).

`SyncServer` answers, `SyncClient` asks; `Reconciler` finds the difference of two sets from coded
symbols without input or output of its own. Nobody is trusted: what comes in goes through the
recorder like everything else (Y7).
"""

from lodestamp.node.sync.access import SYNC_COMMAND, Access
from lodestamp.node.sync.client import MODES, Mode, SyncClient
from lodestamp.node.sync.delegation import DelegationServer
from lodestamp.node.sync.limits import PUSH_SIZE_MAX, VECTOR_SIZE_MAX
from lodestamp.node.sync.messages import HeadsAnswer, HeadsAsked
from lodestamp.node.sync.negentropy import Negentropy
from lodestamp.node.sync.peer import Peer
from lodestamp.node.sync.peers import Peers
from lodestamp.node.sync.receipts import (
    MadeReceipt,
    author_receipt,
    check_receipts,
)
from lodestamp.node.sync.reconciler import Reconciler, SymbolsWanted
from lodestamp.node.sync.report import SyncReport
from lodestamp.node.sync.server import SyncServer
from lodestamp.node.sync.shallow import ShallowStore
from lodestamp.node.sync.signed_request import Asked, SignedRequest, parse_request, sign_request
from lodestamp.node.sync.store import SyncStore
from lodestamp.node.sync.symbols import Encoder, Frame, encode_frame, parse_frame

__all__ = [
    "MODES",
    "PUSH_SIZE_MAX",
    "SYNC_COMMAND",
    "VECTOR_SIZE_MAX",
    "Access",
    "Asked",
    "DelegationServer",
    "Encoder",
    "Frame",
    "HeadsAnswer",
    "HeadsAsked",
    "MadeReceipt",
    "Mode",
    "Negentropy",
    "Peer",
    "Peers",
    "Reconciler",
    "ShallowStore",
    "SignedRequest",
    "SymbolsWanted",
    "SyncClient",
    "SyncReport",
    "SyncServer",
    "SyncStore",
    "author_receipt",
    "check_receipts",
    "encode_frame",
    "parse_frame",
    "parse_request",
    "sign_request",
]
