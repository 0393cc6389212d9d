"""Places of the gateway come back, however a body ends (content spec §11: streams, 600 s each)."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from litestar import Litestar

from lodestamp.core.content import PROFILES, add_bytes
from lodestamp.faces.http import gateway as face
from lodestamp.faces.http.problem import exception_handlers
from lodestamp.node.blocks import BlockStore, Gateway
from stores import audited_store

ROOT, BLOCKS = add_bytes(bytes(range(256)) * 8, PROFILES["covenant-8-512"])
Send = Callable[[dict[str, Any]], Awaitable[None]]


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BlockStore]:
    with audited_store(tmp_path) as opened:
        with opened.writer() as writer:
            for block in BLOCKS:
                writer.put(block)
            writer.commit()
        yield opened


def application(places: int, store: BlockStore, monkeypatch: pytest.MonkeyPatch) -> Litestar:
    monkeypatch.setattr(face, "STREAMS_MAX", places)
    routes = face.gateway_routes(Gateway(store, None))  # type: ignore[arg-type]  # no records asked
    return Litestar(
        list(routes),
        openapi_config=None,
        logging_config=None,
        exception_handlers=exception_handlers(),
    )


async def ask(app: Litestar, receive: Any, send: Send) -> None:
    path = f"/ipfs/{ROOT.cid}"
    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "GET",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "root_path": "",
        "query_string": b"format=car",
        "headers": [],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 2),
    }
    await app(scope, receive, send)  # type: ignore[arg-type]


def caller(*messages: str, then: float = 3600) -> Any:
    waiting: Iterator[str] = iter(messages)

    async def receive() -> dict[str, Any]:
        kind = next(waiting, None)
        if kind is None:
            await asyncio.sleep(then)
        return {"type": kind or "http.disconnect", "body": b"", "more_body": False}

    return receive


async def status_of(app: Litestar) -> int:
    """Ask as somebody who reads everything."""
    told: list[dict[str, Any]] = []

    async def send(message: dict[str, Any]) -> None:
        told.append(message)

    await asyncio.wait_for(ask(app, caller("http.request", then=0.1), send), 5)
    return int(told[0]["status"])


def test_a_place_comes_back_from_who_leaves_before_the_first_byte(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def leave(app: Litestar) -> None:
        async def send(_message: dict[str, Any]) -> None:
            return

        await ask(app, caller("http.disconnect", "http.disconnect"), send)

    async def run() -> list[int]:
        app = application(2, store, monkeypatch)
        for _ in range(4):
            await leave(app)
        return [await status_of(app) for _ in range(3)]

    assert asyncio.run(run()) == [200, 200, 200]


def test_a_place_comes_back_from_a_line_that_breaks_at_the_headers(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def send(_message: dict[str, Any]) -> None:
        raise ConnectionResetError

    async def run() -> int:
        app = application(1, store, monkeypatch)
        for _ in range(3):
            with pytest.raises(Exception):  # noqa: B017, PT011  the server's own, of any kind
                await ask(app, caller("http.request"), send)
        return await status_of(app)

    assert asyncio.run(run()) == 200


def test_who_stops_reading_loses_its_place_when_its_time_is_over(
    store: BlockStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(face, "STREAM_S_MAX", 0.5)

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.body":
            await asyncio.sleep(3600)  # the socket's buffer is full, and nobody empties it

    async def run() -> int:
        app = application(1, store, monkeypatch)
        with pytest.raises(Exception):  # noqa: B017, PT011  the connection is cut
            await asyncio.wait_for(ask(app, caller("http.request"), send), 5)
        return await status_of(app)

    assert asyncio.run(run()) == 200
