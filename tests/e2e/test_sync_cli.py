"""Two people bring their logs together from the command line."""

from __future__ import annotations

import json
import os
import subprocess
import sys

import pytest

from homes import assert_clean


class Person:
    """A home and the program."""

    def __init__(self, home):
        self.home = home
        self.told = json.loads(self.run("init", "--origin", "example.org/e2e", "--json").stdout)

    def start(self, *words):
        command = [sys.executable, "-m", "lodestamp", "--home", str(self.home), *words]
        return subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=dict(os.environ)
        )

    def run(self, *words, exits=0):
        with self.start(*words) as child:
            out, said = child.communicate(timeout=120)
        assert child.returncode == exits, (out, said)
        return subprocess.CompletedProcess(words, exits, out, said)


@pytest.fixture
def people(tmp_path):
    both = Person(tmp_path / "ann"), Person(tmp_path / "bob")
    yield both
    for each in both:
        assert_clean(each.home)


def test_two_homes_sync_from_the_command_line(people, tmp_path):
    ann, bob = people
    for person, name in ((ann, "a"), (bob, "b")):
        (tmp_path / name).write_text(name)
        person.run("stamp", str(tmp_path / name))
    with bob.start("serve", "--listen", "127.0.0.1:0", "--json") as serving:
        url = f"http://{json.loads(serving.stdout.readline())['listen']}"
        refused = ann.run("sync", url, "--json", exits=1)
        assert json.loads(refused.stdout)["error"]["code"] == "forbidden"
        serving.terminate()
        serving.communicate(timeout=60)
    (bob.home / "config.toml").write_text(f'peers = ["{ann.told["key_id"]}"]\n')
    with bob.start("serve", "--listen", "127.0.0.1:0", "--json") as serving:
        url = f"http://{json.loads(serving.stdout.readline())['listen']}"
        report = json.loads(ann.run("sync", url, "--json").stdout)
        assert (report["relation"], report["received"], report["sent"]) == ("diverged", 1, 1)
        assert report.keys() == {
            "peer", "relation", "rounds", "bytes_sent", "bytes_received", "received", "sent",
            "pending", "rejected", "equivocations", "withheld", "complete",
        }  # fmt: skip
        assert "complete" in ann.run("sync", url, "--mode", "symbols").stdout
        serving.terminate()
        serving.communicate(timeout=60)
    away = ann.run("sync", url, "--json", exits=2)
    assert json.loads(away.stdout)["error"]["code"] == "unreachable"
    assert "no peer's address" in ann.run("sync", "ftp://x", exits=64).stderr
    assert "no mode" in ann.run("sync", url, "--mode", "x", exits=64).stderr
    assert "no grant's id" in ann.run("sync", url, "--delegated", "x", exits=64).stderr
