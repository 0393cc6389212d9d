"""The header RPC over HTTP: who may ask, and the stock client that does (R67)."""

from __future__ import annotations

import contextlib
import hashlib
import subprocess
from dataclasses import replace

import httpx
import pytest

from engines import find_engine
from headers import grown, run_of, worked
from lodestamp.core.bitcoin import REGTEST, extend
from lodestamp.faces.http import RpcServer
from lodestamp.node.anchors.bitcoin import HEADER_RPC_BODY_MAX, HeaderRpc, HeaderStore
from lodestamp.node.storage import Database

DOCUMENT = b"what was stamped\n"
HEIGHT = 8


@pytest.fixture
def store(tmp_path):
    """A chain whose block 8 has the document's digest as its Merkle root."""
    database = Database.open(tmp_path / "a.db")
    made = HeaderStore(database, REGTEST, clock=lambda: 1 << 33)
    chain = grown(REGTEST, HEIGHT - 1)
    from headers import following

    header = following(chain, merkle=hashlib.sha256(DOCUMENT).digest())
    chain = extend(chain, worked(replace(header, version=4)))
    made.extend(b"".join(each.encode() for each in run_of(chain, 1)))
    yield made
    database.close()


@pytest.fixture
def server(store, tmp_path):
    with RpcServer(
        HeaderRpc(store).handle,
        "127.0.0.1",
        0,
        cookie=tmp_path / ".cookie",
        body_size_max=HEADER_RPC_BODY_MAX,
    ) as running:
        yield running


def post(server, body=b'{"id":1,"method":"getblockcount"}', **options):
    options.setdefault("auth", tuple(server.cookie.read_text().split(":")))
    return httpx.post(
        f"http://127.0.0.1:{server.port}/", content=body, timeout=10, trust_env=False, **options
    )


def test_r67_it_answers_who_reads_the_cookie_and_nobody_else(server):
    assert server.cookie.stat().st_mode & 0o777 == 0o600
    assert post(server).json() == {"result": HEIGHT, "error": None, "id": 1}
    for auth in (None, ("__cookie__", "wrong")):
        assert post(server, auth=auth).status_code == 401
    assert post(server, b" " * (HEADER_RPC_BODY_MAX + 1)).status_code == 413
    assert post(server, b'{"method":"getblock"}').status_code == 404


def test_the_cookie_goes_with_the_listener(store, tmp_path):
    cookie = tmp_path / "c"
    with contextlib.ExitStack() as stack:
        server = RpcServer(
            HeaderRpc(store).handle, "127.0.0.1", 0, cookie=cookie, body_size_max=100
        )
        stack.enter_context(server)
        assert cookie.exists()
    assert not cookie.exists()


@pytest.mark.engine
@pytest.mark.parametrize(("height", "verified"), [(HEIGHT, True), (HEIGHT - 1, False)])
def test_r67_stock_ots_verifies_against_the_header_store(server, tmp_path, height, verified):
    target = tmp_path / "document"
    target.write_bytes(DOCUMENT)
    payload = bytes((height,))
    proof = (
        bytes.fromhex("004f70656e54696d657374616d7073000050726f6f6600bf89e2e884e89294")
        + b"\x01\x08"
        + hashlib.sha256(DOCUMENT).digest()
        + bytes.fromhex("000588960d73d71901")
        + bytes((len(payload),))
        + payload
    )
    (tmp_path / "document.ots").write_bytes(proof)
    url = f"http://{server.cookie.read_text()}@127.0.0.1:{server.port}"
    command = [find_engine("ots"), "--no-cache", "--btc-regtest", "--bitcoin-node", url]
    ran = subprocess.run(
        [*command, "verify", tmp_path / "document.ots"],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
    )
    said = ran.stdout + ran.stderr
    assert ("Success!" in said) is verified, said
    assert (ran.returncode == 0) is verified, said
