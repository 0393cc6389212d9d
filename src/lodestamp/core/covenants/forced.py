"""Outputs that covenants force, and the transactions that begin a chain of states (R28, T3-T6).

>>> next_state(bytes(32), bytes(32)).hex()[:16]
'f5a5fd42d16a2030'
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final

from lodestamp.core.bitcoin import (
    ELEMENT_SIZE_MAX,
    OutPoint,
    Transaction,
    TxIn,
    TxOut,
    ctv_hash,
    dust_limit,
    output_script,
    sha256,
)
from lodestamp.core.covenants.kinds import ANCHOR_TAG
from lodestamp.errors import CovenantError, ElementTooLarge

GENESIS_TAG: Final = b"lodestamp-anchor-genesis-v1"
"""What the state before the first one is a hash of, with the origin behind it."""
PREVIOUS_HEAD_SIZE: Final = 88
"""Bytes of a T6 transaction before its outputs: two inputs whose scriptSigs are empty."""
STATE_END: Final = PREVIOUS_HEAD_SIZE + 43 + 15 + 32
"""Where output 1 of a T6 transaction ends: 43 bytes of output 0, 15 before the state, the state."""
BUMP_AMOUNT_MIN: Final = 330
"""Satoshis of an output to bump the fee with: below, nodes do not pass it on."""


def anchor_script(value: bytes) -> bytes:
    """Return the script of an output that publishes 32 bytes: OP_RETURN, 36 bytes, PRV1, value."""
    if len(value) != 32:
        raise CovenantError(f"an anchor publishes 32 bytes, not {len(value)}", code="hash")
    return b"\x6a\x24" + ANCHOR_TAG + value


def anchored_value(script: bytes) -> bytes | None:
    """Return the 32 bytes that an output script publishes, if it is an anchor's."""
    value = script[-32:]
    return value if len(script) == 38 and script == anchor_script(value) else None


def forced_outputs(
    value: bytes,
    next_coin: TxOut,
    *,
    cpfp: bool = False,
    owner: bytes | None = None,
    bump_amount: int = BUMP_AMOUNT_MIN,
) -> tuple[TxOut, ...]:
    """Return the outputs of a T3 or T4 covenant: the anchor of a value, and the next coin (R28).

    Their fee is fixed when the coin is funded; with `cpfp` they also pay the owner's key, by the
    key path, enough to bump it with. CovenantError ``bump`` without an owner or below 330 satoshis,
    ``dust`` for a next coin that nodes would not relay.
    """
    if next_coin.amount < dust_limit(next_coin.script):
        raise CovenantError(f"a coin of {next_coin.amount} satoshis is not relayed", code="dust")
    outputs = (TxOut(0, anchor_script(value)), next_coin)
    if not cpfp:
        return outputs
    if owner is None or bump_amount < BUMP_AMOUNT_MIN:
        raise CovenantError(
            f"bumping needs the owner's key and {BUMP_AMOUNT_MIN} satoshis or more", code="bump"
        )
    return (*outputs, TxOut(bump_amount, output_script(owner)))


def template_transaction(outputs: Sequence[TxOut], prevout: OutPoint) -> Transaction:
    """Return the one transaction a T3 coin allows: version 2, lock time 0, one final input."""
    return Transaction(2, (TxIn(prevout),), tuple(outputs))


def hash_template(outputs: Sequence[TxOut]) -> bytes:
    """Return BIP-119's hash of that transaction; it does not depend on which coin is spent."""
    return ctv_hash(template_transaction(outputs, OutPoint(bytes(32), 0)), 0)


def hash_outputs(outputs: Iterable[TxOut]) -> bytes:
    """Return BIP-341's hash of all outputs, 32 bytes."""
    return sha256(b"".join(each.encode() for each in outputs))


def genesis_state(origin: str) -> bytes:
    """Return the state a T6 chain of this origin begins with, 32 bytes."""
    return sha256(GENESIS_TAG + b"\x00" + origin.encode("utf-8", "surrogatepass"))


def next_state(old: bytes, batch_root: bytes) -> bytes:
    """Return SHA-256 of the state before and the root that is added, 32 bytes."""
    return sha256(old + batch_root)


def read_state(previous: Transaction, script_pubkey: bytes) -> bytes:
    """Return the state that a transaction of a T6 chain published, 32 bytes.

    CovenantError ``previous`` where its shape is not the one the script rebuilds: two inputs with
    empty scriptSigs, output 0 the covenant's coin, output 1 the anchor. ElementTooLarge when it
    has more than 520 bytes without witness: no script could hold it, and the chain is stuck there.
    """
    stripped = previous.encode(witness=False)
    if len(previous.inputs) != 2 or any(each.script_sig for each in previous.inputs):
        raise CovenantError("not two inputs with empty scriptSigs", code="previous")
    if not 2 <= len(previous.outputs) < 0xFD or previous.outputs[0].script != script_pubkey:
        raise CovenantError("output 0 is not the covenant's coin", code="previous")
    value = anchored_value(previous.outputs[1].script)
    if value is None or previous.outputs[1].amount:
        raise CovenantError("output 1 is not an anchor of amount 0", code="previous")
    if len(stripped) > ELEMENT_SIZE_MAX:
        raise ElementTooLarge("the previous transaction", ELEMENT_SIZE_MAX, len(stripped))
    return value


def follow_chain(
    transactions: Sequence[Transaction],
    roots: Sequence[bytes],
    *,
    genesis_txid: bytes,
    origin: str,
    script_pubkey: bytes,
) -> bytes:
    """Return the last state of a T6 chain, checked from its genesis on.

    `transactions` begin with the genesis, whose txid (internal order) the verifier is given;
    `roots` are the batch roots of those after it. CovenantError ``previous`` as `read_state`,
    ``genesis`` for another genesis or state, ``link`` where one does not spend output 0 of the one
    before by its input 0, ``state`` where a published state does not follow.
    """
    if not transactions or len(roots) != len(transactions) - 1:
        raise CovenantError(
            "a chain has one root per transaction after its genesis", code="genesis"
        )
    first = transactions[0]
    if first.txid != genesis_txid:
        raise CovenantError("the first transaction is not the genesis", code="genesis")
    state = read_state(first, script_pubkey)
    if state != genesis_state(origin):
        raise CovenantError("the genesis publishes another origin's state", code="genesis")
    before = first
    for tx, root in zip(transactions[1:], roots, strict=True):
        if not tx.inputs or tx.inputs[0].prevout != OutPoint(before.txid, 0):
            raise CovenantError(f"{tx.txid_display} does not spend its predecessor", code="link")
        state = next_state(state, root)
        if read_state(tx, script_pubkey) != state:
            raise CovenantError(f"{tx.txid_display} publishes another state", code="state")
        before = tx
    return state
