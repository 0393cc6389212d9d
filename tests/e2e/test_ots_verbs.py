"""`lodestamp ots`: from a stamped file to a Bitcoin block and back, and the client's examples."""

from __future__ import annotations

import json
import subprocess
import time
from hashlib import sha256

import pytest

import ots_files
from chains import OTHER
from engines import find_engine
from lodestamp.core.bitcoin import REGTEST, TxOut
from lodestamp.core.encoding import canonical_json
from lodestamp.core.proof import (
    RUN_HEADERS,
    Anchor,
    AnchorKind,
    Proof,
    anchor_digest,
    compress_run,
)
from lodestamp.core.timestamps import (
    BitcoinHeader,
    Pending,
    encode_path,
    parse_detached,
    transaction_ops,
)
from lodestamp.core.transparency import parse_checkpoint, parse_note
from lodestamp.faces.cli.program import run
from lodestamp.faces.http import SimulatorServer
from lodestamp.node.chains import FileSigner, SimulatorRpc, open_source, plan

HELLO = "000000000000000003e892881a8cdcdc117c06d444057c98b6f04a9ee75a2319:358391"


@pytest.fixture
def cli(tmp_path, capsys):
    def call(*arguments, code=0):
        capsys.readouterr()
        assert run(["--home", str(tmp_path / "home"), *map(str, arguments)]) == code
        return capsys.readouterr().out

    return call


def codes(text):
    return [leg["code"] for leg in json.loads(text)["legs"] if leg["code"]]


def with_anchor(path, make):
    """Put an anchor into a proof file; `make` gets the anchor digest of its checkpoint."""
    top = json.loads(path.read_bytes())
    checkpoint = parse_checkpoint(parse_note(top["checkpoint"]["note"].encode()).text)
    digest = anchor_digest(checkpoint.origin, checkpoint.size, checkpoint.root)
    path.write_bytes(canonical_json({**top, "anchors": [make(digest).as_json()]}))
    Proof.parse(path.read_bytes())


def anchored(cli, tmp_path, digest):
    """Publish a digest in a block of the simulator, and return the way to it and its headers."""
    key = tmp_path / "funds.wif"
    shown = json.loads(cli("bitcoin", "key", "new", "--file", key, "--json"))
    cli("bitcoin", "mine", 101, "--to", shown["address"])
    source = open_source(f"sim://{tmp_path}/home/chain/regtest.db")
    outputs = [TxOut(50_000, OTHER), TxOut(0, b"\x6a\x20" + digest)]
    made = plan(source, FileSigner(key, REGTEST), outputs, 1_000)
    source.broadcast(made.tx)
    (block, *_) = source.mine(RUN_HEADERS, OTHER)
    found = source.inclusion(made.tx.txid, block)
    height = source.tip().height - RUN_HEADERS + 1
    headers = [each.encode() for each in source.headers(height, RUN_HEADERS)]
    source.close()
    prefix, _, suffix = made.tx.encode(witness=False).partition(digest)
    ops = transaction_ops(prefix, suffix, found.branch, found.index)
    return encode_path(ops, BitcoinHeader(height)), height, headers


def test_a_stamped_file_is_exported_and_verified_by_the_chain_and_by_headers(cli, tmp_path):
    """R42, R43: the whole way, from the operation and from the content."""
    file = tmp_path / "report.txt"
    file.write_bytes(b"the report\n")
    cli("stamp", file, "--sha256")
    proof = tmp_path / "report.txt.proof.json"
    found = {}

    def complete(digest):
        ots, height, headers = anchored(cli, tmp_path, digest)
        found.update(height=height, headers=headers)
        return Anchor(AnchorKind.OTS, "regtest", ots, height, compress_run(headers))

    with_anchor(proof, complete)
    assert "no anchor in main" in failing(cli, "ots", "export", proof)
    cli("ots", "export", proof, "--network", "regtest")
    block, ots = tmp_path / "report.txt.operation.json", tmp_path / "report.txt.operation.json.ots"
    assert (
        parse_detached(ots.read_bytes(), strict=True).digest == sha256(block.read_bytes()).digest()
    )
    assert ots_files.stock_encode(ots_files.stock_parse(ots.read_bytes())) == ots.read_bytes()

    told = json.loads(cli("ots", "verify", ots, "--chain", "sim:", "--json"))
    assert told["verdict"] == "established"
    assert told["legs"][2]["facts"]["height"] == found["height"]
    run_file = tmp_path / "run.bin"
    run_file.write_bytes(b"".join(found["headers"]))
    by_run = ("--headers", run_file, "--network", "regtest")
    assert "existed no later than" in cli("ots", "verify", ots, *by_run)
    assert "hint: --headers" in cli("ots", "verify", ots, code=2)
    later = (*by_run, "--from", found["height"] - 1)
    assert codes(cli("ots", "verify", ots, *later, "--json", code=1)) == ["time.root_mismatch"]
    beyond = (*by_run, "--from", 0)
    assert codes(cli("ots", "verify", ots, *beyond, "--json", code=2)) == ["time.no_header"]

    exported = json.loads(
        cli("ots", "export", proof, "--from", "content", "--network", "regtest", "--json")
    )
    assert exported["about"] == str(file)
    assert exported["digest"] == sha256(b"the report\n").hexdigest()
    assert codes(cli("ots", "verify", f"{file}.ots", "--chain", "sim:", "--json")) == []
    file.write_bytes(b"the report!\n")
    changed = cli("ots", "verify", f"{file}.ots", "--chain", "sim:", "--json", code=1)
    assert codes(changed) == ["content.digest_mismatch"]
    cli("bitcoin", "reorg", "--depth", RUN_HEADERS)
    assert codes(cli("ots", "verify", ots, "--chain", "sim:", "--json", code=1)) == [
        "time.root_mismatch"
    ]


@pytest.mark.engine
def test_the_stock_client_verifies_what_is_exported(cli, tmp_path):
    """R42, R43 and D1: it walks through our log to the block, and knows nothing of either."""
    file = tmp_path / "report.txt"
    file.write_bytes(b"the report\n")
    cli("stamp", file, "--sha256")
    proof = tmp_path / "report.txt.proof.json"

    def complete(digest):
        ots, height, headers = anchored(cli, tmp_path, digest)
        return Anchor(AnchorKind.OTS, "regtest", ots, height, compress_run(headers))

    with_anchor(proof, complete)
    cli("ots", "export", proof, "--network", "regtest")
    cli("ots", "export", proof, "--network", "regtest", "--from", "content")
    block = tmp_path / "report.txt.operation.json"
    source = open_source(f"sim://{tmp_path}/home/chain/regtest.db")
    rpc = SimulatorRpc(source.simulator, lambda: int(time.time()))
    with SimulatorServer(rpc, "127.0.0.1", 0, tmp_path / ".cookie") as server:
        for about in (block, file):
            code, said = stock_verify(about, server)
            assert (code, "Success!" in said) == (0, True), said
            about.write_bytes(about.read_bytes() + b"!")
            code, said = stock_verify(about, server)
            assert code == 1, said
            assert "does not match" in said
    source.close()


def stock_verify(about, server):
    """Return exit code and words of the stock client on `about`.ots."""
    url = f"http://{server.cookie.read_text()}@127.0.0.1:{server.port}"
    ran = subprocess.run(
        [
            find_engine("ots"), "--no-cache", "--btc-regtest", "--bitcoin-node", url,
            "verify", f"{about}.ots",
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={"HOME": str(about.parent), "PATH": "/usr/bin:/bin"},
    )  # fmt: skip
    return ran.returncode, ran.stdout + ran.stderr


def failing(cli, *arguments, code=1):
    cli(*arguments, code=code)
    told = cli(*arguments, "--json", code=code)
    return json.loads(told)["error"]["message"]


def test_a_pending_proof_is_exported_and_nothing_is_overwritten(cli, tmp_path):
    file = tmp_path / "report.txt"
    file.write_bytes(b"the report\n" * 200_000)  # several blocks: its digest is not stated
    cli("stamp", file)
    proof = tmp_path / "report.txt.proof.json"
    pending = encode_path((), Pending("https://a.example"))
    with_anchor(proof, lambda _: Anchor(AnchorKind.OTS, "main", pending))
    assert "states no SHA-256" in failing(cli, "ots", "export", proof, "--from", "content")
    told = json.loads(cli("ots", "export", proof, "-o", tmp_path / "op", "--json"))
    assert (told["about"], told["ots"]) == (str(tmp_path / "op"), str(tmp_path / "op.ots"))
    verdict = cli("ots", "verify", tmp_path / "op.ots", "--json", code=2)
    assert codes(verdict) == ["time.pending"]
    assert "exists" in failing(cli, "ots", "export", proof, "-o", tmp_path / "op")
    cli("ots", "export", proof, "-o", tmp_path / "op", "--force")
    (tmp_path / "op").unlink()
    absent = cli("ots", "verify", tmp_path / "op.ots", "--json", code=2)
    assert codes(absent) == ["content.bytes_absent", "time.pending"]


def test_a_timestamp_is_told_step_by_step(cli, vectors):
    folder = vectors / "timestamps/ots"
    text = cli("ots", "info", folder / "different-blockchains.txt.ots")
    assert text.count("sha256") > 20
    assert "= pending at https://ots.eternitywall.it" in text
    assert text.rstrip().endswith(
        "Merkle root 2a19192cf00fb1baeea516b69b3a62195849589b4caafeb6ad6ebba58b9ae69a"
    )
    told = json.loads(cli("ots", "info", folder / "hello-world.txt.ots", "--json"))
    assert (told["file_op"], told["depth"], len(told["steps"])) == ("sha256", 38, 39)
    (block,) = told["attestations"]
    assert (block["kind"], block["height"]) == ("BitcoinHeader", 358391)
    assert told["steps"][-1] == {"depth": 38, "attestation": 0}
    unknown = json.loads(cli("ots", "info", folder / "unknown-notary.txt.ots", "--json"))
    assert unknown["attestations"][0]["payload"].startswith("7878")
    cli("ots", "info", folder / "invalid/bad-major-version.ots", code=1)


def test_hello_world_stands_on_its_header_and_bad_stamp_is_refuted(cli, vectors, tmp_path):
    """Attack 46, with the header of the real block and without trust in it."""
    folder = vectors / "timestamps/ots"
    listed = json.loads((folder / "headers.json").read_text())
    header = tmp_path / "358391.hex"
    header.write_text(listed["358391"]["header_hex"])
    hello, bad = folder / "hello-world.txt.ots", folder / "bad-stamp.txt.ots"
    by_header = ("--headers", header)
    told = json.loads(cli("ots", "verify", hello, *by_header, "--pin", HELLO, "--json"))
    assert told["legs"][2]["facts"]["time"] == 1432827678
    lone = cli("ots", "verify", hello, *by_header, "--json", code=2)
    assert codes(lone) == ["time.work_below_floor"]
    assert codes(cli("ots", "verify", bad, *by_header, "--json", code=1)) == ["time.root_mismatch"]


def test_calls_that_make_no_sense_are_usage(cli, vectors, tmp_path):
    hello = vectors / "timestamps/ots/hello-world.txt.ots"
    header = tmp_path / "header"
    header.write_bytes(bytes(80))
    cli("ots", "verify", hello, "--headers", header, "--chain", "sim:", code=64)
    cli("ots", "verify", hello, "--network", "moon", code=64)
    cli("ots", "verify", hello, "--pin", "here", code=64)
    cli("ots", "export", hello, "--from", "moon", code=64)
    cli("ots", "verify", tmp_path / "absent.ots", code=2)
