"""Stock OpenTimestamps clients against our calendar, anchorer and header RPC (R42, R55, R67).

The client is opentimestamps-client 0.7.2, the chain our simulator; nobody leaves loopback.
"""

from __future__ import annotations

import subprocess
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

import lodestamp
from anchoring import World, make_world
from calendars import Served, served_over
from engines import find_engine
from lodestamp.core.proof import to_ots
from lodestamp.core.timestamps import encode_detached
from lodestamp.faces.http import RpcServer
from lodestamp.node.anchors import HeaderStore
from lodestamp.node.anchors.bitcoin import HEADER_RPC_BODY_MAX, HeaderRpc

pytestmark = pytest.mark.engine


@dataclass(frozen=True)
class Stock:
    """A calendar whose anchorer looks at a simulated chain, and a stock client."""

    world: World
    served: Served
    headers: RpcServer
    folder: Path

    def ots(self, *words: str | Path):
        """Run the stock client; it verifies against our header RPC."""
        node = f"http://{self.headers.cookie.read_text()}@127.0.0.1:{self.headers.port}"
        options = ["--no-cache", "--btc-regtest", "--bitcoin-node", node]
        return subprocess.run(
            [find_engine("ots"), *options, *words],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            cwd=self.folder,
            env={"HOME": str(self.folder), "PATH": "/usr/bin:/bin"},
        )

    def anchor(self) -> None:
        """Let the anchorer send what waits, and six blocks be mined."""
        self.world.anchorer.poll()
        self.world.mine(6)
        self.world.headers.follow(self.world.source)


@contextmanager
def stock(folder: Path):
    with ExitStack() as stack:
        world = make_world(folder, coins=1)
        stack.callback(world.database.close)
        served = stack.enter_context(served_over(world.database))
        store = HeaderStore(world.database, world.source.network)
        headers = RpcServer(
            HeaderRpc(store).handle,
            "127.0.0.1",
            0,
            cookie=folder / ".cookie",
            body_size_max=HEADER_RPC_BODY_MAX,
        )
        stack.enter_context(headers)
        yield Stock(world, served, headers, folder)


def said(ran) -> str:
    return ran.stdout + ran.stderr


def test_r55_stamp_upgrade_and_verify_a_file(tmp_path):
    document = tmp_path / "document.txt"
    document.write_bytes(b"what was stamped\n")
    with stock(tmp_path) as run:
        stamped = run.ots("stamp", "-m", "1", "-c", run.served.url, document)
        assert stamped.returncode == 0, said(stamped)
        proof = tmp_path / "document.txt.ots"
        pending = run.ots("-l", run.served.url, "upgrade", proof)
        assert pending.returncode == 1
        assert "Pending confirmation in Bitcoin blockchain" in said(pending)
        assert run.ots("verify", proof).returncode == 1

        run.anchor()
        upgraded = run.ots("-l", run.served.url, "upgrade", proof)
        assert upgraded.returncode == 0, said(upgraded)
        verified = run.ots("verify", proof)
        assert verified.returncode == 0, said(verified)
        assert "Success! Bitcoin block" in said(verified)

        whole = proof.read_bytes()
        document.write_bytes(b"what was stamped!\n")  # a tampered file
        refuted = run.ots("verify", proof)
        assert refuted.returncode == 1, said(refuted)
        assert "Success" not in said(refuted)

        document.write_bytes(b"what was stamped\n")  # a tampered proof
        at = len(whole) // 2
        proof.write_bytes(whole[:at] + bytes([whole[at] ^ 1]) + whole[at + 1 :])
        refuted = run.ots("verify", proof)
        assert refuted.returncode != 0, said(refuted)
        assert "Success" not in said(refuted)


def test_r55_without_m_1_and_without_l_the_stock_client_refuses_us(tmp_path):
    document = tmp_path / "document.txt"
    document.write_bytes(b"what was stamped\n")
    with stock(tmp_path) as run:
        assert run.ots("stamp", "-c", run.served.url, document).returncode == 1
        assert run.ots("stamp", "-m", "1", "-c", run.served.url, document).returncode == 0
        refused = run.ots("upgrade", tmp_path / "document.txt.ots")
        assert refused.returncode == 1
        assert "Ignoring attestation from calendar" in said(refused), said(refused)


def test_r45_a_mined_commitment_tells_the_stock_client_what_it_waits_for(tmp_path):
    document = tmp_path / "document.txt"
    document.write_bytes(b"what was stamped\n")
    with stock(tmp_path) as run:
        assert run.ots("stamp", "-m", "1", "-c", run.served.url, document).returncode == 0
        run.world.anchorer.poll()
        run.world.mine(2)
        run.world.headers.follow(run.world.source)
        waiting = run.ots("-l", run.served.url, "upgrade", tmp_path / "document.txt.ots")
        assert "Timestamped by transaction" in said(waiting)
        assert "waiting for 4 confirmations" in said(waiting)


def test_r42_a_log_entry_exported_as_a_file_is_verified_by_the_stock_client(tmp_path):
    """From the operation through our log, our calendar and our anchorer into a block."""
    with stock(tmp_path) as run, lodestamp.open(tmp_path / "home") as node:
        for number in range(7):
            recorded = node.record(source="sensor/1", kind="reading", content={"n": number})
        named = [run.served.url]
        assert len(node.calendars.submit(named)) == 1
        assert node.calendars.upgrade(node.prove(recorded.op_id), named).is_complete is False

        run.anchor()
        node.calendars.follow(run.world.source)
        upgraded = node.calendars.upgrade(node.prove(recorded.op_id), named)
        assert upgraded.is_complete, upgraded.pending
        exported = encode_detached(to_ots(upgraded.proof, network="regtest"))
        block = tmp_path / "operation"
        block.write_bytes(_block_of(node, recorded.op_id))
        (tmp_path / "operation.ots").write_bytes(exported)
        assert len(exported) < 1_600
        verified = run.ots("verify", tmp_path / "operation.ots")
        assert verified.returncode == 0, said(verified)
        assert "Success! Bitcoin block" in said(verified)

        block.write_bytes(block.read_bytes() + b" ")
        assert run.ots("verify", tmp_path / "operation.ots").returncode == 1


def _block_of(node, op_id: str) -> bytes:
    """The bytes whose digest is the operation's id."""
    return node.op(op_id).block
