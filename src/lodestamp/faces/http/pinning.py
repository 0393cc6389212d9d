"""``/pinning``: the remote pinning API 1.0.0, for the tenants of the settings (content spec R122).

A request carries a tenant's bearer token. Errors are the standard's ``{"error": {"reason",
"details"}}``. What is asked for is fetched and pinned in the background, one request at a time.
"""

from __future__ import annotations

import ipaddress
import logging
from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, Final

import orjson
from anyio import to_thread
from litestar import Request, Response, delete, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from lodestamp.core.encoding import Cid, JsonObject, canonical_json
from lodestamp.errors import AccessError, LodestampError, PinError
from lodestamp.faces.http.application import Mount
from lodestamp.faces.http.body import read_body
from lodestamp.faces.http.problem import status_of
from lodestamp.node.blocks import (
    PinQuery,
    PinRequest,
    PinStatus,
    parse_created,
    parse_match,
    parse_meta,
    parse_progress,
)
from lodestamp.node.home import Node

PIN_SIZE_MAX: Final = 65_536
"""Bytes of one pin request: its texts at their limits, four bytes each."""
_PINS: Final = "/pinning/pins"
_ONE: Final = "/pinning/pins/{request_id:str}"
_JSON: Final = "application/json"
_ACCEPTED: Final = 202
_FAILED: Final = 500
_REASONS: Final = MappingProxyType(
    {
        400: "BAD_REQUEST",
        401: "UNAUTHORIZED",
        404: "NOT_FOUND",
        409: "INSUFFICIENT_FUNDS",
        500: "INTERNAL_SERVER_ERROR",
    }
)
_PIN_STATUSES: Final = MappingProxyType({"pin.unknown": 404, "pin.quota": 409})
_logger: Final = logging.getLogger("lodestamp.http")
_Asking = Request[Any, Any, Any]


def _routes(node: Node) -> Sequence[ControllerRouterHandler]:
    service = node.pinning
    service.start()

    @get(_PINS)
    async def find(request: _Asking) -> Response[bytes]:
        def act(tenant: str, _: bytes) -> JsonObject:
            count, found = service.find(tenant, _query(request))
            return {"count": count, "results": [_document(request, each) for each in found]}

        return await _answer(node, request, act, 200)

    @post(_PINS, request_max_body_size=None)
    async def add(request: _Asking) -> Response[bytes]:
        def act(tenant: str, body: bytes) -> JsonObject:
            return _document(request, service.add(tenant, _parse(body)))

        return await _answer(node, request, act, _ACCEPTED)

    @get(_ONE)
    async def show(request: _Asking, request_id: FromPath[str]) -> Response[bytes]:
        def act(tenant: str, _: bytes) -> JsonObject:
            return _document(request, service.get(tenant, request_id))

        return await _answer(node, request, act, 200)

    @post(_ONE, request_max_body_size=None)
    async def replace_one(request: _Asking, request_id: FromPath[str]) -> Response[bytes]:
        def act(tenant: str, body: bytes) -> JsonObject:
            return _document(request, service.replace(tenant, request_id, _parse(body)))

        return await _answer(node, request, act, _ACCEPTED)

    @delete(_ONE, status_code=_ACCEPTED)
    async def remove(request: _Asking, request_id: FromPath[str]) -> Response[bytes]:
        def act(tenant: str, _: bytes) -> None:
            service.remove(tenant, request_id)

        return await _answer(node, request, act, _ACCEPTED)

    return find, add, show, replace_one, remove


async def _answer(
    node: Node,
    request: _Asking,
    act: Callable[[str, bytes], JsonObject | None],
    status: int,
) -> Response[bytes]:
    """Return what `act` gives for the tenant who asks, or the standard's failure document.

    Who is no tenant is refused before the body is read.
    """
    try:
        tenant = _tenant(node, request)
        body = await read_body(request, PIN_SIZE_MAX)
        document = await to_thread.run_sync(act, tenant, body)
    except LodestampError as error:
        return _failure(error)
    return _response(b"" if document is None else canonical_json(document), status)


def _response(body: bytes, status: int) -> Response[bytes]:
    headers = {"Cache-Control": "no-store"}
    return Response(body, status_code=status, media_type=_JSON, headers=headers)


def _tenant(node: Node, request: _Asking) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    token = token.strip() if scheme.lower() == "bearer" else ""
    tenant = node.tenants.of_token(token) if token else None
    if tenant is None:
        raise AccessError("a tenant's bearer token is needed", code="unauthorized")
    return tenant


def _failure(error: LodestampError) -> Response[bytes]:
    status = status_of(error)
    if isinstance(error, PinError):
        status = _PIN_STATUSES.get(error.code, 400)
    document: JsonObject = {"reason": _REASONS.get(status, "BAD_REQUEST")}
    if status == _FAILED:
        _logger.error("a pin request failed", exc_info=error)
    else:
        document["details"] = error.message.encode("utf-8", "backslashreplace").decode()
    response = _response(canonical_json({"error": document}), status)
    if status == 401:
        response.headers["WWW-Authenticate"] = "Bearer"
    return response


def _document(request: _Asking, status: PinStatus) -> JsonObject:
    """Return a status that names this very listener as the place to hand blocks to."""
    return replace(status, delegates=(_delegate(request.headers.get("host", "")),)).document()


def _delegate(host: str) -> str:
    """Return the address a caller reached us by, as a multiaddr.

    >>> _delegate("127.0.0.1:8470"), _delegate("log.example.org")
    ('/ip4/127.0.0.1/tcp/8470/http', '/dns/log.example.org/tcp/443/https')
    """
    name, colon, port = host.rpartition(":")
    if not colon or "]" in port:
        name, port = host, ""
    name = name.strip("[]")
    try:
        kind = f"ip{ipaddress.ip_address(name).version}"
    except ValueError:
        kind = "dns"
    return f"/{kind}/{name}/tcp/{port}/http" if port else f"/{kind}/{name}/tcp/443/https"


def _parse(body: bytes) -> PinRequest:
    try:
        return PinRequest.parse(orjson.loads(body))
    except orjson.JSONDecodeError:
        raise PinError("no pin request: no JSON", code="pin.request") from None


def _query(request: _Asking) -> PinQuery:
    asked = dict(reversed(list(request.query_params.multi_items())))
    known: dict[str, Any] = {}
    if "cid" in asked:
        known["cids"] = tuple(Cid.parse(text) for text in asked["cid"].split(",")[:11])
    if "name" in asked:
        known["name"] = asked["name"]
    if "match" in asked:
        known["match"] = parse_match(asked["match"])
    if "status" in asked:
        known["progress"] = parse_progress(asked["status"].split(","))
    for name in ("before", "after"):
        if name in asked:
            known[f"{name}_ms"] = parse_created(asked[name])
    if "limit" in asked:
        known["limit"] = _limit(asked["limit"])
    if "meta" in asked:
        try:
            known["meta"] = parse_meta(orjson.loads(asked["meta"]))
        except orjson.JSONDecodeError:
            raise PinError("meta is no JSON", code="pin.request") from None
    return PinQuery(**known)


def _limit(text: str) -> int:
    if not (text.isascii() and text.isdigit() and len(text) <= 4):
        raise PinError("limit is a number from 1 to 1,000", code="pin.request")
    return int(text)


MOUNT: Final = Mount("pinning", _routes)
