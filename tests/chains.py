"""The chains that one suite of tests runs against, each with a key whose coins it may spend."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from engines import find_engine, free_port, running, until_ready
from lodestamp.core.bitcoin import (
    REGTEST,
    SIGHASH_DEFAULT,
    OutPoint,
    SignatureHashes,
    Transaction,
    TxIn,
    TxOut,
    encode_address,
)
from lodestamp.faces.http import SimulatorServer
from lodestamp.node.chains import (
    ChainSource,
    SecretSigner,
    SimulatedChain,
    Simulator,
    SimulatorRpc,
    open_source,
)

SIGNER = SecretSigner(bytes(31) + b"\x07", bytes)
SCRIPT = b"\x51\x20" + SIGNER.output_key()
OTHER = b"\x51\x20" + SecretSigner(bytes(31) + b"\x09").output_key()
START = 1_790_000_000
"""Unix seconds: where the clock of these tests begins."""

DOORS = (
    "simulator",
    "simulator-rpc",
    pytest.param("btcd", marks=pytest.mark.engine),
    pytest.param("bitcoind", marks=pytest.mark.engine),
)


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


@cache
def _template(count: int) -> Simulator:
    made = simulator()
    made.mine(count, SCRIPT)
    return made


def grown(count: int) -> Simulator:
    """A simulator in memory with blocks to the test's key; copied, so that it costs nothing."""
    made = Simulator.open(None, Clock(), SCRIPT)
    pairs = (each._engine.raw_connection() for each in (_template(count), made))
    with contextlib.ExitStack() as stack:
        source, target = (stack.enter_context(contextlib.closing(each)) for each in pairs)
        source.driver_connection.backup(target.driver_connection)
    return made


def sign(tx, spent):
    """The transaction with every input signed by the test's key."""
    hashes = SignatureHashes(tx, spent)
    inputs = [
        replace(
            item,
            witness=(SIGNER.sign_schnorr(hashes.taproot(n, SIGHASH_DEFAULT), tweaked=True),),
        )
        for n, item in enumerate(tx.inputs)
    ]
    return replace(tx, inputs=tuple(inputs))


REPLACEABLE = 0xFFFFFFFD


def child_of(parent, *, fee=1_000, sequence=REPLACEABLE):
    """A payment of the first output of a transaction to the test's key."""
    output = parent.outputs[0]
    tx = Transaction(
        2,
        (TxIn(OutPoint(parent.txid, 0), sequence=sequence),),
        (TxOut(output.amount - fee, SCRIPT),),
    )
    return sign(tx, [output])


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
        "--txindex", "--addrindex", f"--miningaddr={encode_address(SCRIPT, REGTEST)}",
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
