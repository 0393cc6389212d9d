"""The table of the simulator's JSON-RPC: bitcoind's names (bitcoin spec R37)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any, Final

from lodestamp.node.chains.simulator import methods_blocks as blocks
from lodestamp.node.chains.simulator import methods_chain as chain
from lodestamp.node.chains.simulator.calls import Call

METHODS: Final[Mapping[str, Callable[[Call], Any]]] = MappingProxyType(
    {
        "getblockchaininfo": blocks.getblockchaininfo,
        "getblockcount": blocks.getblockcount,
        "getbestblockhash": blocks.getbestblockhash,
        "getblockhash": blocks.getblockhash,
        "getblockheader": blocks.getblockheader,
        "getblock": blocks.getblock,
        "getchaintips": blocks.getchaintips,
        "getrawtransaction": blocks.getrawtransaction,
        "decoderawtransaction": blocks.decoderawtransaction,
        "sendrawtransaction": blocks.sendrawtransaction,
        "testmempoolaccept": blocks.testmempoolaccept,
        "getrawmempool": blocks.getrawmempool,
        "getmempoolentry": blocks.getmempoolentry,
        "getmempoolinfo": blocks.getmempoolinfo,
        "gettxspendingprevout": blocks.gettxspendingprevout,
        "gettxout": chain.gettxout,
        "scantxoutset": chain.scantxoutset,
        "gettxoutproof": chain.gettxoutproof,
        "verifytxoutproof": chain.verifytxoutproof,
        "getdeploymentinfo": chain.getdeploymentinfo,
        "getindexinfo": chain.getindexinfo,
        "getnetworkinfo": chain.getnetworkinfo,
        "estimatesmartfee": chain.estimatesmartfee,
        "validateaddress": chain.validateaddress,
        "generatetoaddress": chain.generatetoaddress,
        "generateblock": chain.generateblock,
        "invalidateblock": chain.invalidateblock,
        "reconsiderblock": chain.reconsiderblock,
        "submitblock": chain.submitblock,
        "setmocktime": chain.setmocktime,
        "uptime": chain.uptime,
        "stop": chain.stop,
    }
)
