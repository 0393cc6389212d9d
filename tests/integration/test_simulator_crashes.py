"""Kill -9 at any instant leaves the simulator before or after a command, never between (R36)."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from chains import SCRIPT, Clock, simulator
from conftest import REPOSITORY
from lodestamp.core.bitcoin import Block
from lodestamp.node.chains import SimulatedChain, Simulator

WRITER = Path(__file__).with_name("chain_writer.py")


def coins_of(simulated):
    with simulated.reading("testing") as session:
        return {each.outpoint: each.coin for each in session.chain.coins()}


@pytest.mark.slow
def test_r36_a_kill_leaves_a_chain_that_a_replay_agrees_with(tmp_path):
    path = tmp_path / "chain.db"
    made = Simulator.open(path, Clock(), SCRIPT)
    made.mine(104, SCRIPT)
    made.close()
    draw = random.Random("kills")
    for _ in range(6):
        environment = os.environ | {"PYTHONPATH": f"{REPOSITORY}/src:{REPOSITORY}/tests"}
        writer = subprocess.Popen(
            [sys.executable, str(WRITER), str(path)], stdout=subprocess.PIPE, env=environment
        )
        assert writer.stdout.readline() == b"ready\n"
        time.sleep(draw.uniform(0.02, 0.6))
        writer.send_signal(signal.SIGKILL)
        told = writer.communicate()[0].split(b"\n")[:-1]
        assert_whole(path, told)


def assert_whole(path, told):
    """The file agrees with a replay of its own blocks, and holds what was acknowledged."""
    source = SimulatedChain(Simulator.open(path, Clock(), SCRIPT))
    replay = SimulatedChain(simulator())
    for _, raw in source.raw_blocks(1, source.tip().height + 1):
        replay.simulator.submit(Block.decode(raw))
    assert coins_of(replay.simulator) == coins_of(source.simulator)
    for line in told:
        kind, text = line.split()
        if kind == b"sent":  # acknowledged, so it waits or is mined
            assert source.transaction(bytes.fromhex(text.decode()))
        else:
            assert source.header(bytes.fromhex(text.decode()))
    source.close()
    replay.close()
