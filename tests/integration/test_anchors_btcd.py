"""The anchorer over a real node: what it finds, sends and reads there is the same."""

from __future__ import annotations

import pytest

from anchoring import TERMS, World, commitment
from chains import SIGNER, open_door
from lodestamp.node.anchors.bitcoin import BitcoinAnchorer, HeaderStore
from lodestamp.node.storage import Database


@pytest.mark.parametrize("door", ["simulator-rpc", pytest.param("btcd", marks=pytest.mark.engine)])
def test_an_anchor_becomes_final_on_a_node_and_survives_a_reorganisation(door, tmp_path):
    with open_door(door, tmp_path) as chain:
        database = Database.open(tmp_path / "anchors.db")
        headers = HeaderStore(database, chain.source.network, clock=lambda: 1 << 32)
        anchorer = BitcoinAnchorer(database, chain.source, SIGNER, headers, TERMS)
        world = World(database, chain.source, None, anchorer, headers)
        chain.mine(102)
        for number in (1, 2):
            assert anchorer.submit(commitment(number))
        anchorer.poll()
        assert world.states() == ["sent"]
        (first,) = chain.mine(1)
        anchorer.poll()
        assert world.states() == ["mined"]
        chain.source.invalidate(first)
        chain.mine(2)
        anchorer.poll()
        chain.mine(5)
        anchorer.poll()
        world.assert_final(1, 2)
        database.close()
