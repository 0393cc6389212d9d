"""The simulator's JSON-RPC, without sockets: bytes in, status and bytes out (bitcoin spec R37).

It speaks as bitcoind does, error codes and HTTP statuses included, so that the bitcoind backend
cannot tell the difference.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

import orjson

from lodestamp.errors import (
    ChainNotFound,
    ChainRejected,
    InputError,
    LodestampError,
    MalformedAddress,
    MalformedBitcoin,
)
from lodestamp.node.chains.simulator import Simulator
from lodestamp.node.chains.simulator.calls import Call, RpcRefusal
from lodestamp.node.chains.simulator.methods import METHODS

RPC_BODY_MAX: Final = 8 << 20
"""Bytes of one request: a block in hex, which has two digits a byte."""
RPC_BATCH_MAX: Final = 100
"""Calls of one request."""

_PARSE_ERROR: Final = -32700
_INVALID_REQUEST: Final = -32600
_NO_METHOD: Final = -32601
_MISC: Final = -1
_NOT_FOUND: Final = -5
_BAD_PARAMETER: Final = -8
_UNDECODABLE: Final = -22
_REJECTED: Final = -26
_STATUS: Final = {_INVALID_REQUEST: 400, _NO_METHOD: 404}


@dataclass(frozen=True, slots=True)
class RpcReply:
    """What goes back: an HTTP status and a JSON body."""

    status: int
    body: bytes


class SimulatorRpc:
    """The dispatcher over one simulator; safe to share among threads."""

    def __init__(self, simulator: Simulator, clock: Callable[[], int]) -> None:
        self._simulator = simulator
        self._clock = clock
        self._started = clock()
        self.is_stopping = False

    def handle(self, body: bytes) -> RpcReply:
        """Answer a request or a batch of up to `RPC_BATCH_MAX`; never raises for what it holds."""
        if len(body) > RPC_BODY_MAX:
            return _failed(None, RpcRefusal(_INVALID_REQUEST, "the request is too large"))
        try:
            request = json.loads(body, parse_float=Decimal)
        except (ValueError, RecursionError):
            return _failed(None, RpcRefusal(_PARSE_ERROR, "Parse error"), status=500)
        if not isinstance(request, list):
            return self._answer(request)
        if not 0 < len(request) <= RPC_BATCH_MAX:
            message = f"a batch has 1 to {RPC_BATCH_MAX} calls"
            return _failed(None, RpcRefusal(_INVALID_REQUEST, message))
        replies = b",".join(self._answer(each).body for each in request)
        return RpcReply(200, b"[" + replies + b"]")

    def _answer(self, request: object) -> RpcReply:
        if not isinstance(request, dict):
            return _failed(None, RpcRefusal(_INVALID_REQUEST, "Invalid Request object"))
        number, name = request.get("id"), request.get("method")
        try:
            call = self._call(name, request.get("params"))
            result = METHODS[call.method](call)
        except RpcRefusal as refusal:
            return _failed(number, refusal)
        except LodestampError as error:
            return _failed(number, _refusal(error))
        return RpcReply(200, _encoded({"result": result, "error": None, "id": number}))

    def _call(self, name: object, params: object) -> Call:
        if not isinstance(name, str):
            raise RpcRefusal(_INVALID_REQUEST, "Method must be a string")
        if name not in METHODS:
            raise RpcRefusal(_NO_METHOD, "Method not found")
        if params is not None and not isinstance(params, list):
            raise RpcRefusal(_INVALID_REQUEST, "Params must be an array")
        if name == "stop":
            self.is_stopping = True
        uptime = self._clock() - self._started
        return Call(self._simulator, name, tuple(params or ()), uptime)


def _refusal(error: LodestampError) -> RpcRefusal:
    if isinstance(error, ChainRejected):
        return RpcRefusal(_REJECTED, error.reason)
    if isinstance(error, ChainNotFound | MalformedAddress):
        return RpcRefusal(_NOT_FOUND, error.message)
    if isinstance(error, MalformedBitcoin):
        return RpcRefusal(_UNDECODABLE, error.message)
    if isinstance(error, InputError):
        return RpcRefusal(_BAD_PARAMETER, error.message)
    return RpcRefusal(_MISC, error.message)


def _failed(number: object, refusal: RpcRefusal, *, status: int | None = None) -> RpcReply:
    error = {"code": refusal.code, "message": refusal.message}
    body = _encoded({"result": None, "error": error, "id": number})
    return RpcReply(status or _STATUS.get(refusal.code, 500), body)


def _encoded(document: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:  # an id that no JSON number of 64 bits holds, as the caller sent it
        return orjson.dumps(document | {"id": None})
