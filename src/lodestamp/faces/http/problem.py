"""What a caller over HTTP is told of an error: problem details (RFC 9457).

``{"type","title","status","detail","code"}`` as ``application/problem+json``, kept by no cache.
`type` is ``urn:lodestamp:problem:`` and the code. Of a failure of our own the caller learns that it
happened, and nothing else.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Final

from litestar import Request, Response
from litestar.exceptions import HTTPException
from litestar.types import ExceptionHandlersMap

from lodestamp.core.encoding import JsonObject, canonical_json
from lodestamp.errors import (
    AccessError,
    HeightUnknown,
    InputError,
    LimitExceeded,
    LodestampError,
    LogLockedError,
    ProofMalformed,
    RecordError,
    RulesMismatch,
    SnapshotGoneError,
    SourceStale,
    TooLarge,
    UnknownOperation,
    WorkUnknown,
)

MEDIA_TYPE: Final = "application/problem+json"
_TYPE_PREFIX: Final = "urn:lodestamp:problem:"
_logger: Final = logging.getLogger("lodestamp.http")

_STATUSES: Final[tuple[tuple[type[LodestampError], int], ...]] = (
    (LimitExceeded, 413),
    (InputError, 400),
    (UnknownOperation, 404),
    (WorkUnknown, 404),
    (HeightUnknown, 404),
    (ProofMalformed, 400),
    (RulesMismatch, 400),
    (TooLarge, 400),
    (LogLockedError, 503),
    (RecordError, 409),
    (SnapshotGoneError, 409),
    (SourceStale, 503),
)
"""The first that fits decides; what fits none is a failure of our own."""
_BY_CODE: Final = MappingProxyType({"halted": 409, "no-store": 404})
"""What an error's code tells where its class does not."""
_ACCESS: Final = MappingProxyType({"forbidden": 403, "not-found": 404, "busy": 503})
_CODES: Final = MappingProxyType({404: "not-found", 405: "bad-method", 413: "limit", 500: "failed"})
_FAILED: Final = 500


def status_of(error: LodestampError) -> int:
    """Return the HTTP status of an error: 4xx for the caller's, 503 for later, 500 for ours."""
    if isinstance(error, AccessError):
        return _ACCESS.get(error.code, 401)
    usual = _BY_CODE.get(error.code, _FAILED)
    return next((status for kind, status in _STATUSES if isinstance(error, kind)), usual)


def problem(status: int, *, title: str, detail: str, code: str) -> Response[bytes]:
    """Return one problem document."""
    document: JsonObject = {
        "type": _TYPE_PREFIX + code,
        "title": title,
        "status": status,
        "detail": detail,
        "code": code,
    }
    headers = {"Cache-Control": "no-store"}
    if status == 401:
        headers["WWW-Authenticate"] = "Lodestamp"
    return Response(
        canonical_json(document), status_code=status, media_type=MEDIA_TYPE, headers=headers
    )


def problem_of(error: LodestampError) -> Response[bytes]:
    """Return the problem document of an error of the tree."""
    status = status_of(error)
    if status == _FAILED:
        return _failure(error)
    title = type(error).__doc__ or type(error).__name__
    detail = error.message if error.hint is None else f"{error.message} ({error.hint})"
    # foreign text may hold what canonical JSON refuses: half of a surrogate pair
    detail = detail.encode("utf-8", "backslashreplace").decode("utf-8")
    return problem(status, title=title.splitlines()[0], detail=detail, code=error.code)


def _failure(error: BaseException) -> Response[bytes]:
    _logger.error("a request failed", exc_info=error)
    return problem(
        _FAILED, title="The node failed", detail="its operator finds more in the log", code="failed"
    )


def _on_error(_: Request[Any, Any, Any], error: LodestampError) -> Response[bytes]:
    return problem_of(error)


def _on_refusal(_: Request[Any, Any, Any], error: HTTPException) -> Response[bytes]:
    if error.status_code == _FAILED:
        return _failure(error)
    code = _CODES.get(error.status_code, "bad-request")
    return problem(error.status_code, title="The request is not served", detail=code, code=code)


def _on_failure(_: Request[Any, Any, Any], error: Exception) -> Response[bytes]:
    return _failure(error)


EXCEPTION_HANDLERS: Final[Mapping[int | type[Exception], Any]] = MappingProxyType(
    {LodestampError: _on_error, HTTPException: _on_refusal, Exception: _on_failure}
)


def exception_handlers() -> ExceptionHandlersMap:
    """Return what an application does with each exception."""
    return dict(EXCEPTION_HANDLERS)
