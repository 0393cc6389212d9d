"""``/v1/ownership``: what this home's scan found, to be read by anyone (ownership spec §9).

Everything in it was read from a public chain. An answer's Etag is the state hash of the block it
is of, so that a reader who has it asks for nothing twice.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from contextlib import closing
from typing import Any, Final

from anyio import CapacityLimiter, WouldBlock, to_thread
from litestar import Request, Response, get, post
from litestar.params import FromPath
from litestar.types import ControllerRouterHandler

from lodestamp.core.ownership import OWNERSHIP_PROOF_SIZE_MAX
from lodestamp.errors import HeightUnknown, UsageError
from lodestamp.faces.http.application import Mount
from lodestamp.faces.http.body import read_body
from lodestamp.faces.http.problem import problem
from lodestamp.faces.http.query import number_of, text_of
from lodestamp.node.folder import HomeFolder
from lodestamp.node.home import Node
from lodestamp.node.scanner import SqlStore, StateEngine, View, answered, verify_with_scan

VERIFYING_MAX: Final = 2
"""Proofs judged at once: each may hold thousands of signatures, and anyone may send one."""
HEIGHT_MAX: Final = 100_000_000
"""Heights that are asked for: two thousand years of blocks."""

_BASE: Final = "/v1/ownership"
_JSON: Final = "application/json"
_HEADERS: Final = {"Cache-Control": "no-cache"}
_NOT_MODIFIED: Final = 304
_lone_surrogates: Final = re.compile("[\ud800-\udfff]")

_Asking = Request[Any, Any, Any]
_Question = Callable[[View], dict[str, Any]]


def _routes(node: Node) -> Sequence[ControllerRouterHandler]:
    url = HomeFolder(node.home).ownership_url

    @get(f"{_BASE}/status")
    async def status() -> Response[bytes]:
        return _said(await to_thread.run_sync(_status, url))

    @get(f"{_BASE}/assets/{{sha1:str}}")
    async def show(request: _Asking, sha1: FromPath[str]) -> Response[bytes]:
        return await _answer(url, request, lambda view: view.show(sha1))

    @get(f"{_BASE}/assets/{{sha1:str}}/cap-table")
    async def cap_table(request: _Asking, sha1: FromPath[str]) -> Response[bytes]:
        return await _answer(url, request, lambda view: view.cap_table(sha1))

    @get(f"{_BASE}/assets/{{sha1:str}}/tips")
    async def tips(request: _Asking, sha1: FromPath[str]) -> Response[bytes]:
        return await _answer(url, request, lambda view: view.tips(sha1))

    @get(f"{_BASE}/assets/{{sha1:str}}/dividends")
    async def dividends(request: _Asking, sha1: FromPath[str]) -> Response[bytes]:
        name = text_of(request, "view") if "view" in request.query_params else "owed_e8"
        return await _answer(url, request, lambda view: view.dividends(sha1, name), name)

    @get(f"{_BASE}/balances/{{address:str}}")
    async def balances(request: _Asking, address: FromPath[str]) -> Response[bytes]:
        return await _answer(url, request, lambda view: view.balances(address))

    @get(f"{_BASE}/blocks/{{height:str}}/effects")
    async def effects(request: _Asking, height: FromPath[str]) -> Response[bytes]:
        return await _answer(url, request, View.effects, at=_height(height))

    @get(f"{_BASE}/state-hash/{{height:str}}")
    async def state_hash(request: _Asking, height: FromPath[str]) -> Response[bytes]:
        return await _answer(url, request, View.state_hash, at=_height(height))

    return status, show, cap_table, tips, dividends, balances, effects, state_hash, _verify(url)


def _verify(url: str) -> ControllerRouterHandler:
    places = CapacityLimiter(VERIFYING_MAX)

    @post(f"{_BASE}/verify", status_code=200, request_max_body_size=OWNERSHIP_PROOF_SIZE_MAX)
    async def verify(request: _Asking) -> Response[bytes]:
        data = await read_body(request, OWNERSHIP_PROOF_SIZE_MAX)
        try:
            places.acquire_on_behalf_of_nowait(request)
        except WouldBlock:
            return _busy()
        try:
            return _said(await to_thread.run_sync(_judge, url, data))
        finally:
            places.release_on_behalf_of(request)

    return verify


def _busy() -> Response[bytes]:
    response = problem(
        503, title="Too many proofs are being judged", detail="try again later", code="busy"
    )
    response.headers["Retry-After"] = "5"
    return response


def _status(url: str) -> dict[str, Any]:
    with closing(SqlStore(url, create=False)) as store:
        rules = store.rules()
        if rules is None:
            raise HeightUnknown(1, 1, 0)
        return StateEngine(None, store, rules).status().as_json()


def _judge(url: str, data: bytes) -> dict[str, Any]:
    with closing(SqlStore(url, create=False)) as store:
        return verify_with_scan(data, store).as_json()


async def _answer(
    url: str, request: _Asking, ask: _Question, variant: str = "", *, at: int | None = None
) -> Response[bytes]:
    """Answer as of the block that the path or the query names, unless the caller has that.

    `variant` tells answers of one address apart that differ by more than their block.
    """
    confirmations = number_of(request, "confirmations", HEIGHT_MAX, default=1)
    if at is None and "at" in request.query_params:
        at = number_of(request, "at", HEIGHT_MAX)
    view, found = await to_thread.run_sync(_ask, url, ask, at, confirmations)
    etag = f'"{view.row.state_hash.hex()}{variant and "."}{variant}"'
    if _has(request.headers.get("If-None-Match", ""), etag):
        return Response(b"", status_code=_NOT_MODIFIED, headers={**_HEADERS, "ETag": etag})
    response = _said(found)
    response.headers["ETag"] = etag
    return response


def _ask(
    url: str, ask: _Question, at: int | None, confirmations: int
) -> tuple[View, dict[str, Any]]:
    with closing(SqlStore(url, create=False)) as store:
        return answered(store, ask, at=at, confirmations=confirmations)


def _height(text: str) -> int:
    if not text.isascii() or not text.isdigit() or text != str(int(text[:20])):
        raise UsageError("a height is a number", code="bad-height")
    return min(int(text), HEIGHT_MAX)


def _has(asked: str, etag: str) -> bool:
    """Tell whether an If-None-Match names an Etag (RFC 9110 §13.1.2)."""
    named = {each.strip().removeprefix("W/") for each in asked.split(",")}
    return etag in named or asked.strip() == "*"


def _said(document: object) -> Response[bytes]:
    """Return JSON in UTF-8; half of a surrogate pair, which a text may hold, becomes U+FFFD."""
    text = json.dumps(document, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    encoded = _lone_surrogates.sub("\ufffd", text).encode()
    return Response(encoded, media_type=_JSON, headers=dict(_HEADERS))


MOUNT: Final = Mount("ownership", _routes)
