"""The chain of states behind an anchor of the kind ``chain`` (R65; covenants spec §4, T6).

On its path the tip is hashed behind the state before, and a transaction publishes the result. That
transaction spends the covenant's coin, which the one before left, and so on back to the genesis,
whose txid the anchor names: nobody could spend that coin without publishing the next state.
"""

from __future__ import annotations

from lodestamp.core.bitcoin import Transaction
from lodestamp.core.covenants import Kind, follow_chain, restore
from lodestamp.core.proof.anchor import AnchorChain
from lodestamp.core.proof.legs.anchor_path import APPEND, PREPEND, Fault, Step
from lodestamp.core.timestamps import SHA256, state_ops
from lodestamp.errors import LodestampError

REASON = "chain_invalid"


def check_state_chain(chain: AnchorChain, steps: list[Step], origin: str) -> Fault | None:
    """Follow the carried transactions from the genesis to the one on the path.

    Each step's transaction is parsed whole, so none of 64 bytes passes for one (R77).
    """
    found = _transaction_on(steps, chain.state_before)
    if found is None:
        return Fault(REASON, "the path leads through no transaction that publishes the next state")
    encoded, tip, state = found
    covenant = chain.covenant
    try:
        planted = restore([covenant.leaf], covenant.r)
        if planted.kind is not Kind.T6:
            return Fault(REASON, f"the covenant is of kind {planted.kind}, which chains no states")
        last = follow_chain(
            [Transaction.decode(each) for each in (*covenant.transactions, encoded)],
            (*covenant.roots, tip),
            genesis_txid=chain.genesis_txid,
            origin=origin,
            script_pubkey=planted.script_pubkey,
        )
    except LodestampError as error:
        return Fault(REASON, f"the chain of states does not hold: {error.message}")
    if last != state:
        return Fault(REASON, "the transaction on the path publishes another state")
    return None


def _transaction_on(steps: list[Step], state_before: bytes) -> tuple[bytes, bytes, bytes] | None:
    """Return the transaction after the chained step, the tip before it and the state behind it."""
    ops = [step.op for step in steps]
    chained = list(state_ops(state_before))
    for at in range(len(ops) - 5):
        before, after = ops[at + 2 : at + 4], ops[at + 4 : at + 6]
        if (
            ops[at : at + 2] == chained
            and [op.tag for op in before] == [PREPEND, APPEND]
            and after == [SHA256, SHA256]
        ):
            return steps[at + 4].message, steps[at].message, steps[at + 2].message
    return None
