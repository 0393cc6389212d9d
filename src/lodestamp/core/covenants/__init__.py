"""Covenants: coins that can be spent only by showing content, or only into fixed outputs.

`build` makes one of seven kinds of leaf, `recognise` reads one back, `plan_spend` and `complete`
spend it, `verify_spend` judges a spend. A covenant binds only where the chain enforces OP_CAT
(BIP-347) or CHECKTEMPLATEVERIFY (BIP-119); every verdict names the rules it assumes.

>>> from lodestamp.core.bitcoin import NUMS, REGTEST
>>> made = build(Kind.T1, content=b"hello", owner=NUMS)
>>> address(made, REGTEST)[:8]
'bcrt1px7'
"""

from lodestamp.core.covenants.bound import Bound
from lodestamp.core.covenants.building import build, path_lengths
from lodestamp.core.covenants.bundle import (
    BUNDLE_SIZE_MAX,
    ProofBundle,
    decode_bundle,
    proof_bundle,
    verify_bundle,
)
from lodestamp.core.covenants.cost import funding_amount, spend_vsize
from lodestamp.core.covenants.covenant import (
    Covenant,
    address,
    at_depth,
    leaves_of,
    recognise,
    restore,
)
from lodestamp.core.covenants.forced import (
    anchor_script,
    anchored_value,
    follow_chain,
    forced_outputs,
    genesis_state,
    next_state,
    read_state,
)
from lodestamp.core.covenants.genesis import plan_genesis
from lodestamp.core.covenants.kinds import (
    ANCHOR_TAG,
    BATCH_DEPTH_MAX,
    PATH_LEVELS_MAX,
    Anchor,
    BatchMember,
    ChainedAnchor,
    CidLock,
    DagPath,
    FixedOutputs,
    Kind,
    Params,
    Template,
    deployments_of,
)
from lodestamp.core.covenants.paths import check_path, leaf_index
from lodestamp.core.covenants.reveals import Content, Member, NextRoot, Path, Reveal
from lodestamp.core.covenants.rules import INQUISITION, MAINNET, Rules
from lodestamp.core.covenants.spending import (
    GRIND_TRIES_MAX,
    FundedCoin,
    SpendPlan,
    ToSign,
    complete,
    plan_spend,
)
from lodestamp.core.covenants.templates import LEAF_SIZE_MAX, write_asm
from lodestamp.core.covenants.verdict import LEGS, CovenantVerdict, verify_spend

__all__ = [
    "ANCHOR_TAG",
    "BATCH_DEPTH_MAX",
    "BUNDLE_SIZE_MAX",
    "GRIND_TRIES_MAX",
    "INQUISITION",
    "LEAF_SIZE_MAX",
    "LEGS",
    "MAINNET",
    "PATH_LEVELS_MAX",
    "Anchor",
    "BatchMember",
    "Bound",
    "ChainedAnchor",
    "CidLock",
    "Content",
    "Covenant",
    "CovenantVerdict",
    "DagPath",
    "FixedOutputs",
    "FundedCoin",
    "Kind",
    "Member",
    "NextRoot",
    "Params",
    "Path",
    "ProofBundle",
    "Reveal",
    "Rules",
    "SpendPlan",
    "Template",
    "ToSign",
    "address",
    "anchor_script",
    "anchored_value",
    "at_depth",
    "build",
    "check_path",
    "complete",
    "decode_bundle",
    "deployments_of",
    "follow_chain",
    "forced_outputs",
    "funding_amount",
    "genesis_state",
    "leaf_index",
    "leaves_of",
    "next_state",
    "path_lengths",
    "plan_genesis",
    "plan_spend",
    "proof_bundle",
    "read_state",
    "recognise",
    "restore",
    "spend_vsize",
    "verify_bundle",
    "verify_spend",
    "write_asm",
]
