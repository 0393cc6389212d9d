"""Three calls of a Bitcoin node, answered from the header store: bytes in, bytes out (R67).

They are all that stock ``ots verify`` asks, so that it needs no Bitcoin node. Codes and HTTP
statuses are bitcoind's.
"""

from __future__ import annotations

import json
from typing import Any, Final

import orjson

from lodestamp.errors import LodestampError
from lodestamp.node.anchors.bitcoin.headers import HeaderStore
from lodestamp.node.chains import RpcReply

HEADER_RPC_BODY_MAX: Final = 4_096
"""Bytes of one request: the longest that makes sense has some 150."""

_PARSE_ERROR: Final = -32700
_INVALID_REQUEST: Final = -32600
_NO_METHOD: Final = -32601
_INTERNAL: Final = -32603
_NOT_FOUND: Final = -5
_OUT_OF_RANGE: Final = -8
_MISC: Final = -1
_STATUS: Final = {_INVALID_REQUEST: 400, _NO_METHOD: 404}


class _Refusal(Exception):  # noqa: N818  what the protocol calls an error is an answer here
    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class HeaderRpc:
    """The dispatcher over one header store; safe to share among threads."""

    def __init__(self, store: HeaderStore) -> None:
        self._store = store
        self._calls = {
            "getblockcount": self._count,
            "getblockhash": self._hash,
            "getblockheader": self._header,
        }

    def handle(self, body: bytes) -> RpcReply:
        """Answer one request of up to `HEADER_RPC_BODY_MAX` bytes; never raises for what it is."""
        if len(body) > HEADER_RPC_BODY_MAX:
            return _failed(None, _Refusal(_INVALID_REQUEST, "the request is too large"))
        try:
            request = json.loads(body)
        except (ValueError, RecursionError):
            return _failed(None, _Refusal(_PARSE_ERROR, "Parse error"))
        if not isinstance(request, dict):
            return _failed(None, _Refusal(_INVALID_REQUEST, "Invalid Request object"))
        number = request.get("id")
        try:
            result = self._answer(request.get("method"), request.get("params"))
        except _Refusal as refusal:
            return _failed(number, refusal)
        except LodestampError as error:
            return _failed(number, _Refusal(_INTERNAL, error.message))
        return RpcReply(200, _encoded({"result": result, "error": None, "id": number}))

    def _answer(self, method: object, params: object) -> object:
        if not isinstance(method, str):
            raise _Refusal(_INVALID_REQUEST, "Method must be a string")
        call = self._calls.get(method)
        if call is None:
            raise _Refusal(_NO_METHOD, "Method not found")
        if params is not None and not isinstance(params, list):
            raise _Refusal(_INVALID_REQUEST, "Params must be an array")
        return call(params or [])

    def _count(self, params: list[Any]) -> int:
        if params:
            raise _Refusal(_MISC, "getblockcount takes no parameters")
        return self._store.tip.height

    def _hash(self, params: list[Any]) -> str:
        if len(params) != 1 or type(params[0]) is not int:
            raise _Refusal(_MISC, "getblockhash takes a height")
        height = params[0]
        found = self._store.hash_at(height) if 0 <= height < 1 << 31 else None
        if found is None:
            raise _Refusal(_OUT_OF_RANGE, "Block height out of range")
        return found[::-1].hex()

    def _header(self, params: list[Any]) -> str:
        if not 1 <= len(params) <= 2 or not isinstance(params[0], str):
            raise _Refusal(_MISC, "getblockheader takes a hash, and false")
        if len(params) == 1 or params[1] is not False:
            raise _Refusal(_MISC, "getblockheader is answered as hex alone: verbose must be false")
        try:
            block_hash = bytes.fromhex(params[0])[::-1]
        except ValueError:
            raise _Refusal(_OUT_OF_RANGE, "blockhash must be hexadecimal string") from None
        height = self._store.height_of(block_hash) if len(block_hash) == 32 else None
        found = b"" if height is None else self._store.run(height, 1)
        if not found:
            raise _Refusal(_NOT_FOUND, "Block not found")
        return found.hex()


def _failed(number: object, refusal: _Refusal) -> RpcReply:
    error = {"code": refusal.code, "message": refusal.message}
    body = _encoded({"result": None, "error": error, "id": number})
    return RpcReply(_STATUS.get(refusal.code, 500), body)


def _encoded(document: dict[str, Any]) -> bytes:
    try:
        return orjson.dumps(document)
    except TypeError:  # an id that no JSON number of 64 bits holds, as the caller sent it
        return orjson.dumps(document | {"id": None})
