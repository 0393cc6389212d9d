"""Serving content: the trustless gateway against the same HTTP server sending the same bytes."""

from __future__ import annotations

import random
import subprocess
import sys
import tempfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from litestar import Litestar, Response, get
from litestar.response import Stream

import lodestamp
from benchmarks.table import SEED, Findings, Timing, compare, timed
from lodestamp.core.content import PROFILES, add_bytes
from lodestamp.faces.http import Address, Listener, choose_mounts, make_application

MIB = 1 << 20
_CLIENT = """
import http.client, sys
host, path, accept, times = sys.argv[1:]
connection = http.client.HTTPConnection(host)
size = 0
for number in range(int(times)):
    connection.request("GET", path, headers={"accept": accept})
    answer = connection.getresponse()
    assert answer.status == 200, answer.status
    while piece := answer.read(1 << 18):
        size += len(piece)
print(size)
"""
"""A client in a process of its own, so that this one's CPU is the server's alone."""


def findings(*, quick: bool) -> Findings:
    """Send one block of 1 MiB many times, and a file of 64 MiB as one CAR."""
    times = 100 if quick else 500
    rounds = 3 if quick else 5
    data = random.Random(SEED).randbytes(64 * MIB)
    root, blocks = add_bytes(data, PROFILES["unixfs-v1-2025"])
    one = next(block for block in blocks if len(block.data) == MIB)
    with (
        tempfile.TemporaryDirectory(prefix="lodestamp-bench-") as folder,
        lodestamp.open(Path(folder) / "home") as node,
    ):
        with node.blocks.writer() as writer:
            for block in blocks:
                writer.put(block)
            writer.commit()
        ours = make_application(node, choose_mounts(["ipfs"]), ())
        with _listening(ours) as gateway, _listening(_plain(one.data, data)) as plain:
            raw, car = "application/vnd.ipld.raw", "application/vnd.ipld.car"
            yield compare(
                "gateway: a block of 1 MiB, hashed each time",
                unit="MiB",
                ours=_fetching(gateway, f"/ipfs/{one.cid}", raw, times, MIB),
                peer="the same server, same bytes",
                theirs=_fetching(plain, "/whole", raw, times, MIB),
                aim=0.5,
                rounds=rounds,
            )
            many = max(times // 64, 1)
            yield compare(
                "gateway: a file of 64 MiB as a CAR, hashed each time",
                unit="MiB",
                ours=_fetching(gateway, f"/ipfs/{root.cid}", car, many, 64 * MIB),
                peer="the same server, same bytes streamed",
                theirs=_fetching(plain, "/stream", car, many, 64 * MIB),
                rounds=rounds,
            )


def _plain(whole: bytes, streamed: bytes) -> Litestar:
    """Return an application that sends bytes it holds, as a body and as pieces."""

    @get("/whole")
    async def send_whole() -> Response[bytes]:
        return Response(whole, media_type="application/vnd.ipld.raw")

    def pieces() -> Iterator[bytes]:
        for start in range(0, len(streamed), MIB):
            yield streamed[start : start + MIB]

    @get("/stream")
    async def send_stream() -> Stream:
        return Stream(pieces(), media_type="application/vnd.ipld.car")

    return Litestar([send_whole, send_stream], logging_config=None, openapi_config=None)


@contextmanager
def _listening(application: Litestar) -> Iterator[str]:
    listener = Listener.bind(Address("127.0.0.1", 0))
    thread = threading.Thread(target=listener.run, args=(application,), daemon=True)
    thread.start()
    try:
        yield str(listener.address)
    finally:
        listener.stop()
        thread.join()


def _fetching(host: str, path: str, accept: str, times: int, size: int) -> Callable[[], Timing]:
    """Return a trial: one client asks this many times and reads all of it."""

    def fetch() -> None:
        command = [sys.executable, "-c", _CLIENT, host, path, accept, str(times)]
        done = subprocess.run(command, check=True, capture_output=True)  # noqa: S603
        assert int(done.stdout) >= times * size

    return lambda: timed(fetch, times * size // MIB)
