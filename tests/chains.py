"""The chains that one suite of tests runs against, each with a key whose coins it may spend."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engines import find_engine, free_port, running, until_ready
from lodestamp.core.bitcoin import REGTEST, address
from lodestamp.faces.http import SimulatorServer
from lodestamp.node.chains import (
    ChainSource,
    SecretSigner,
    SimulatedChain,
    Simulator,
    SimulatorRpc,
    open_source,
)

SIGNER = SecretSigner(bytes(31) + b"\x07", lambda size: bytes(size))
SCRIPT = b"\x51\x20" + SIGNER.output_key()
OTHER = b"\x51\x20" + SecretSigner(bytes(31) + b"\x09").output_key()
START = 1_790_000_000
"""Unix seconds: where the clock of these tests begins."""

DOORS = ("simulator", "simulator-rpc", "btcd", "bitcoind")


class Clock:
    """A clock that moves only when it is told to."""

    def __init__(self, now: int = START) -> None:
        self.now = now

    def __call__(self) -> int:
        return self.now


@dataclass
class Chain:
    """One backend under test."""

    door: str
    source: ChainSource
    url: str

    def mine(self, count: int = 1) -> tuple[bytes, ...]:
        """Mine to the test's own key, which is the one that btcd was started with."""
        return self.source.mine(count, SCRIPT)


def simulator(**deployments: bool) -> Simulator:
    """A fresh simulator in memory."""
    made = Simulator.open(None, Clock(), SCRIPT)
    for name, active in deployments.items():
        made.set_deployment(name, active=active)
    return made


@contextlib.contextmanager
def open_door(door: str, folder: Path) -> Iterator[Chain]:
    """Open one of `DOORS` with an empty chain."""
    opened = {"btcd": _btcd, "bitcoind": _bitcoind, "simulator-rpc": _simulator_rpc}
    if door == "simulator":
        source = SimulatedChain(simulator())
        with contextlib.closing(source):
            yield Chain(door, source, "sim:")
        return
    with opened[door](folder) as chain:
        yield chain


@contextlib.contextmanager
def _simulator_rpc(folder: Path) -> Iterator[Chain]:
    made = simulator()
    rpc = SimulatorRpc(made, Clock())
    with (
        contextlib.closing(made),
        SimulatorServer(rpc, "127.0.0.1", 0, folder / ".cookie") as server,
    ):
        url = f"bitcoind://127.0.0.1:{server.port}?cookie={server.cookie}&network=regtest"
        with contextlib.closing(open_source(url)) as source:
            yield Chain("simulator-rpc", source, url)


@contextlib.contextmanager
def _btcd(folder: Path) -> Iterator[Chain]:
    program, port = find_engine("btcd"), free_port()
    command = [
        str(program), "--regtest", f"--configfile={folder}/none", f"--datadir={folder}",
        f"--logdir={folder}", "--rpcuser=u", "--rpcpass=p", f"--rpclisten=127.0.0.1:{port}",
        f"--rpccert={folder}/rpc.cert", f"--rpckey={folder}/rpc.key", "--nolisten", "--nodnsseed",
        "--txindex", "--addrindex", f"--miningaddr={address.encode(SCRIPT, REGTEST)}",
    ]  # fmt: skip
    url = f"btcd://u:p@127.0.0.1:{port}?cert={folder}/rpc.cert&network=regtest"
    with running(command, folder) as process:
        source = until_ready(lambda: open_source(url), process, folder)
        with contextlib.closing(source):
            yield Chain("btcd", source, url)


@contextlib.contextmanager
def _bitcoind(folder: Path) -> Iterator[Chain]:
    program, port = find_engine("bitcoind"), free_port()
    command = [
        str(program), "-regtest", f"-datadir={folder}", "-server", "-listen=0",
        "-rpcbind=127.0.0.1", "-rpcallowip=127.0.0.1", f"-rpcport={port}", "-txindex=1",
        "-disablewallet",
    ]  # fmt: skip
    cookie = folder / "regtest" / ".cookie"
    url = f"bitcoind://127.0.0.1:{port}?cookie={cookie}&network=regtest"
    with running(command, folder) as process:
        source = until_ready(lambda: open_source(url), process, folder)
        with contextlib.closing(source):
            yield Chain("bitcoind", source, url)
