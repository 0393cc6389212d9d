"""Showing with a branch and a header that a transaction is in a block (bitcoin spec R16).

Bitcoin's tree hashes leaves and inner nodes alike, and doubles the last node of an odd level. Each
rule here closes one of the forgeries that this allows: a 64-byte transaction that is an inner node
(CVE-2017-12842), an inner node that is a transaction, and a place that only doubling made
(CVE-2012-2459).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final

from lodestamp.core.bitcoin.hashes import sha256d
from lodestamp.core.bitcoin.header import BlockHeader
from lodestamp.core.bitcoin.tx import Transaction
from lodestamp.errors import MalformedProof, MalformedTransaction

BRANCH_LENGTH_MAX: Final = 30
"""Siblings of one branch: a block of 2^30 transactions is far beyond any."""

_NODE_SIZE: Final = 64


@dataclass(frozen=True, slots=True)
class TxInclusion:
    """A transaction without witnesses, its place in a block, its siblings lowest first, the header.

    MalformedProof ``branch-length`` above `BRANCH_LENGTH_MAX` siblings, ``branch-hash`` for one
    that is not 32 bytes, ``index`` for a place outside a tree of that depth.
    """

    tx_stripped: bytes
    index: int
    branch: tuple[bytes, ...]
    header: BlockHeader

    def __post_init__(self) -> None:
        if len(self.branch) > BRANCH_LENGTH_MAX:
            message = f"{len(self.branch)} siblings are more than {BRANCH_LENGTH_MAX}"
            raise MalformedProof("branch-length", message)
        if any(len(sibling) != 32 for sibling in self.branch):
            raise MalformedProof("branch-hash", "a sibling is not a hash of 32 bytes")
        if not 0 <= self.index < 1 << len(self.branch):
            message = f"there is no place {self.index} in a tree of depth {len(self.branch)}"
            raise MalformedProof("index", message)

    @property
    def txid(self) -> bytes:
        """The transaction's id, in internal byte order."""
        return sha256d(self.tx_stripped)


def check_inclusion(inclusion: TxInclusion, coinbase: TxInclusion | None = None) -> Transaction:
    """Check that the block of this header holds the transaction; return it, without witnesses.

    `coinbase`, the inclusion of the block's first transaction, fixes the depth of the tree where
    the caller has it. That the header is one of the chain is not said here: see `assess_run`.

    MalformedProof: ``tx-size`` for 64 bytes, ``transaction`` for bytes that are none,
    ``inner-transaction`` for a node that is one, ``doubled`` for a place that only doubling made,
    ``root`` for a branch that leads elsewhere, ``coinbase`` and ``depth`` for the coinbase's.
    """
    tx = _check_branch(inclusion)
    if coinbase is not None:
        first = _check_branch(coinbase)
        if coinbase.header != inclusion.header or coinbase.index or not first.is_coinbase:
            raise MalformedProof("coinbase", "not the first transaction of the same block")
        if len(coinbase.branch) != len(inclusion.branch):
            raise MalformedProof("depth", "the two branches are not of one tree")
    return tx


def _check_branch(inclusion: TxInclusion) -> Transaction:
    if len(inclusion.tx_stripped) == _NODE_SIZE:
        raise MalformedProof("tx-size", "64 bytes may be an inner node of the tree")
    tx = _parsed(inclusion.tx_stripped)
    if tx is None:
        raise MalformedProof("transaction", "the leaf is no transaction without witnesses")
    node, index = inclusion.txid, inclusion.index
    for sibling in inclusion.branch:
        if index & 1 and sibling == node:
            raise MalformedProof("doubled", "the place exists only because a node was doubled")
        pair = sibling + node if index & 1 else node + sibling
        if _parsed(pair) is not None:
            raise MalformedProof("inner-transaction", "an inner node reads as a transaction")
        node = sha256d(pair)
        index >>= 1
    if node != inclusion.header.merkle:
        raise MalformedProof("root", "the branch does not lead to the header's root")
    return tx


def _parsed(raw: bytes) -> Transaction | None:
    try:
        return Transaction.decode(raw, witness=False)
    except MalformedTransaction:
        return None
