"""Asking a pinning service to keep something (remote pinning API 1.0.0, content spec R122)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any, Self

import orjson

from lodestamp.core.encoding import JsonObject
from lodestamp.errors import PinError
from lodestamp.node.blocks.pin_requests import (
    PAGE_MAX,
    PinQuery,
    PinRequest,
    PinStatus,
    format_created,
)
from lodestamp.node.blocks.remote import Parameter, Remote


class PinningClient:
    """A pinning service below `url`, ``https://host/pinning``; `token` is its bearer token.

    Every call raises RemoteError ``remote.unreachable`` when nobody answers, ``remote.refused``
    with the service's reason, ``remote.malformed`` for an answer outside the standard.
    """

    def __init__(self, url: str, token: str) -> None:
        """Prepare; nothing is asked yet. UsageError for a URL we do not dial."""
        self._remote = Remote(url, token)

    def find(self, query: PinQuery) -> tuple[int, list[PinStatus]]:
        """Return how many requests match in all, and the newest of them up to the query's limit."""
        parameters: dict[str, Parameter] = {
            "cid": ",".join(map(str, query.cids)) or None,
            "name": query.name,
            "match": query.match if query.name is not None else None,
            "status": ",".join(query.progress),
            "before": None if query.before_ms is None else format_created(query.before_ms),
            "after": None if query.after_ms is None else format_created(query.after_ms),
            "limit": query.limit,
            "meta": orjson.dumps(dict(query.meta)).decode() if query.meta else None,
        }
        said = self._remote.ask_json("GET", "/pins", parameters)
        results = said.get("results") if isinstance(said, dict) else None
        count = said.get("count") if isinstance(said, dict) else None
        if not isinstance(results, list) or type(count) is not int or count < len(results):
            raise self._remote.malformed("no list of pins")
        return count, [self._status(each) for each in results]

    def all(self, query: PinQuery) -> Iterator[PinStatus]:
        """Yield every request that matches, page by page, the newest first."""
        query = replace(query, limit=PAGE_MAX)
        while True:
            count, page = self.find(query)
            yield from page
            if not page or count <= len(page):
                return
            query = replace(query, before_ms=page[-1].created_ms)

    def add(self, request: PinRequest) -> PinStatus:
        """Ask to keep a DAG."""
        return self._status(self._send("POST", "/pins", request.document()))

    def get(self, request_id: str) -> PinStatus:
        """Return how a request stands."""
        return self._status(self._remote.ask_json("GET", f"/pins/{_segment(request_id)}"))

    def replace(self, request_id: str, request: PinRequest) -> PinStatus:
        """Put another request in the place of one, so that what both share is never let go."""
        path = f"/pins/{_segment(request_id)}"
        return self._status(self._send("POST", path, request.document()))

    def remove(self, request_id: str) -> None:
        """Withdraw a request."""
        self._remote.ask("DELETE", f"/pins/{_segment(request_id)}")

    def close(self) -> None:
        """Let the connections go."""
        self._remote.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _send(self, method: str, path: str, document: JsonObject) -> Any:
        return self._remote.ask_json(
            method,
            path,
            content=orjson.dumps(document),
            headers={"content-type": "application/json"},
        )

    def _status(self, document: object) -> PinStatus:
        try:
            return PinStatus.parse(document)
        except PinError as error:
            raise self._remote.malformed(error.message) from None


def _segment(request_id: str) -> str:
    """Refuse an id that would lead elsewhere than to one request."""
    if not request_id or not all(each.isalnum() or each in "-_.~" for each in request_id):
        raise PinError(f"{request_id!r:.60} is no id of a request", code="pin.request")
    return request_id
