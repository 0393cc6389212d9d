"""Content from one home to another from the command line: serve, pull, get, push, names."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from contextlib import contextmanager

import pytest

from homes import assert_clean
from kubos import running_kubo
from lodestamp.core.encoding import Cid

ABSENT = str(Cid.of(0x55, b"nobody has this"))


class Person:
    """A home and the program."""

    def __init__(self, home):
        self.home = home

    def start(self, *words):
        command = [sys.executable, "-m", "lodestamp", "--home", str(self.home), "content"]
        return subprocess.Popen(
            [*command, *map(str, words)],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
            env=dict(os.environ),
        )

    def run(self, *words, exits=0):
        """Run a verb; what it printed and said."""
        with self.start(*words) as child:
            out, said = child.communicate(timeout=120)
        assert child.returncode == exits, (out, said)
        return out, said

    def json(self, *words, exits=0):
        """Run a verb that prints one JSON object; the object."""
        return json.loads(self.run(*words, "--json", exits=exits)[0])

    @contextmanager
    def serving(self, *words):
        """Serve the home as a gateway; its URL and the process."""
        with self.start("serve", "--listen", "127.0.0.1:0", "--json", *words) as child:
            told = json.loads(child.stdout.readline())
            assert told["mounts"] == ["ipfs"]
            yield f"http://{told['listen']}"
            child.terminate()
            _, said = child.communicate(timeout=60)
            assert child.returncode == 0, said


@pytest.fixture
def people(tmp_path):
    both = Person(tmp_path / "ann"), Person(tmp_path / "bob")
    yield both
    for each in both:
        if each.home.exists():
            assert_clean(each.home)


@pytest.fixture
def tree(tmp_path):
    folder = tmp_path / "tree"
    (folder / "d").mkdir(parents=True)
    (folder / "a.txt").write_bytes(b"hello")
    (folder / "d/big").write_bytes(os.urandom(2_200_000))
    return folder


@pytest.mark.slow
def test_a_folder_is_served_pulled_and_exported_alike(people, tree, tmp_path):
    """R119, R121: what a second home pulled is, as a CAR, the very bytes of the first one's."""
    ann, bob = people
    added = ann.json("add", tree)
    ann.run("export", added["cid"], "-o", tmp_path / "ann.car")
    with ann.serving() as url:
        pulled = bob.json("pull", added["cid"], "--gateway", url, "--pin", "--name", "hers")
        assert pulled == {
            "cid": added["cid"],
            "blocks": added["blocks"],
            "bytes": added["dag_size"],
            "new_blocks": added["blocks"],
            "new_bytes": added["dag_size"],
        }
        again = bob.json("pull", added["cid"], "--gateway", url)
        assert (again["blocks"], again["new_blocks"]) == (added["blocks"], 0)
        words, _ = bob.run("pull", added["cid"], "--gateway", url)
        assert words.splitlines()[0] == f"pulled  {added['cid']}"
        absent = bob.json("pull", ABSENT, "--gateway", url, exits=2)
        assert absent["error"]["code"] == "remote.refused"
        assert url in absent["error"]["message"]
        too_much = bob.json("pull", ABSENT, "--gateway", url, "--max-bytes", "x", exits=64)
        assert too_much["error"]["code"] == "usage"
    bob.run("export", added["cid"], "-o", tmp_path / "bob.car")
    assert (tmp_path / "bob.car").read_bytes() == (tmp_path / "ann.car").read_bytes()
    assert [pin["name"] for pin in map(json.loads, bob.run("ls", "--json")[0].splitlines())] == [
        "hers"
    ]
    away = bob.json("pull", ABSENT, "--gateway", url, exits=2)
    assert away["error"]["code"] == "remote.unreachable"


@pytest.mark.slow
def test_pull_asks_whom_the_settings_name_and_no_more_than_it_may(people, tree):
    ann, bob = people
    added = ann.json("add", tree)
    nobody = bob.json("pull", added["cid"], exits=64)
    assert nobody["error"]["code"] == "no-source"
    both = ("--gateway", "https://a.example", "--kubo", "http://127.0.0.1:1")
    assert bob.json("pull", added["cid"], *both, exits=64)["error"]["code"] == "usage"
    plain = bob.json("pull", added["cid"], "--gateway", "http://a.example", exits=64)
    assert plain["error"]["code"] == "bad-url"
    with ann.serving() as url:
        (bob.home / "config.toml").write_text(f'gateways = ["{url}"]\n')
        bounded = bob.json("pull", added["cid"], "--max-bytes", "1000", exits=1)
        assert bounded["error"]["code"] == "limit"
        assert bob.json("pull", added["cid"])["blocks"] == added["blocks"]


@pytest.mark.slow
def test_get_reads_from_a_gateway_and_keeps_nothing(people, tree, tmp_path):
    """Every block is checked; the home that asks is not even made."""
    ann, bob = people
    added = ann.json("add", tree)
    with ann.serving() as url:
        got = bob.json("get", added["cid"], "-o", tmp_path / "out", "--from", url)
        assert got["size"] == added["size"]
        for path in ("a.txt", "d/big"):
            assert (tmp_path / "out" / path).read_bytes() == (tree / path).read_bytes()
        out, _ = bob.run("cat", f"{added['cid']}/a.txt", "--range", "1:2", "--from", url)
        assert out == "el"
        checked = bob.json("verify", added["cid"], "--from", url)
        assert (checked["verdict"], checked["blocks"]) == ("established", added["blocks"])
        missing = bob.json("get", ABSENT, "--from", url, "-o", tmp_path / "x", exits=2)
        assert missing["error"]["code"] == "block.missing"
        assert not (tmp_path / "x").exists()
    plain = bob.json("get", added["cid"], "--from", "http://a.example", exits=64)
    assert plain["error"]["code"] == "bad-url"
    assert not bob.home.exists()


@pytest.mark.slow
def test_a_name_is_created_served_taken_and_shown(people, tmp_path):
    """R96, R97: a record goes from home to home as a file, and as what a gateway is given."""
    ann, bob = people
    folder = tmp_path / "records"
    folder.mkdir()
    made = ann.json(
        "ipns", "create", "--value", "/ipfs/bafkqaaa", "--sequence", "1", "--ttl", "30s",
        "--lifetime", "2d", "-o", folder / "new",
    )  # fmt: skip
    assert made.keys() == {"name", "value", "sequence", "validity", "ttl_ns"}
    assert (made["value"], made["sequence"], made["ttl_ns"]) == (
        "/ipfs/bafkqaaa", 1, 30_000_000_000,
    )  # fmt: skip
    name = made["name"]
    record = folder / f"{name}.ipns-record"
    (folder / "new").rename(record)
    assert ann.json("ipns", "show", name) == made
    assert bob.json("ipns", "verify", name, record) == made
    assert bob.run("ipns", "verify", name, record)[0].splitlines()[0] == f"name      {name}"
    older = ann.json("ipns", "create", "--value", "/ipfs/bafkqaaa", "--sequence", "0", exits=64)
    assert (older["error"]["code"], older["error"]["hint"]) == ("ipns.older", "--sequence 2")
    changed = bytearray(record.read_bytes())
    changed[-1] ^= 1
    (folder / f"{name}_bad.ipns-record").write_bytes(changed)
    with bob.serving("--ipns-dir", str(folder)):
        assert bob.json("ipns", "show", name) == made
    refused = bob.json("ipns", "verify", name, folder / f"{name}_bad.ipns-record", exits=1)
    assert refused["error"]["code"].startswith("ipns.")
    assert ann.json("ipns", "verify", name, folder / "none", exits=2)["error"]["code"] == "source"
    other = "k51qzi5uqu5dh71qgwangrt6r0nd4094i88nsady6qgd1dhjcyfsaqmpp143ab"
    assert bob.json("ipns", "show", other, exits=1)["error"]["code"] == "ipns.absent"
    span = ("--value", "/ipfs/bafkqaaa", "--sequence", "3", "--ttl", "5 minutes")
    assert ann.json("ipns", "create", *span, exits=64)["error"]["code"] == "usage"


def test_pushing_to_nobody_is_exit_2_and_what_is_missing_is_told(people, tree):
    ann, bob = people
    added = ann.json("add", tree)
    where = ("--kubo", "http://127.0.0.1:9")
    assert ann.json("push", added["cid"], *where, exits=2)["error"]["code"] == "remote.unreachable"
    bob.run("add", tree / "a.txt")
    assert bob.json("push", ABSENT, *where, exits=2)["error"]["code"] in {
        "block.missing", "remote.unreachable",
    }  # fmt: skip
    assert ann.json("push", "nonsense", *where, exits=1)["error"]["code"].startswith("cid.")


@pytest.mark.engine
@pytest.mark.slow
def test_a_folder_goes_through_a_kubo_to_another_home(people, tree, tmp_path):
    """R121."""
    ann, bob = people
    added = ann.json("add", tree)
    with running_kubo(tmp_path / "kubo") as kubo:
        pushed = ann.json("push", added["cid"], "--kubo", kubo.rpc)
        assert (pushed["cid"], pushed["blocks"]) == (added["cid"], added["blocks"])
        assert added["cid"].encode() in kubo.run("pin", "ls", "--type=recursive")
        pulled = bob.json("pull", added["cid"], "--kubo", kubo.rpc, "--pin")
        assert pulled["new_blocks"] == added["blocks"]
        by_gateway = Person(tmp_path / "cleo")
        assert by_gateway.json("pull", added["cid"], "--gateway", kubo.gateway)["blocks"] > 0
        assert_clean(by_gateway.home)
