"""The verbs of `lodestamp anchor`, as an operator uses them, and the stock client beside them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys

import pytest

from chains import OTHER
from conftest import REPOSITORY
from engines import find_engine
from headers import grown, run_of
from lodestamp.core.bitcoin import REGTEST, encode_address
from lodestamp.faces.cli.program import run


@pytest.fixture
def cli(tmp_path, capsys):
    def call(*arguments, code=0):
        capsys.readouterr()
        assert run(["--home", str(tmp_path / "home"), *map(str, arguments)]) == code
        return capsys.readouterr().out

    return call


@pytest.fixture
def stamped(cli, tmp_path):
    """A file with its proof, in a fresh home."""
    file = tmp_path / "report.txt"
    file.write_bytes(b"what happened\n")
    cli("stamp", file)
    return file


def test_a_file_is_stamped_anchored_upgraded_and_verified(cli, stamped):
    first = json.loads(cli("anchor", "now", "--json", code=2))
    assert (first["size"], first["state"], first["final"]) == (1, "sent", False)
    assert first["fee"] == 154
    again = json.loads(cli("anchor", "now", "--json", code=2))
    assert again["txid"] == first["txid"]
    final = json.loads(cli("anchor", "now", "--wait", "--json"))
    assert (final["final"], final["confirmations"]) == (True, 6)
    proof = f"{stamped}.proof.json"
    cli("upgrade", proof)
    verdict = json.loads(cli("verify", proof, stamped, "--network", "regtest", "--json"))
    (leg,) = (each for each in verdict["legs"] if each["name"] == "time")
    assert (leg["status"], leg["facts"]["height"]) == ("established", final["height"])
    assert "clean" in cli("fsck")


def test_r63_after_a_reorganisation_the_anchor_is_found_lost_made_again_and_verified(cli, stamped):
    """Seven blocks leave: a final anchor is lost, and the proof says so until it has another."""
    proof, words = f"{stamped}.proof.json", ("--network", "regtest", "--json")
    before = json.loads(cli("anchor", "now", "--wait", "--json"))
    cli("upgrade", proof)
    cli("verify", proof, stamped, *words)
    assert json.loads(cli("bitcoin", "reorg", "--depth", 7, "--json"))["height"] > before["height"]

    lost = json.loads(cli("upgrade", proof, "--chain", "sim:", "--json", code=2))
    assert (lost["complete"], lost["changed"]) == (False, False)
    assert list(lost["pending"]) == [f"block {before['height']}"]
    found = json.loads(cli("fsck", "--json", code=1))["findings"]
    assert [(each["code"], each["where"]) for each in found] == [("A12", "cycle 1")]

    again = json.loads(cli("anchor", "now", "--wait", "--json"))
    assert (again["cycle"], again["digest"]) == (2, before["digest"])
    assert again["height"] > before["height"]
    status = json.loads(cli("anchor", "status", "--json"))
    assert sorted(each["state"] for each in status["cycles"]) == ["final", "lost"]
    assert [each["kind"] for each in status["events"]] == ["anchor_lost"]
    upgraded = json.loads(cli("upgrade", proof, "--json"))
    assert (upgraded["complete"], upgraded["changed"]) == (True, True)
    verdict = json.loads(cli("verify", proof, stamped, *words))
    (leg,) = (each for each in verdict["legs"] if each["name"] == "time")
    assert (leg["status"], leg["facts"]["height"]) == ("established", again["height"])
    assert "clean" in cli("fsck")


@pytest.mark.usefixtures("stamped")
def test_status_and_address_tell_what_an_operator_needs(cli):
    found = json.loads(cli("anchor", "address", "--json"))
    assert found["network"] == "regtest"
    assert found["address"].startswith("bcrt1p")
    assert cli("anchor", "address").strip() == found["address"]
    before = json.loads(cli("anchor", "status", "--json"))
    assert (before["height"], before["cycles"], before["events"]) == (None, [], [])
    cli("anchor", "now", code=2)
    after = json.loads(cli("anchor", "status", "--json"))
    assert after["address"] == found["address"]
    assert after["cycles"][0]["state"] == "sent"
    assert len(after["coins"]) == 4
    assert after["balance"] == 4 * 5_000_000_000
    assert "cycle 1     sent" in cli("anchor", "status")


def test_an_empty_log_has_nothing_to_anchor(cli):
    assert "the log is empty" in cli("anchor", "now", "--json", code=64)


@pytest.mark.usefixtures("stamped")
def test_coins_are_swept_but_those_an_anchor_waits_for(cli):
    cli("anchor", "now", code=2)
    to = encode_address(OTHER, REGTEST)
    swept = json.loads(cli("anchor", "sweep", to, "--json"))
    assert swept["coins"] == 3
    assert swept["value"] == 3 * 5_000_000_000 - 226  # 3 inputs: 226 vB at the least rate
    cli("bitcoin", "mine", 1)
    cli("anchor", "now", code=2)
    left = json.loads(cli("anchor", "status", "--json"))
    assert [each["value"] for each in left["coins"]] == [5_000_000_000 - 154]
    cli("anchor", "sweep", "bc1qxyz", "--json", code=1)


def test_a_chained_anchor_is_made_where_the_settings_ask_for_it(cli, stamped, tmp_path):
    (tmp_path / "home" / "config.toml").write_text('[anchor]\nmode = "chain"\n')
    final = json.loads(cli("anchor", "now", "--wait", "--json"))
    assert (final["final"], final["cycle"], final["fee"]) == (True, 2, 471)
    proof = f"{stamped}.proof.json"
    cli("upgrade", proof)
    cli("verify", proof, stamped, "--network", "regtest")
    assert "clean" in cli("fsck")


@pytest.mark.usefixtures("stamped")
def test_a_chained_anchor_is_refused_without_op_cat(cli, tmp_path):
    (tmp_path / "home" / "config.toml").write_text('[anchor]\nmode = "chain"\n')
    from lodestamp.node.chains import MINER_SCRIPT, Simulator

    (tmp_path / "home" / "chain").mkdir(exist_ok=True)
    made = Simulator.open(tmp_path / "home" / "chain" / "regtest.db", lambda: 1, MINER_SCRIPT)
    made.set_deployment("opcat", active=False)
    made.close()
    assert "CovenantsNotActive" in cli("anchor", "now", "--json", code=1)


@pytest.mark.usefixtures("stamped")
@pytest.mark.parametrize(
    "text",
    [
        'mode = "other"',
        "confirmations = 1",
        "fee_max = -1",
        "fee_rate_max = true",
        'birthday = "1"',
        "unknown = 1",
    ],
)
def test_settings_outside_their_bounds_are_refused(cli, tmp_path, text):
    (tmp_path / "home" / "config.toml").write_text(f"[anchor]\n{text}\n")
    assert "anchor is a table" in cli("anchor", "status", "--json", code=2)


def test_headers_are_imported_from_a_file(cli, tmp_path):
    chain = grown(REGTEST, 20)
    file = tmp_path / "headers"
    file.write_bytes(b"".join(each.encode() for each in run_of(chain)))
    said = json.loads(cli("anchor", "headers", "import", file, "--network", "regtest", "--json"))
    assert said == {
        "added": 20,
        "network": "regtest",
        "height": 20,
        "tip": chain.tip.hash[::-1].hex(),
    }
    assert "height   20" in cli("anchor", "headers", "import", file)
    assert "wrong-network" in cli(
        "anchor", "headers", "import", file, "--network", "main", "--json", code=1
    )
    file.write_bytes(bytes(79))
    assert "header-size" in cli("anchor", "headers", "import", file, "--json", code=1)


@contextlib.contextmanager
def serving(home, *arguments):
    """Run `anchor headers serve` and yield the URL that stock clients are given."""
    command = [sys.executable, "-m", "lodestamp", "--home", str(home), "anchor", "headers"]
    server = subprocess.Popen(
        [*command, "serve", "--listen", "127.0.0.1:0", "--json", *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": f"{REPOSITORY}/src"},
    )
    try:
        told = json.loads(server.stdout.readline())
        with open(told["cookie"]) as cookie:  # noqa: PTH123
            yield f"http://{cookie.read()}@{told['listen']}"
    finally:
        server.send_signal(signal.SIGINT)
        server.communicate(timeout=20)
    assert server.returncode == 130
    assert not (home / "headers.cookie").exists()


@pytest.mark.engine
def test_stock_ots_verifies_an_exported_proof_against_the_header_store(cli, stamped, tmp_path):
    """The walk of an operation from our log to a block, checked by a program of strangers."""
    cli("anchor", "now", "--wait")
    proof = f"{stamped}.proof.json"
    cli("upgrade", proof)
    out = tmp_path / "operation.json"
    cli("ots", "export", proof, "--network", "regtest", "-o", out)
    with serving(tmp_path / "home", "--chain", "sim:") as url:
        command = [find_engine("ots"), "--no-cache", "--btc-regtest", "--bitcoin-node", url]
        ran = subprocess.run(
            [*command, "verify", f"{out}.ots"],
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
            env={"HOME": str(tmp_path), "PATH": "/usr/bin:/bin"},
        )
        assert (ran.returncode, "Success!" in ran.stdout + ran.stderr) == (0, True), ran.stderr
        out.write_bytes(out.read_bytes() + b" ")
        ran = subprocess.run([*command, "verify", f"{out}.ots"], capture_output=True, check=False)
        assert ran.returncode == 1
