"""The verbs of `lodestamp bitcoin`, as a person uses them; and the simulator's third door."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

from chains import OTHER, SCRIPT, grown
from conftest import REPOSITORY
from headers import grown as grown_headers
from headers import run_of
from lodestamp.core.bitcoin import REGTEST, OutPoint, Transaction, TxIn, TxOut, encode_address
from lodestamp.faces.cli.program import run
from lodestamp.node.chains import FileSigner, SimulatedChain, open_source, plan


@pytest.fixture
def cli(tmp_path, capsys):
    def call(*arguments, code=0):
        capsys.readouterr()
        assert run(["--home", str(tmp_path / "home"), "bitcoin", *map(str, arguments)]) == code
        return capsys.readouterr().out

    return call


def answer(text):
    return json.loads(text)


def test_a_chain_is_mined_reorganised_and_looked_at(cli, tmp_path):
    assert answer(cli("status", "--json")) == {
        "backend": "sim",
        "network": "regtest",
        "height": 0,
        "tip": REGTEST.genesis.hash_display,
        "deployments": {"opcat": True, "checktemplateverify": True},
    }
    mined = answer(cli("mine", 3, "--to", encode_address(OTHER, REGTEST), "--json"))
    assert (mined["height"], len(mined["blocks"])) == (3, 3)
    assert answer(cli("reorg", "--depth", 2, "--json"))["height"] == 4
    assert answer(cli("reorg", "--depth", 3, "--replace", 1, "--json"))["height"] == 2
    assert "height   2" in cli("status")
    source = open_source(f"sim://{tmp_path}/home/chain/regtest.db")
    assert source.tip().height == 2
    source.close()


def test_a_chain_beside_it_does_not_keep_a_home_from_being_made(cli, tmp_path):
    cli("status")
    assert run(["--home", str(tmp_path / "home"), "init"]) == 0


def test_a_payment_is_checked_proven_and_a_flipped_bit_refuted(cli, tmp_path):
    key = tmp_path / "funds.wif"
    shown = answer(cli("key", "new", "--file", key, "--json"))
    assert answer(cli("key", "show", "--file", key, "--json")) == shown
    cli("mine", 101, "--to", shown["address"])
    source = open_source(f"sim://{tmp_path}/home/chain/regtest.db")
    made = plan(source, FileSigner(key, REGTEST), [TxOut(50_000, OTHER)], 1_000)
    source.broadcast(made.tx)
    source.close()
    raw = made.tx.encode().hex()
    spent = tmp_path / "spent.json"
    told = [each.coin.output for each in made.spent]
    spent.write_text(json.dumps([{"amount": o.amount, "script": o.script.hex()} for o in told]))
    assert answer(cli("tx", "check", raw, "--spent", spent, "--json"))["ok"] is True
    bad = raw.replace(made.tx.inputs[0].witness[0].hex(), "00" * 64)
    assert answer(cli("tx", "check", bad, "--spent", spent, "--json", code=1)) == {
        "ok": False, "error": "SCHNORR_SIG", "input": 0, "position": None,
    }  # fmt: skip
    assert answer(cli("tx", "decode", raw))["txid"] == made.tx.txid_display
    (block,) = answer(cli("mine", 1, "--json"))["blocks"]
    proof = tmp_path / "proof.json"
    asked = ("proof", "make", made.tx.txid_display, "--block", block)
    assert answer(cli(*asked, "-o", proof, "--json")) == {
        "txid": made.tx.txid_display, "block": block, "index": 1, "depth": 1,
    }  # fmt: skip
    assert answer(cli(*asked, "--json")) == json.loads(proof.read_text())
    assert answer(cli("proof", "check", proof, "--json")) == {
        "verdict": "established", "code": "", "txid": made.tx.txid_display, "block": block,
    }  # fmt: skip
    document = json.loads(proof.read_text())
    document["branch"][0] = "00" * 32
    proof.write_text(json.dumps(document))
    assert answer(cli("proof", "check", proof, "--json", code=1))["code"] == "root"
    proof.write_text("{}")
    cli("proof", "check", proof, code=1)


def test_a_transaction_is_checked_under_chosen_flags_and_traced(cli, tmp_path):
    script = bytes.fromhex("51b1")  # 1 CHECKLOCKTIMEVERIFY
    funding = Transaction(2, (TxIn(OutPoint(bytes(32), 0)),), (TxOut(9, script),))
    spend = Transaction(2, (TxIn(OutPoint(funding.txid, 0)),), (TxOut(8, b"\x51"),))
    raw, spent = spend.encode().hex(), tmp_path / "spent.json"
    spent.write_text(json.dumps([{"amount": 9, "script": script.hex()}]))
    asked = ("tx", "check", raw, "--spent", spent)
    assert answer(cli(*asked, "--json", code=1)) == {
        "ok": False, "error": "UNSATISFIED_LOCKTIME", "input": 0, "position": 1,
    }  # fmt: skip
    for flags in ("mainnet", "standard", "CHECKLOCKTIMEVERIFY", "P2SH,CHECKLOCKTIMEVERIFY"):
        assert "UNSATISFIED_LOCKTIME, input 0" in cli(*asked, "--flags", flags, code=1)
    assert cli(*asked, "--flags", "P2SH,WITNESS").strip() == "ok"
    for wrong in ("", "p2sh", "P2SH,", "WITNESS", "ANYPREVOUT"):
        cli(*asked, "--flags", wrong, code=64)
    lines = cli(*asked, "--flags", "P2SH", "--trace", "--json").splitlines()
    steps, verdict = [json.loads(each) for each in lines[:-1]], json.loads(lines[-1])
    assert [(each["position"], each["op"], each["stack"]) for each in steps] == [
        (0, "OP_1", []), (1, "OP_CHECKLOCKTIMEVERIFY", ["01"]),
    ]  # fmt: skip
    assert (steps[0]["input"], steps[0]["version"], verdict["ok"]) == (0, "BASE", True)
    assert "OP_CHECKLOCKTIMEVERIFY\n    stack  <01>\n" in cli(*asked, "--trace", code=1)


def test_headers_are_judged_by_work_and_by_pins(cli, tmp_path):
    chain = grown_headers(REGTEST, 5)
    file = tmp_path / "run"
    file.write_bytes(b"".join(each.encode() for each in run_of(chain, 1)))
    assert answer(cli("header", "check", file, "--network", "regtest", "--json")) == {
        "verdict": "established", "code": "", "work_log2": 3.32, "pinned": None, "height": None,
    }  # fmt: skip
    options = ("--network", "regtest", "--floor", 9)
    cli("header", "check", file, *options, code=2)
    pin = f"{chain.tip.hash[::-1].hex()}:5"
    assert "pinned block" in cli("header", "check", file, *options, "--pin", pin)
    file.write_text(file.read_bytes()[:-80].hex() + "00" * 80)
    cli("header", "check", file, *options, code=1)
    for nonsense in ("11:5", f"{pin}x", pin[:-2]):
        cli("header", "check", file, "--pin", nonsense, code=64)


def test_scripts_and_addresses_go_both_ways(cli):
    assert cli("script", "hex", "CAT SHA256 <00> EQUAL").strip() == "7ea8010087"
    assert cli("script", "asm", "7ea8010087").strip() == "CAT SHA256 <00> EQUAL"
    text = cli("address", "encode", "--script", OTHER.hex(), "--network", "main").strip()
    assert text.startswith("bc1p")
    assert cli("address", "decode", text, "--network", "main").strip() == OTHER.hex()
    cli("address", "decode", text, "--network", "test", code=1)
    cli("address", "decode", text, "--network", "moon", code=64)
    cli("script", "asm", "7", code=64)


def test_a_key_file_that_others_may_read_is_refused(cli, tmp_path):
    key = tmp_path / "funds.wif"
    cli("key", "new", "--file", key)
    cli("key", "new", "--file", key, code=1)
    key.chmod(0o644)
    cli("key", "show", "--file", key, code=1)


def test_the_simulator_is_served_and_driven_through_its_rpc(tmp_path):
    environment = os.environ | {"PYTHONPATH": f"{REPOSITORY}/src"}
    command = [
        sys.executable, "-m", "lodestamp", "--home", str(tmp_path), "bitcoin", "simulate",
        "--listen", "127.0.0.1:0", "--no-cat",
    ]  # fmt: skip
    with subprocess.Popen(command, stdout=subprocess.PIPE, env=environment) as server:
        url = server.stdout.readline().decode().strip()
        source = open_source(url)
        source.mine(2, SCRIPT)
        assert source.tip().height == 2
        assert source.capabilities().deployments["opcat"] is False
        source.close()
        server.send_signal(signal.SIGINT)
        assert server.wait(20) == 130
    assert not (tmp_path / "chain" / ".cookie").exists()


def test_a_cookie_that_others_may_read_is_warned_of(tmp_path, capsys):
    from chains import Clock
    from lodestamp.faces.http import SimulatorServer
    from lodestamp.node.chains import SimulatorRpc

    made = SimulatedChain(grown(5))
    rpc = SimulatorRpc(made.simulator, Clock())
    with SimulatorServer(rpc, "127.0.0.1", 0, tmp_path / ".cookie") as server:
        url = f"bitcoind://127.0.0.1:{server.port}?cookie={server.cookie}&network=regtest"
        asked = ["--home", str(tmp_path / "home"), "bitcoin", "status", "--chain", url, "--json"]
        assert (run(asked), capsys.readouterr().err) == (0, "")
        for mode in (0o640, 0o604):
            server.cookie.chmod(mode)
            assert run(asked) == 0
            told = capsys.readouterr()
            assert "warning: others may read the cookie file" in told.err
            assert answer(told.out)["height"] == 5
            with pytest.warns(UserWarning, match="others may read"):
                open_source(url).close()
    made.close()


def test_off_loopback_the_simulator_wants_to_be_told_twice(cli):
    cli("simulate", "--listen", "0.0.0.0:0", code=64)
    cli("simulate", "--listen", "nowhere", code=64)


def test_what_only_the_simulator_can_do_is_refused_on_a_node(cli, tmp_path):
    from chains import Clock
    from lodestamp.faces.http import SimulatorServer
    from lodestamp.node.chains import SimulatorRpc

    made = SimulatedChain(grown(5))
    rpc = SimulatorRpc(made.simulator, Clock())
    with SimulatorServer(rpc, "127.0.0.1", 0, tmp_path / ".cookie") as server:
        url = f"bitcoind://127.0.0.1:{server.port}?cookie={server.cookie}&network=regtest"
        assert answer(cli("status", "--chain", url, "--json"))["height"] == 5
        assert answer(cli("mine", 1, "--chain", url, "--json"))["height"] == 6
        cli("reorg", "--depth", 1, "--chain", url, code=1)
    made.close()
