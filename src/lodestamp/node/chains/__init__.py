"""Bitcoin chains: one interface over the simulator, bitcoind, btcd, block files and memory.

Also keys without a wallet, funding from their coins, and watching for new blocks.
"""

from lodestamp.node.chains.bitcoind import Bitcoind
from lodestamp.node.chains.blk import BlkFolder
from lodestamp.node.chains.btcd import Btcd
from lodestamp.node.chains.funding import FundingPlan, plan
from lodestamp.node.chains.genesis import genesis_block
from lodestamp.node.chains.memory import MemoryChain
from lodestamp.node.chains.opening import MINER_SCRIPT, open_source
from lodestamp.node.chains.reasons import script_error_in
from lodestamp.node.chains.signer import (
    BitcoinSigner,
    EnvSigner,
    FileSigner,
    KeySigner,
    SecretSigner,
    make_key_file,
)
from lodestamp.node.chains.signing import KeyScript, key_scripts, sign_transaction
from lodestamp.node.chains.simrpc import RPC_BODY_MAX, RpcReply, SimulatorRpc
from lodestamp.node.chains.simulator import SimulatedChain, Simulator
from lodestamp.node.chains.source import COVENANT_DEPLOYMENTS, ChainSource, require_active
from lodestamp.node.chains.values import (
    Acceptance,
    BlockRecord,
    BlockRef,
    Capabilities,
    ChainEvent,
    Connected,
    Disconnected,
    Unspent,
)
from lodestamp.node.chains.watch import watch

__all__ = [
    "COVENANT_DEPLOYMENTS",
    "MINER_SCRIPT",
    "RPC_BODY_MAX",
    "Acceptance",
    "BitcoinSigner",
    "Bitcoind",
    "BlkFolder",
    "BlockRecord",
    "BlockRef",
    "Btcd",
    "Capabilities",
    "ChainEvent",
    "ChainSource",
    "Connected",
    "Disconnected",
    "EnvSigner",
    "FileSigner",
    "FundingPlan",
    "KeyScript",
    "KeySigner",
    "MemoryChain",
    "RpcReply",
    "SecretSigner",
    "SimulatedChain",
    "Simulator",
    "SimulatorRpc",
    "Unspent",
    "genesis_block",
    "key_scripts",
    "make_key_file",
    "open_source",
    "plan",
    "require_active",
    "script_error_in",
    "sign_transaction",
    "watch",
]
