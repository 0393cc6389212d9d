"""Sync: two nodes bring their logs together over HTTP (operations spec §11).

`SyncServer` answers, `SyncClient` asks; `Reconciler` finds the difference of two sets from coded
symbols without input or output of its own. Nobody is trusted: what comes in goes through the
recorder like everything else (Y7).
"""

from lodestamp.node.sync.access import SYNC_COMMAND, Access
from lodestamp.node.sync.negentropy import Negentropy
from lodestamp.node.sync.reconciler import Reconciler, SymbolsWanted
from lodestamp.node.sync.signed_request import Asked, SignedRequest, parse_request, sign_request
from lodestamp.node.sync.symbols import Encoder, Frame, encode_frame, parse_frame

__all__ = [
    "SYNC_COMMAND",
    "Access",
    "Asked",
    "Encoder",
    "Frame",
    "Negentropy",
    "Reconciler",
    "SignedRequest",
    "SymbolsWanted",
    "encode_frame",
    "parse_frame",
    "parse_request",
    "sign_request",
]
