"""From a URL to a chain: each form, and what is no form."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

import pytest

from blk_writer import KEY, chain_upon, record, write_files
from chains import Clock
from lodestamp.core.bitcoin import NETWORKS, REGTEST
from lodestamp.errors import (
    ChainAuthError,
    ChainNotFound,
    ChainUnavailable,
    CovenantsNotActive,
    LodestampError,
    UsageError,
    WrongNetwork,
)
from lodestamp.node.chains import (
    MINER_SCRIPT,
    BlkFolder,
    Capabilities,
    SimulatedChain,
    open_source,
    require_active,
)


def test_a_bare_simulator_lives_in_the_folder_it_is_given(tmp_path):
    chain = open_source("sim:", folder=tmp_path / "chain", clock=Clock())
    chain.mine(1, MINER_SCRIPT)
    chain.close()
    again = open_source(f"sim://{tmp_path}/chain/regtest.db")
    assert again.tip().height == 1
    again.close()
    assert open_source("sim:").tip().height == 0


def test_the_simulators_default_script_is_anyones():
    assert b"\x00\x20" + hashlib.sha256(b"\x51").digest() == MINER_SCRIPT


@pytest.mark.parametrize(
    "url",
    [
        "", "regtest", "http://127.0.0.1:1/", "sim://host/file", "sim:?x=1", "bitcoind://127.0.0.1",
        "bitcoind://127.0.0.1:1?network=regtest", "bitcoind://u@127.0.0.1:1",
        "bitcoind://u:p@127.0.0.1:1?cookie=x", "bitcoind://u:p@127.0.0.1:1?network=moon",
        "bitcoind://u:p@127.0.0.1:1?tls=1", "bitcoind://u:p@127.0.0.1:99999", "bitcoind://u:p@[::1",
        "btcd://127.0.0.1:1?notls=1", "btcd://u:p@127.0.0.1:1", "btcd://u:p@10.0.0.1:1?notls=1",
        "btcd://u:p@127.0.0.1:1?notls=1#x",
        "blk:", "blk://", "blk://host/folder", "blk:///folder?xor=00", "blk:///folder?cookie=x",
        "blk:///folder?network=moon", "blk:///folder?xor=00112233445566GG",
    ],
)  # fmt: skip
def test_what_is_no_form_of_a_url_is_a_usage_error(url):
    with pytest.raises(UsageError) as refused:
        open_source(url)
    assert "u:p" not in str(refused.value)


def test_a_folder_of_block_files_is_opened_by_its_url(tmp_path):
    folder = tmp_path / "the blocks"
    blocks = chain_upon(REGTEST.genesis, 3)
    write_files(folder, [[record(each.encode()) for each in blocks]], KEY)
    url = f"blk://{quote(str(folder))}?network=regtest"
    for each in (url, f"{url}&xor={KEY.hex()}"):
        chain = open_source(each)
        assert isinstance(chain, BlkFolder)
        assert chain.tip().hash == blocks[-1].hash
        chain.close()
    with pytest.raises(WrongNetwork):
        open_source(f"blk://{quote(str(folder))}")
    with pytest.raises(ChainNotFound):
        open_source(f"blk://{tmp_path}?network=regtest")


def test_a_node_that_is_not_there_is_unavailable(monkeypatch, tmp_path):
    from lodestamp.node.chains import rpc

    monkeypatch.setattr(rpc, "_RETRY_DELAYS_S", ())
    for url in ("bitcoind://u:secret@127.0.0.1:1", "btcd://u:secret@127.0.0.1:1?notls=1"):
        with pytest.raises(ChainUnavailable) as refused:
            open_source(url)
        assert "secret" not in str(refused.value)
    with pytest.raises(ChainAuthError):
        open_source(f"bitcoind://127.0.0.1:1?cookie={tmp_path}/none")
    for content in (None, "no certificate"):
        if content:
            (tmp_path / "cert").write_text(content)
        with pytest.raises(ChainAuthError):
            open_source(f"btcd://u:p@127.0.0.1:1?cert={tmp_path}/cert")


class Claiming:
    """A chain that claims every deployment to be active."""

    def __init__(self, network):
        self.network = network

    def capabilities(self):
        return Capabilities(deployments={"opcat": True, "checktemplateverify": True})


@pytest.mark.parametrize("name", ["main", "test", "testnet4"])
def test_r21_covenants_are_refused_by_name_where_real_money_is(name):
    with pytest.raises(CovenantsNotActive):
        require_active(Claiming(NETWORKS[name]), {"opcat"})


def test_r21_elsewhere_the_chain_itself_must_say_so():
    require_active(Claiming(NETWORKS["signet"]), {"opcat"})
    for asked in ({"opcat", "other"}, set()):
        with pytest.raises(CovenantsNotActive):
            require_active(Claiming(NETWORKS["signet"]), asked)
    chain = open_source("sim:")
    assert isinstance(chain, SimulatedChain)
    chain.simulator.set_deployment("opcat", active=False)
    require_active(chain, {"checktemplateverify"})
    with pytest.raises(LodestampError) as refused:
        require_active(chain, {"opcat", "checktemplateverify"})
    assert refused.value.code == "covenants-not-active"
    chain.close()
