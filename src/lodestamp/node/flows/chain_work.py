"""What flows do on the chain: fund, spend, wait, and look again (R21, R39-R41, R44).

Whatever spends is signed and stored before it is sent, and sent again byte for byte after a crash.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

from lodestamp.core.bitcoin import (
    HEADER_RUN_MAX,
    BlockHeader,
    OutPoint,
    Transaction,
    TxOut,
    check_standard,
    standard_flags,
    verify_input,
)
from lodestamp.core.content import Get
from lodestamp.core.covenants import FundedCoin, complete, plan_spend, spend_vsize
from lodestamp.core.encoding import JsonObject, JsonValue
from lodestamp.core.flows import (
    Binding,
    ChainView,
    DataFlowPacket,
    DataFlowStage,
    bindings_of,
    coins_of,
    rules_of,
    terms_of,
    try_mutants,
)
from lodestamp.errors import ChainNotFound, FlowError, FundsError
from lodestamp.node.chains import (
    BitcoinSigner,
    BlockRef,
    ChainSource,
    FundingPlan,
    plan,
    require_active,
)
from lodestamp.node.flows.store import FlowStore

FUNDING: Final = "funding"
SPEND: Final = "spend"
_TARGET_BLOCKS: Final = 2
_LOOK_BACK: Final = 144
"""Blocks searched for a transaction whose coins were spent since: a day."""
_P2TR: Final = b"\x51\x20"
_HEADERS_AT_ONCE: Final = 2_000
_PLANS: Final = 16
"""Times a funding is planned anew when another flow takes its coins first."""


class NotYet(Exception):  # noqa: N818  it is no error: the flow waits for blocks
    """A transaction has not the blocks upon it that are asked for."""


class Dropped(Exception):  # noqa: N818  it is no error: the flow goes back
    """A reorg took away what a stage had in the chain."""

    def __init__(self, stage: DataFlowStage) -> None:
        super().__init__(str(stage))
        self.stage = stage


@dataclass(frozen=True, slots=True)
class ChainWork:
    """A chain, the key that pays and owns, and the store that remembers what was sent.

    `mine` makes one block where nobody else does (the simulator); None on any other chain.
    """

    source: ChainSource
    signer: BitcoinSigner
    store: FlowStore
    get: Get
    mine: Callable[[], object] | None = None

    def fund(
        self, packet: DataFlowPacket, note: Callable[[Mapping[str, JsonValue]], object]
    ) -> JsonObject:
        """Build the covenants of a packet, fund them once, and wait for their blocks.

        `note` keeps what is known before the waiting begins. CovenantsNotActive before anything is
        shown or paid (R21); `NotYet` while blocks are missing; errors as `plan` and `broadcast`.
        """
        bindings = self._bindings(packet)
        for each in bindings:
            require_active(self.source, each.covenant.deployments)
        sent = self.store.intents(packet.packet_id, FUNDING)
        tx = sent[0].tx if sent else self._sign_funding(packet, bindings)
        told = self._tell(packet, bindings, tx, None)
        note({"bitcoin_covenant": told})
        self._send(packet, FUNDING, [tx])
        block = self._settled(tx, terms_of(packet).confirmations)
        self.store.mark(packet.packet_id, FUNDING, 0, "mined")
        return {"bitcoin_covenant": self._tell(packet, bindings, tx, block)}

    def spend(self, packet: DataFlowPacket) -> JsonObject:
        """Plan, sign and judge every spend, refuse its mutants, send it and wait for its block."""
        self.require_settled(packet, (DataFlowStage.BITCOIN_BINDING,))
        bindings = self._bindings(packet)
        txs = [each.tx for each in self.store.intents(packet.packet_id, SPEND)]
        funded = self._funded(packet)
        if not txs:
            txs = [
                self._sign_spend(each, coin) for each, coin in zip(bindings, funded, strict=True)
            ]
        findings: JsonObject = {"mutants": self._judge(packet, bindings, txs, funded)}
        if self.store.intents(packet.packet_id, SPEND) == []:
            self.store.add_intents(packet, SPEND, txs)
        self._send(packet, SPEND, txs)
        told: list[JsonValue] = []
        for n, tx in enumerate(txs):
            block = self._settled(tx, terms_of(packet).confirmations)
            self.store.mark(packet.packet_id, SPEND, n, "mined")
            told.append(
                {
                    "txid": tx.txid_display,
                    "raw": tx.encode().hex(),
                    "vsize": tx.vsize,
                    "block": block.hash_display,
                    "height": block.height,
                }
            )
        first = told[0]
        assert isinstance(first, dict)  # noqa: S101  just made
        return findings | {"spend": first | ({"others": told[1:]} if told[1:] else {})}

    def require_settled(self, packet: DataFlowPacket, stages: Sequence[DataFlowStage]) -> None:
        """Raise `Dropped` when a block that holds what was sent has left the best chain (R41)."""
        for coin in coins_of(packet):
            for stage, told in (
                (DataFlowStage.BITCOIN_BINDING, coin.told["funding"]),
                (DataFlowStage.VALIDATION, coin.spend),
            ):
                if stage not in stages or told is None:
                    continue
                found = self.source.block_hash(told["height"])
                if found is None or found[::-1].hex() != told["block"]:
                    raise Dropped(stage)

    def view(self, packet: DataFlowPacket) -> ChainView:
        """Return what a checker needs of the chain: headers to the tip, and inclusions."""
        coins = coins_of(packet)
        inclusions = {}
        lowest = self.source.tip().height
        for coin in coins:
            assert coin.spend is not None  # noqa: S101  verification follows validation
            for told in (coin.told["funding"], coin.spend):
                txid = bytes.fromhex(told["txid"])[::-1]
                block = bytes.fromhex(told["block"])[::-1]
                inclusions[txid] = self.source.inclusion(txid, block)
                lowest = min(lowest, told["height"])
        tip = self.source.tip().height
        start = 0 if tip < HEADER_RUN_MAX else lowest
        return ChainView(self.source.network, start, self._headers(start, tip), inclusions)

    def _headers(self, start: int, tip: int) -> tuple[BlockHeader, ...]:
        found: list[BlockHeader] = []
        while start + len(found) <= tip:
            count = min(_HEADERS_AT_ONCE, tip + 1 - start - len(found))
            more = self.source.headers(start + len(found), count)
            if not more:
                break
            found += more
        return tuple(found)

    def _bindings(self, packet: DataFlowPacket) -> list[Binding]:
        owner, payout = self.signer.xonly(), self.signer.output_key()
        return bindings_of(packet, self.get, owner, payout)

    def _sign_funding(self, packet: DataFlowPacket, bindings: Sequence[Binding]) -> Transaction:
        terms, rate = terms_of(packet), self.source.fee_rate(_TARGET_BLOCKS)
        outputs = [
            TxOut(each.amount(terms, rate), each.covenant.script_pubkey) for each in bindings
        ]
        for _ in range(_PLANS):
            funding = self._plan(outputs, rate)
            try:
                coins = [each.outpoint for each in funding.spent]
                self.store.add_intents(packet, FUNDING, [funding.tx], coins)
            except FlowError as error:
                if error.code != "coins-taken":
                    raise
                continue  # another flow was quicker; there may be other coins
            return funding.tx
        raise FlowError("other flows take every coin", code="coins-taken")

    def _plan(self, outputs: Sequence[TxOut], rate: int) -> FundingPlan:
        reserved = self.store.reserved_coins()
        try:
            return plan(self.source, self.signer, outputs, rate, reserved=reserved)
        except FundsError as error:
            if error.code == "funds" and reserved:
                message = "the coins that are left are kept by other flows"
                raise FundsError(message, code="funds-kept") from error
            raise

    def _tell(
        self,
        packet: DataFlowPacket,
        bindings: Sequence[Binding],
        tx: Transaction,
        block: BlockRef | None,
    ) -> JsonObject:
        told: list[JsonObject] = []
        rules = rules_of(packet)
        for n, each in enumerate(bindings):
            funding: JsonObject = {
                "txid": tx.txid_display,
                "vout": n,
                "amount": tx.outputs[n].amount,
                "raw": tx.encode().hex(),
                "block": None if block is None else block.hash_display,
                "height": None if block is None else block.height,
            }
            one = each.as_json(packet, self.source.network, n)
            script = each.covenant.script_pubkey
            coins = {each.outpoint for each in self.source.utxos_of(script)}
            if coins - {OutPoint(tx.txid, n)}:
                one["address_reuse"] = True  # R28
            told.append(one | {"funding": funding, "rules": str(rules)})
        others: list[JsonValue] = [*told[1:]]
        return told[0] | ({"others": others} if others else {})

    def _funded(self, packet: DataFlowPacket) -> list[FundedCoin]:
        tx = self.store.intents(packet.packet_id, FUNDING)[0].tx
        places = [coin.told["funding"]["vout"] for coin in coins_of(packet)]
        return [FundedCoin(OutPoint(tx.txid, place), tx.outputs[place]) for place in places]

    def _sign_spend(self, binding: Binding, coin: FundedCoin) -> Transaction:
        outputs = binding.outputs
        if not outputs:
            rate = self.source.fee_rate(_TARGET_BLOCKS)
            fee = -(-rate * spend_vsize(binding.covenant) // 1000)
            outputs = (TxOut(coin.output.amount - fee, _P2TR + self.signer.output_key()),)
        planned = plan_spend(binding.covenant, coin, outputs, reveal=binding.reveal)
        signatures = [
            self.signer.sign_schnorr(each.message, tweaked=False) for each in planned.to_sign
        ]
        return complete(planned, signatures)

    def _judge(
        self,
        packet: DataFlowPacket,
        bindings: Sequence[Binding],
        txs: Sequence[Transaction],
        funded: Sequence[FundedCoin],
    ) -> JsonObject:
        """Hold every spend against consensus, policy and its mutants before it is sent."""
        rules, tried, refused = rules_of(packet), 0, 0
        active = dict.fromkeys(rules.heights, True)
        standard = standard_flags(
            **{name: name in active for name in ("opcat", "checktemplateverify")}
        )
        for binding, tx, coin in zip(bindings, txs, funded, strict=True):
            spent = (coin.output,)
            for flags in (rules.flags, standard):
                verdict = verify_input(tx, 0, spent, flags)
                if not verdict.ok:
                    raise FlowError(f"the spend fails with {verdict.error}", code="spend-refused")
            fault = check_standard(tx, spent)
            if fault is not None:
                raise FlowError(f"nodes would not relay the spend: {fault}", code="spend-refused")
            report = try_mutants(tx, spent, rules.flags)
            tried, refused = tried + report.tried, refused + report.refused
            if report.accepted:
                names = ", ".join(report.accepted)
                raise FlowError(f"altered witnesses pass: {names}", code="mutant-passed")
            if binding.outputs:
                _require_enforced(tx, spent, rules.flags)
        return {"tried": tried, "refused": refused}

    def _send(self, packet: DataFlowPacket, kind: str, txs: Sequence[Transaction]) -> None:
        for n, tx in enumerate(txs):
            try:
                self.source.transaction(tx.txid)
            except ChainNotFound:
                self.source.broadcast(tx)
            self.store.mark(packet.packet_id, kind, n, "sent")

    def _settled(self, tx: Transaction, confirmations: int) -> BlockRef:
        """Return the block of a transaction that is deep enough; `NotYet` otherwise."""
        for _ in range(confirmations + 1):
            block = self._block_of(tx)
            if block is not None and self.source.tip().height - block.height + 1 >= confirmations:
                return block
            if self.mine is None:
                break
            self.mine()
        raise NotYet

    def _block_of(self, tx: Transaction) -> BlockRef | None:
        tip = self.source.tip().height
        for vout in range(len(tx.outputs)):
            found = self.source.utxo(OutPoint(tx.txid, vout))
            if found is not None:
                block = self.source.block_hash(found.coin.height)
                return None if block is None else BlockRef(found.coin.height, block)
        for height in range(tip, max(0, tip - _LOOK_BACK), -1):
            block = self.source.block_hash(height)
            if block is None:
                continue
            if any(each.txid == tx.txid for each in self.source.block(block).block.txs):
                return BlockRef(height, block)
        return None


def _require_enforced(tx: Transaction, spent: Sequence[TxOut], flags: Any) -> None:
    """Show that a spend with changed outputs is refused (template_enforcement)."""
    first, *rest = tx.outputs
    changed = replace(first, script=first.script[:-1] + bytes((first.script[-1] ^ 1,)))
    dearer = [replace(each, amount=each.amount - 1) for each in rest]
    for outputs in ((changed, *rest), (first, *dearer), (*tx.outputs, first)):
        other = replace(tx, outputs=tuple(outputs))
        if verify_input(other, 0, spent, flags).ok:
            raise FlowError("a spend with other outputs passes", code="template-open")
