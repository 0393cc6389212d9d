"""A real kubo for tests: a fresh repository, offline, on loopback ports of ours."""

from __future__ import annotations

import json
import os
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from engines import find_engine, free_port
from lodestamp.errors import RemoteError
from lodestamp.node.blocks import KuboClient

START_S_MAX = 60


@dataclass(frozen=True)
class Kubo:
    """A running kubo: its RPC, its gateway, and the command line that talks to the same one."""

    program: Path
    folder: Path
    rpc: str
    gateway: str

    def run(self, *arguments: str, stdin: bytes | None = None) -> bytes:
        """Run one of its commands; what it prints."""
        return subprocess.run(
            [self.program, *arguments],
            input=stdin,
            env=environment(self.folder),
            capture_output=True,
            check=True,
            timeout=300,
        ).stdout


def environment(folder: Path) -> dict[str, str]:
    """Return the environment of a kubo whose repository is `folder`."""
    return {**os.environ, "IPFS_PATH": str(folder)}


@contextmanager
def running_kubo(folder: Path) -> Iterator[Kubo]:
    """Start a kubo in an empty folder, and stop that one process at the end."""
    program = find_engine("kubo")
    kubo = Kubo(
        program,
        folder,
        f"http://127.0.0.1:{free_port()}",
        f"http://127.0.0.1:{free_port()}",
    )
    kubo.run("init", "--profile=test")
    for name, url in (("API", kubo.rpc), ("Gateway", kubo.gateway)):
        port = url.rpartition(":")[2]
        kubo.run("config", f"Addresses.{name}", f"/ip4/127.0.0.1/tcp/{port}")
    kubo.run("config", "--json", "Addresses.Swarm", json.dumps([]))
    with (folder / "daemon.log").open("wb") as log:
        process = subprocess.Popen(
            [program, "daemon", "--offline"], env=environment(folder), stdout=log, stderr=log
        )
        try:
            _await(kubo, process)
            yield kubo
        finally:
            process.terminate()
            process.wait(30)


def _await(kubo: Kubo, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + START_S_MAX
    with KuboClient(kubo.rpc) as client:
        while process.poll() is None and time.monotonic() < deadline:
            try:
                client.version()
            except RemoteError:
                time.sleep(0.1)
            else:
                return
    raise AssertionError((kubo.folder / "daemon.log").read_text("utf-8", "replace"))
