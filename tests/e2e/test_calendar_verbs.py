"""From a file to a Bitcoin block, by the program alone but for the miner."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys

import pytest

import lodestamp
from anchoring import make_world
from calendars import served_over
from chains import OTHER, START, Clock
from homes import assert_clean
from lodestamp.core.proof import Proof
from lodestamp.node.calendars import promised_by
from lodestamp.node.chains import Simulator


def run(home, *words, exits=0):
    command = [sys.executable, "-m", "lodestamp", "--home", str(home), *map(str, words)]
    ran = subprocess.run(
        command, capture_output=True, text=True, timeout=120, check=False, env=dict(os.environ)
    )
    assert ran.returncode == exits, (ran.stdout, ran.stderr)
    return ran


def told(ran):
    return [json.loads(line) for line in ran.stdout.splitlines()]


@pytest.fixture
def world(tmp_path):
    """A chain in a file that the program reads too, and an anchorer with a coin."""
    simulator = Simulator.open(tmp_path / "chain.db", Clock(START), OTHER)
    world = make_world(tmp_path, simulator)
    world.fund()
    world.anchorer.poll()
    yield world
    world.database.close()


def test_stamp_upgrade_and_verify(tmp_path, world):
    home, document = tmp_path / "home", tmp_path / "report.txt"
    document.write_text("final version")
    proof = tmp_path / "report.txt.proof.json"
    chain = f"sim://{tmp_path}/chain.db"
    with served_over(world.database) as calendar:
        (stamped,) = told(run(home, "stamp", document, "--calendar", calendar.url, "--json"))
        assert stamped["pending"] == [calendar.url]
        promised = proof.read_bytes()
        verdict = told(run(home, "verify", proof, document, "--json", exits=2))[0]
        assert {leg["code"] for leg in verdict["legs"] if leg["name"] == "time"} == {"time.pending"}

        waiting = told(run(home, "upgrade", proof, "--chain", chain, "--json", exits=2))[0]
        assert waiting["complete"] is False
        assert waiting["pending"] == {calendar.url: "Pending confirmation in Bitcoin blockchain"}
        world.anchorer.poll()
        world.mine(6)
        upgraded = told(run(home, "upgrade", proof, "--chain", chain, "--json"))[0]
        assert (upgraded["complete"], upgraded["changed"]) == (True, True)
        assert upgraded["anchors"][0]["network"] == "regtest"
        assert upgraded["pending"] == {}
    backup = tmp_path / "report.txt.proof.json.bak"
    kept = Proof.parse(backup.read_bytes())  # which network it is was not known at first
    assert promised_by(kept) == promised_by(Proof.parse(promised)) == [calendar.url]
    run(home, "verify", proof, document, "--network", "regtest")
    run(home, "verify", proof, document, exits=2)  # main alone counts unless regtest is accepted
    again = told(run(home, "upgrade", proof, "--json"))[0]
    assert (again["complete"], again["changed"]) == (True, False)
    document.write_text("another version")
    run(home, "verify", proof, document, "--network", "regtest", exits=1)
    assert_clean(home)


def test_waiting_tells_what_for_and_ends_with_the_block(tmp_path, world):
    home, document = tmp_path / "home", tmp_path / "report.txt"
    document.write_text("final version")
    with served_over(world.database) as calendar:
        words = ["--calendar", calendar.url, "--chain", f"sim://{tmp_path}/chain.db"]
        command = [sys.executable, "-m", "lodestamp", "--home", str(home), "stamp", str(document)]
        with subprocess.Popen(
            [*command, *words, "--wait", "time", "--json"],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        ) as child:
            line = child.stderr.readline()
            said = f"{calendar.url}: Pending confirmation in Bitcoin blockchain"
            assert line == f"waiting    {said}\n"
            world.anchorer.poll()
            world.mine(6)
            out, said = child.communicate(timeout=60)
        assert child.returncode == 0, said
        (stamped,) = [json.loads(each) for each in out.splitlines()]
        assert stamped["pending"] == []
        verify = (home, "verify", tmp_path / "report.txt.proof.json", document)
        run(*verify, "--network", "regtest")
        assert_clean(home)
        _lose_and_make_again(world, home, tmp_path / "report.txt.proof.json", words)
    run(*verify, "--network", "regtest")
    assert_clean(home)


def _lose_and_make_again(world, home, proof, words):
    """R63: a reorganisation of seven blocks loses the calendar's anchor; it makes another."""
    first = Proof.parse(proof.read_bytes()).anchors[0].height
    world.simulator.reorg(7)
    lost = told(run(home, "upgrade", proof, *words, "--json", exits=2))[0]
    assert lost["complete"] is False
    world.anchorer.poll()
    assert world.states() == ["lost", "sent"]
    world.mine(6)
    made = told(run(home, "upgrade", proof, *words, "--json"))[0]
    assert (made["complete"], made["changed"]) == (True, True)
    assert made["anchors"][0]["height"] > first


def test_a_calendar_of_ones_own_is_served_and_carried(tmp_path):
    home = tmp_path / "home"
    command = [sys.executable, "-m", "lodestamp", "--home", str(home), "calendar", "serve"]
    words = ["--uri", "https://calendar.example", "--listen", "127.0.0.1:0", "--json"]
    with subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True) as child:
        served = json.loads(child.stdout.readline())
        assert served["uri"] == "https://calendar.example"
        document = tmp_path / "report.txt"
        document.write_text("final version")
        url = f"http://{served['listen']}"
        run(tmp_path / "other", "stamp", document, "--calendar", url)
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    run(home, "calendar", "serve", "--uri", "https://other.example", exits=64)
    journal = tmp_path / "journal"
    exported = told(run(home, "calendar", "journal", "export", journal, "--json"))[0]
    assert exported == {"path": str(journal), "records": 1}
    assert journal.stat().st_size == 44
    run(home, "calendar", "journal", "export", journal, exits=2)  # never overwritten
    journal.write_bytes(journal.read_bytes() + b"torn")
    imported = told(run(tmp_path / "third", "calendar", "journal", "import", journal, "--json"))[0]
    assert imported == {"path": str(journal), "records": 2, "added": 2, "padded": 40}
    for each in (home, tmp_path / "third", tmp_path / "other"):
        assert_clean(each)


def test_a_node_serves_and_anchors_while_others_work_in_its_home(tmp_path):
    """R50, R60: own calendar and own anchorer in `serve`, and `anchor now` beside it."""
    home, document = tmp_path / "home", tmp_path / "report.txt"
    document.write_text("final version")
    proof = tmp_path / "report.txt.proof.json"
    with lodestamp.open(home) as node:
        node.open_calendar("https://calendar.example").close()
    command = [sys.executable, "-m", "lodestamp", "--home", str(home), "serve"]
    words = ["--listen", "127.0.0.1:0", "--chain", "sim:", "--json"]
    with subprocess.Popen([*command, *words], stdout=subprocess.PIPE, text=True) as child:
        json.loads(child.stdout.readline())
        (stamped,) = told(run(home, "stamp", document, "--json"))
        assert stamped["pending"] == ["https://calendar.example"]
        final = told(run(home, "anchor", "now", "--wait", "--json"))[0]
        assert final["final"] is True
        assert told(run(home, "upgrade", proof, "--json"))[0]["complete"] is True
        run(home, "verify", proof, document, "--network", "regtest")
        child.send_signal(signal.SIGTERM)
        assert child.wait(30) == 0
    assert_clean(home)


def test_stamp_says_at_once_what_makes_no_sense(tmp_path):
    home, document = tmp_path / "home", tmp_path / "report.txt"
    document.write_text("final version")
    run(home, "stamp", document, "--calendar", "nonsense", exits=64)
    run(home, "stamp", document, "--wait", "final", exits=64)
    run(home, "stamp", document, "--wait", "time", exits=64)
    run(home, "stamp", document, "--wait", "never", exits=64)
    assert not (tmp_path / "report.txt.proof.json").exists()


def test_a_record_stands_where_its_calendar_is_away(tmp_path):
    home, document = tmp_path / "home", tmp_path / "report.txt"
    document.write_text("final version")
    proof = tmp_path / "report.txt.proof.json"
    away = "http://127.0.0.1:1"
    failed, stamped = told(run(home, "stamp", document, "--calendar", away, "--json", exits=2))
    assert failed["error"]["code"] == "calendar.too-few"
    assert stamped["pending"] == []
    run(home, "verify", proof, document)
    waiting = told(run(home, "upgrade", proof, "--json", exits=2))[0]
    assert away in waiting["pending"]
    assert_clean(home)
