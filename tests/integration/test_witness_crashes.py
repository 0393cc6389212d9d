"""Kill -9 of a witness under load: it never forgets, nor signs the opposite (R24)."""

from __future__ import annotations

import hashlib
import random
import signal
import subprocess
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest

from homes import assert_clean
from lodestamp.core.keys import SigningKey
from lodestamp.core.merkle import Frontier, leaf_hash, prove_consistency, root_at
from lodestamp.core.transparency import (
    AddCheckpoint,
    Checkpoint,
    NoteSigner,
    encode_add_checkpoint,
    parse_checkpoint,
    parse_note,
    sign_note,
)

SERVER = Path(__file__).with_name("witness_server.py")
LOG = NoteSigner("log.example/a", SigningKey.from_seed("ed25519", b"\x01" * 32))
DIGEST = hashlib.sha256(b"log.example/a").hexdigest()
KILLS = 16


class Tree:
    """A log in memory."""

    def __init__(self, leaves=()):
        self.leaves = list(leaves)
        self.levels = Frontier.EMPTY.grow(self.leaves)[1] if self.leaves else ()

    def hashes(self, level, start, count):
        return self.levels[level][32 * start : 32 * (start + count)]

    def root(self):
        return root_at(self, len(self.leaves))

    def grown(self, what):
        return Tree([*self.leaves, leaf_hash(what)])

    def request(self, old):
        size = len(self.leaves)
        text = Checkpoint("log.example/a", size, self.root()).text()
        proof = prove_consistency(self, old, size).hashes if old else ()
        note = parse_note(sign_note(text, [LOG]))
        return encode_add_checkpoint(AddCheckpoint(old, proof, note))


class DishonestLog:
    """Grows by one of two leaves at a time, and asks for a cosignature of both at once."""

    def __init__(self):
        self.tree = Tree()
        self.candidates: list[Tree] = []
        self.acknowledged: dict[int, bytes] = {}

    def load(self, url: str, stop: threading.Event) -> None:
        with httpx.Client(base_url=url, timeout=5) as client, ThreadPoolExecutor(2) as pool:
            self._recover(client)
            while not stop.is_set():
                old = len(self.tree.leaves)
                self.candidates = [self.tree.grown(b"%d %d" % (old, i)) for i in (0, 1)]
                bodies = [candidate.request(old) for candidate in self.candidates]
                asked = [pool.submit(client.post, "/add-checkpoint", content=b) for b in bodies]
                won = []
                for candidate, each in zip(self.candidates, asked, strict=True):
                    try:
                        answer = each.result()
                    except httpx.HTTPError:
                        continue  # killed meanwhile: whether it was stored shows later
                    assert answer.status_code in (200, 409), answer.text
                    if answer.status_code == 200:
                        won.append(candidate)
                        self._acknowledge(candidate)
                assert len(won) <= 1
                if not won:
                    return
                self.tree = won[0]

    def _acknowledge(self, tree: Tree) -> None:
        size, root = len(tree.leaves), tree.root()
        assert self.acknowledged.setdefault(size, root) == root, "two cosignatures contradict"

    def _recover(self, client: httpx.Client) -> None:
        """Go on from what the witness has kept: never less than it acknowledged."""
        answer = client.get(f"/{DIGEST}/checkpoint")
        if answer.status_code == 404:
            assert not self.acknowledged
            return
        kept = parse_checkpoint(parse_note(answer.content).text)
        assert kept.size >= max(self.acknowledged, default=0)
        for tree in (self.tree, *self.candidates):
            if (len(tree.leaves), tree.root()) == (kept.size, kept.root):
                self.tree = tree
                break
        else:
            pytest.fail("the witness keeps a tree that nobody showed it last")
        for size, root in self.acknowledged.items():
            assert root_at(self.tree, size) == root, "an acknowledged tree is not in the kept one"


@pytest.mark.slow
def test_kill_nine_loses_no_cosignature_and_makes_no_two_that_contradict(tmp_path):
    seed = random.SystemRandom().randrange(1 << 32)
    chance = random.Random(seed)
    home, log = tmp_path / "home", DishonestLog()
    for _ in range(KILLS):
        command = [sys.executable, str(SERVER), str(home), LOG.verifier_key.text()]
        server = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
        assert server.stdout is not None
        url = f"http://{server.stdout.readline().strip()}/witness"
        stop = threading.Event()
        with ThreadPoolExecutor(1) as pool:
            loading = pool.submit(_load, log, url, stop)
            time.sleep(chance.uniform(0.05, 0.5))
            server.send_signal(signal.SIGKILL)
            stop.set()
            loading.result()
        server.wait()
        server.stdout.close()
        assert_clean(home)
    assert len(log.acknowledged) > KILLS, f"seed {seed}"


def _load(log: DishonestLog, url: str, stop: threading.Event) -> None:
    try:
        log.load(url, stop)
    except httpx.HTTPError:
        return  # killed before it could be asked anything
