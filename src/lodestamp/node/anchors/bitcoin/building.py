"""The two kinds of transaction that carry a tip: alone (R56), or chained by a covenant (R65)."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Final, Protocol

from lodestamp.core.bitcoin import (
    SIGHASH_DEFAULT,
    OutPoint,
    SignatureHashes,
    Transaction,
    TxOut,
    output_script,
)
from lodestamp.core.covenants import (
    Covenant,
    FundedCoin,
    Kind,
    NextRoot,
    build,
    complete,
    genesis_state,
    plan_genesis,
    plan_spend,
)
from lodestamp.errors import FundsError
from lodestamp.node.anchors.bitcoin.transaction import (
    ANCHOR_VSIZE,
    DUST,
    PaidBy,
    anchor_transaction,
)
from lodestamp.node.chains import BitcoinSigner, ChainSource, require_active

CHAINED_VSIZE: Final = 471
"""Virtual bytes of a chained anchor with its owner's signature, or of a genesis, at most."""
COVENANT_AMOUNT: Final = 1_000
"""Satoshis that the coin of a chain carries on: above what nodes call dust."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a transaction is to be made of; the first coin pays, `height` is that of the tip."""

    tip: bytes
    coins: Sequence[PaidBy]
    fee: int
    height: int
    previous: Transaction | None = None


class Builder(Protocol):
    """One kind of anchoring transaction."""

    vsize: int
    is_replaceable: bool

    def make(self, asked: Asked) -> Transaction:
        """Return a signed transaction; FundsError where the coins do not reach."""
        ...


class PlainBuilder:
    """Transactions that need nothing of the chain but room."""

    vsize = ANCHOR_VSIZE
    is_replaceable = True

    def __init__(self, signer: BitcoinSigner) -> None:
        self._signer = signer

    def make(self, asked: Asked) -> Transaction:
        """Return a transaction that publishes the tip itself."""
        return anchor_transaction(
            asked.coins[0], asked.tip, fee=asked.fee, height=asked.height, signer=self._signer
        )


class ChainedBuilder:
    """Transactions each of which must spend the one before (template T6, with an owner).

    CovenantsNotActive where the chain does not enforce OP_CAT: there is no override.
    """

    vsize = CHAINED_VSIZE
    is_replaceable = False
    """Its sequences are final, by the covenant: nodes may refuse to replace it."""

    def __init__(self, source: ChainSource, signer: BitcoinSigner, origin: str) -> None:
        self._source = source
        self._signer = signer
        self.origin = origin
        self.covenant: Covenant = build(Kind.T6, owner=signer.xonly())
        self.require_active()

    def require_active(self) -> None:
        """Refuse to go on where the covenant would bind nothing (R65, DESIGN D10)."""
        require_active(self._source, self.covenant.deployments)

    @property
    def script(self) -> bytes:
        """The output script of every link."""
        return bytes(self.covenant.script_pubkey)

    @property
    def first_state(self) -> bytes:
        """The state that the genesis of this origin publishes."""
        return genesis_state(self.origin)

    def make_genesis(self, asked: Asked) -> Transaction:
        """Return the transaction that begins the chain, out of two coins."""
        if len(asked.coins) < 2:
            hint = "pay a second coin to `lodestamp anchor address`"
            raise FundsError("a chain of anchors begins with two coins", hint=hint)
        coins = [self._funded(each) for each in asked.coins[:2]]
        change = sum(each.output.amount for each in coins) - COVENANT_AMOUNT - asked.fee
        draft = plan_genesis(
            self.covenant,
            coins,
            origin=self.origin,
            amount=COVENANT_AMOUNT,
            change=[self._change(change)],
        )
        return self._signed_by_key(draft, [each.output for each in coins])

    def make(self, asked: Asked) -> Transaction:
        """Return the transaction that adds the tip to the state that `previous` published."""
        previous = asked.previous
        if previous is None:
            raise FundsError("the chain of anchors has no end to go on from", code="chain-gone")
        fee_coin = self._funded(asked.coins[0])
        plan = plan_spend(
            self.covenant,
            FundedCoin(OutPoint(previous.txid, 0), previous.outputs[0]),
            [self._change(fee_coin.output.amount - asked.fee)],
            reveal=NextRoot(asked.tip, previous),
            fee_coin=fee_coin,
        )
        return complete(
            plan,
            [
                self._signer.sign_schnorr(each.message, tweaked=each.input_index != 0)
                for each in plan.to_sign
            ],
        )

    def _funded(self, coin: PaidBy) -> FundedCoin:
        own = bytes(output_script(self._signer.xonly()))
        return FundedCoin(coin.outpoint, TxOut(coin.value, own))

    def _change(self, amount: int) -> TxOut:
        if amount < DUST:
            raise FundsError("the coins do not pay for a link of the chain")
        return TxOut(amount, bytes(output_script(self._signer.xonly())))

    def _signed_by_key(self, draft: Transaction, spent: Sequence[TxOut]) -> Transaction:
        hashes = SignatureHashes(draft, spent)
        inputs = []
        for index, each in enumerate(draft.inputs):
            message = hashes.taproot(index, SIGHASH_DEFAULT) or b""
            signature = self._signer.sign_schnorr(message, tweaked=True)
            inputs.append(replace(each, witness=(signature,)))
        return replace(draft, inputs=tuple(inputs))
