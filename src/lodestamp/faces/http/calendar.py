"""The calendar's own listener: what stock OpenTimestamps clients ask, at the root path (§7).

They drop a path without a slash at its end and match what they wrote into a file exactly, so a
calendar cannot be a mount among others. Answers are of the very form that the reference server
gives; anyone may ask, and no client is told of our failures more than that it may come again.
"""

from __future__ import annotations

import asyncio
import html
import logging
import re
import resource
import sys
from collections.abc import Mapping
from typing import Any, Final

from litestar import Litestar, Request, Response, get, post
from litestar.exceptions import HTTPException
from litestar.params import FromPath
from litestar.status_codes import HTTP_200_OK

from lodestamp.core.encoding import canonical_json
from lodestamp.errors import LodestampError
from lodestamp.faces.http.listening import Listener
from lodestamp.faces.http.patience import PatientProtocol
from lodestamp.node.anchors import COMMITMENT_SIZE, DIGEST_SIZE_MAX, Calendar, Standing
from lodestamp.version import __version__

CALENDAR_CONNECTIONS_MAX: Final = 10_000
"""Clients at once: each waits for the next tree, so as many as one tree takes."""
_SPARE_FILES: Final = 128
OCTETS: Final = "application/octet-stream"
TEXT: Final = "text/plain"
_FOR_EVER: Final = {"Cache-Control": "public, max-age=31536000"}
_A_MINUTE: Final = {"Cache-Control": "public, max-age=60"}
_A_MOMENT: Final = {"Cache-Control": "public, max-age=10"}
_NO_LENGTH: Final = "invalid Content-Length"
_NOT_FOUND: Final = "Not found"
_is_length: Final = re.compile(r"[0-9]{1,10}").fullmatch
_is_hex: Final = re.compile(r"(?:[0-9A-Fa-f]{2})*").fullmatch
_logger: Final = logging.getLogger("lodestamp.http")

_Asking = Request[Any, Any, Any]


class CalendarProtocol(PatientProtocol):
    """Reads requests, and tells of a Content-Length that is none as the reference server does."""

    def send_400_response(self, msg: str) -> None:
        """Answer a request that is malformed; it is called while the error is being caught."""
        if "Content-Length" in str(sys.exception()):
            msg = _NO_LENGTH
        super().send_400_response(msg)


def calendar_application(calendar: Calendar) -> Litestar:
    """Return the application that serves a calendar; it closes nothing."""

    @post("/digest", status_code=HTTP_200_OK)
    async def digest(request: _Asking) -> Response[Any]:
        refusal = _refusal(request.headers.get("content-length", ""))
        if refusal is not None:
            return _text(400, refusal)
        try:
            answer = await asyncio.wrap_future(calendar.submit(await request.body()))
        except LodestampError as error:
            return _come_again(calendar, error)
        return Response(answer, media_type=OCTETS)

    @get("/timestamp/{commitment:str}", sync_to_thread=True)
    def timestamp(commitment: FromPath[str]) -> Response[Any]:
        if not _is_hex(commitment):
            return _text(400, "commitment must be hex-encoded bytes")
        if len(commitment) > 2 * COMMITMENT_SIZE:
            return _text(404, _NOT_FOUND, _A_MINUTE)
        answer = calendar.timestamp(bytes.fromhex(commitment))
        if answer.timestamp is None:
            return _text(404, answer.reason, _A_MINUTE)
        return Response(answer.timestamp, media_type=OCTETS, headers=_FOR_EVER)

    @get("/tip", sync_to_thread=True)
    def tip() -> Response[Any]:
        found = calendar.tip()
        if found is None:
            return Response(None, status_code=204, headers=_A_MOMENT)
        return Response(found, media_type=OCTETS, headers=_A_MOMENT)

    @get("/", sync_to_thread=True)
    def home(request: _Asking) -> Response[Any]:
        shown = _shown(calendar.standing())
        if "application/json" in request.headers.get("accept", ""):
            return Response(canonical_json(shown), media_type="application/json", headers=_A_MINUTE)
        return Response(_page(calendar.uri, shown), media_type="text/html", headers=_A_MINUTE)

    def on_failure(_: _Asking, error: Exception) -> Response[Any]:
        return _come_again(calendar, error)

    return Litestar(
        [digest, timestamp, tip, home],
        exception_handlers={HTTPException: _on_refusal, Exception: on_failure},
        logging_config=None,
        openapi_config=None,
        request_max_body_size=DIGEST_SIZE_MAX,
    )


def _connections_max() -> int:
    """Return how many clients may wait at once: a file each, and some left for the database."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    files = CALENDAR_CONNECTIONS_MAX if soft == resource.RLIM_INFINITY else soft - _SPARE_FILES
    return max(1, min(CALENDAR_CONNECTIONS_MAX, files))


def _refusal(length: str) -> str | None:
    """Return what is wrong with a digest of this Content-Length."""
    if not _is_length(length):
        return _NO_LENGTH
    if int(length) > DIGEST_SIZE_MAX:
        return "digest too long"
    return None if int(length) else "digest empty"


def _come_again(calendar: Calendar, error: Exception) -> Response[Any]:
    """Tell that nothing was promised; what is not mere business goes to the operator's log."""
    if getattr(error, "code", "") != "calendar.busy":
        _logger.error("a request failed", exc_info=error)
    return _text(503, "try again", {"Retry-After": str(calendar.retry_s)})


def _on_refusal(_: _Asking, error: HTTPException) -> Response[Any]:
    said = _NOT_FOUND if error.status_code == 404 else error.detail
    return _text(error.status_code, said)


def _text(status: int, said: str, headers: Mapping[str, str] | None = None) -> Response[Any]:
    return Response(said, status_code=status, media_type=TEXT, headers=dict(headers or {}))


def _shown(standing: Standing) -> dict[str, Any]:
    """Return what ``GET /`` tells, hashes spelled as block explorers do; the tip as it is."""
    return {
        "version": __version__,
        "pending_commitments": standing.pending_commitments,
        "txs_waiting_for_confirmation": standing.txs_waiting_for_confirmation,
        "most_recent_tx": _reversed_hex(standing.most_recent_tx),
        "tip": None if standing.tip is None else standing.tip.hex(),
        "best_block": _reversed_hex(standing.best_block),
        "block_height": standing.block_height,
    }


def _reversed_hex(hash_: bytes | None) -> str | None:
    return None if hash_ is None else hash_[::-1].hex()


def _page(uri: str, shown: Mapping[str, Any]) -> str:
    told = (
        (name.replace("_", " "), "none" if value is None else value)
        for name, value in shown.items()
    )
    rows = "".join(f"<tr><th>{name}<td>{html.escape(str(value))}" for name, value in told)
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8"><title>Calendar</title>'
        f"<h1>OpenTimestamps calendar</h1><p>{html.escape(uri)}<table>{rows}</table></html>\n"
    )


def serve_calendar(listener: Listener, application: Litestar) -> None:
    """Serve the application of a calendar on a listener until that is stopped."""
    listener.run(application, connections_max=_connections_max(), protocol=CalendarProtocol)
