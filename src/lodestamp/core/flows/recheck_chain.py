"""The legs of a report that speak of leaf, coin and chain: see `recheck`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from lodestamp.core.bitcoin import (
    CONSENSUS,
    CONSENSUS_CAT_CTV,
    NUMS,
    Flag,
    OutPoint,
    Transaction,
    TxOut,
    assess_run,
    check_inclusion,
    encode_address,
    network_named,
    parse_control_block,
)
from lodestamp.core.covenants import (
    BatchMember,
    CidLock,
    Covenant,
    DagPath,
    Kind,
    Rules,
    anchor_script,
    build,
    leaf_index,
    recognise,
    verify_spend,
)
from lodestamp.core.flows.batch import member_path
from lodestamp.core.flows.binding import terms_of
from lodestamp.core.flows.introspection import digest_shown
from lodestamp.core.flows.layout import (
    challenged_leaves,
    content_cid,
    leaf_count,
    leaf_mode_of,
    profile_for,
)
from lodestamp.core.flows.legs import ChainView, Judged, judged, require_equal, work_log2
from lodestamp.core.flows.mutants import try_mutants
from lodestamp.core.flows.packet import DataFlowPacket
from lodestamp.core.verdict import Fact, Leg, Status
from lodestamp.errors import FlowError, LodestampError

_NAMES = ("leaf", "output_key", "funding", "spend", "inclusion", "headers", "requirements")
_FORKS = {
    "opcat": Flag.OP_CAT,
    "checktemplateverify": Flag.DEFAULT_CHECK_TEMPLATE_VERIFY_HASH,
}


@dataclass(frozen=True, slots=True)
class Coin:
    """One covenant output as a packet tells of it, and the spend of it where there is one."""

    told: Mapping[str, Any]
    spend: Mapping[str, Any] | None


def coins_of(packet: DataFlowPacket) -> list[Coin]:
    """Return the covenant outputs of a packet, in order; none where nothing is bound."""
    data: Mapping[str, Any] = packet.verification_data
    first = data.get("bitcoin_covenant")
    if not isinstance(first, Mapping) or first.get("skipped"):
        return []
    told = [first, *first.get("others", [])]
    spend = data.get("spend")
    spends = [spend, *spend.get("others", [])] if isinstance(spend, Mapping) else []
    return [
        Coin(each, spends[place] if place < len(spends) else None)
        for place, each in enumerate(told)
    ]


def rules_of(packet: DataFlowPacket) -> Rules:
    """Return the rules a packet was bound under: consensus and the forks that were active."""
    workflow: Any = packet.metadata.get("workflow")
    active = [each for each in workflow["rules"] if each in _FORKS]
    flags = CONSENSUS
    for each in active:
        flags |= _FORKS[each]
    name = "CONSENSUS_CAT_CTV" if flags == CONSENSUS_CAT_CTV else "CONSENSUS"
    heights = workflow.get("heights", {})
    return Rules(name, flags, workflow["network"], {each: heights.get(each, -1) for each in active})


def chain_legs(packet: DataFlowPacket, view: ChainView | None) -> tuple[list[Leg], int]:
    """Return the legs from the leaf on, and the work from the funding's block on."""
    try:
        coins = coins_of(packet)
    except (AttributeError, TypeError) as error:
        return [Leg.refuted("leaf", "malformed", str(error))], 0
    if not coins:
        return [Leg.not_carried(name) for name in _NAMES], 0
    legs = [
        judged("leaf", lambda: _leaves(packet, coins)),
        judged("output_key", lambda: _outputs(packet, coins)),
    ]
    has_funding = all("funding" in each.told for each in coins)
    has_spend = all(each.spend is not None for each in coins)
    legs.append(judged("funding", lambda: _funding(coins)) if has_funding else _missing("funding"))
    if not has_spend:
        return [*legs, *map(_missing, _NAMES[3:])], 0
    legs.append(judged("spend", lambda: _spends(packet, coins)))
    if view is None:
        for name in ("inclusion", "headers", "requirements"):
            detail = "no view of the chain was given"
            legs.append(Leg.unknown(name, "no-chain", detail, counts=False))
        return legs, 0
    legs.append(judged("inclusion", lambda: _inclusions(coins, view)))
    headers, work = _headers(packet, coins, view)
    legs.append(headers)
    legs.append(judged("requirements", lambda: _requirements(packet, coins, view, work)))
    return legs, work


def _missing(name: str) -> Leg:
    return Leg.not_carried(name)


def _leaves(packet: DataFlowPacket, coins: Sequence[Coin]) -> Judged:
    kinds = []
    for place, coin in enumerate(coins):
        covenant = _recognised(coin)
        require_equal("kind", coin.told["kind"], str(covenant.kind))
        require_equal("CID of the covenant", coin.told["ipfs_cid"], str(content_cid(packet)))
        _require_bound(packet, covenant, coin, place, len(coins))
        kinds.append(str(covenant.kind))
    return "each leaf is a template and names the content", {"kinds": kinds}


def _recognised(coin: Coin) -> Covenant:
    covenant = recognise(bytes.fromhex(coin.told["script_hex"]))
    if covenant is None:
        raise FlowError("the leaf is none of our templates", code="unrecognised-leaf")
    return covenant


def _require_bound(
    packet: DataFlowPacket, covenant: Covenant, coin: Coin, place: int, count: int
) -> None:
    cid = content_cid(packet)
    introspections = [
        each for each in packet.op_cat_operations if each["type"] == "script_introspection"
    ]
    proofs = [each for each in packet.op_cat_operations if each["type"] == "merkle_proof"]
    match covenant.params:
        case CidLock() as params:
            require_equal("CID in the leaf", params.cid, cid.encode())
        case DagPath() as params:
            require_equal("root in the leaf", params.root, cid.digest)
            require_equal("leaf index", coin.told["leaf_index"], _challenge(packet, place, count))
        case BatchMember() as params if proofs:
            require_equal("batch in the leaf", params.root, member_path(proofs[0], packet)[1])
        case _ if covenant.kind in {Kind.T3, Kind.T4} and introspections:
            outputs = [_output(bytes.fromhex(each)) for each in coin.told["outputs"]]
            rebuilt = build(covenant.kind, outputs=outputs)
            require_equal("leaf of the outputs", covenant.leaf, rebuilt.leaf)
            forced = anchor_script(digest_shown(introspections[0]))
            require_equal("forced output", outputs[0], TxOut(0, forced))
        case _:
            raise FlowError(f"{covenant.kind} does not bind what the pattern asks for", code="kind")


def _challenge(packet: DataFlowPacket, place: int, count: int) -> int:
    profile = profile_for(packet.size, leaf_mode_of(packet))
    leaves = leaf_count(packet.size, profile)
    asked = terms_of(packet).challenges
    require_equal("number of challenges", count, min(asked, leaves))
    return challenged_leaves(content_cid(packet), packet.packet_id, leaves, asked)[place]


def _output(encoded: bytes) -> TxOut:
    amount, script = int.from_bytes(encoded[:8], "little", signed=True), encoded[9:]
    if len(encoded) < 9 or encoded[8] != len(script):
        raise FlowError("an output is 8 bytes of amount and a script", code="malformed")
    return TxOut(amount, script)


def _outputs(packet: DataFlowPacket, coins: Sequence[Coin]) -> Judged:
    net = network_named(rules_of(packet).network)
    for coin in coins:
        leaf, key = (
            bytes.fromhex(coin.told["script_hex"]),
            bytes.fromhex(coin.told["script_pubkey"]),
        )
        control = parse_control_block(bytes.fromhex(coin.told["control_block"]))
        require_equal("internal key", coin.told["internal_key"], control.internal.hex())
        if control.internal != NUMS:
            raise FlowError(
                "whoever knows the internal key can spend without it", code="key-path-open"
            )
        if key[:2] != b"\x51\x20" or not control.commits_to(key[2:], leaf):
            raise FlowError("leaf and control block do not make the output's key", code="other-key")
        require_equal("address", coin.told["address"], encode_address(key, net))
    return "BIP-341, under NUMS", {"outputs": len(coins)}


def _funding(coins: Sequence[Coin]) -> Judged:
    txids: list[str] = []
    for coin in coins:
        funding = coin.told["funding"]
        tx = Transaction.decode(bytes.fromhex(funding["raw"]))
        require_equal("txid of the funding", funding["txid"], tx.txid_display)
        output = tx.outputs[funding["vout"]]
        require_equal("amount", output.amount, funding["amount"])
        require_equal("funded script", output.script.hex(), coin.told["script_pubkey"])
        txids.append(tx.txid_display)
    return "the funding transaction pays the covenant", {"txids": txids}


def _spends(packet: DataFlowPacket, coins: Sequence[Coin]) -> Judged:
    rules, cid = rules_of(packet), content_cid(packet)
    txids: list[str] = []
    for coin in coins:
        assert coin.spend is not None  # noqa: S101  the caller has looked
        tx = Transaction.decode(bytes.fromhex(coin.spend["raw"]))
        require_equal("txid of the spend", coin.spend["txid"], tx.txid_display)
        funding = Transaction.decode(bytes.fromhex(coin.told["funding"]["raw"]))
        place = OutPoint(funding.txid, coin.told["funding"]["vout"])
        require_equal("coin that is spent", [each.prevout for each in tx.inputs], [place])
        verdict = verify_spend(tx, 0, (funding.outputs[place.vout],), rules)
        if verdict.status is Status.REFUTED:
            worst = next(leg for leg in verdict.legs if leg.status is Status.REFUTED)
            detail = f"{worst.name}: {worst.detail}"
            raise FlowError(detail, code=worst.code.partition(".")[2])
        require_equal("leaf of the spend", tx.inputs[0].witness[-2].hex(), coin.told["script_hex"])
        bound = verdict.bound.facts if verdict.bound else {}
        if "links" in bound:
            links = bound["links"]
            assert isinstance(links, list)  # noqa: S101  what covenants promise
            shown = leaf_index([int(each) for each in links])
            require_equal("leaf that was shown", shown, coin.told["leaf_index"])
        if "cid" in bound:
            require_equal("CID that was shown", bound["cid"], str(cid))
        txids.append(tx.txid_display)
    return f"our script machine under {rules.name}", {"txids": txids}


def _inclusions(coins: Sequence[Coin], view: ChainView) -> Judged:
    hashes = {each.hash: place for place, each in enumerate(view.headers)}
    for coin in coins:
        assert coin.spend is not None  # noqa: S101  the caller has looked
        for told in (coin.told["funding"], coin.spend):
            tx = Transaction.decode(bytes.fromhex(told["raw"]))
            shown = view.inclusions.get(tx.txid)
            if shown is None:
                raise FlowError(
                    f"{tx.txid_display} is in no block of the chain", code="not-in-the-chain"
                )
            included = check_inclusion(shown)
            require_equal("included transaction", included.txid, tx.txid)
            place = hashes.get(shown.header.hash)
            if place is None:
                raise FlowError(
                    "the block is not on the chain that was given", code="not-in-the-chain"
                )
            require_equal("block", told["block"], shown.header.hash_display)
            require_equal("height", told["height"], view.height + place)
    return "Merkle branches to headers of the chain", {"transactions": len(coins) + 1}


def _headers(packet: DataFlowPacket, coins: Sequence[Coin], view: ChainView) -> tuple[Leg, int]:
    try:
        height = min(each.told["funding"]["height"] for each in coins)
        require_equal("network", rules_of(packet).network, view.network.name)
        verdict = assess_run(
            view.headers, view.pins, view.network, index=height - view.height, height=view.height
        )
    except (LodestampError, KeyError, TypeError) as error:
        return Leg.refuted("headers", "malformed", str(error)), 0
    facts: dict[str, Fact] = {
        "height": height,
        "tip": view.height + len(view.headers) - 1,
        "work_log2": f"{verdict.work_log2:.2f}",
        "network": view.network.name,
    }
    code = f"headers.{verdict.code}" if verdict.code else ""
    detail = verdict.basis if code else ""
    return Leg("headers", verdict.status, code, verdict.basis, detail, facts), verdict.work


def _requirements(
    packet: DataFlowPacket, coins: Sequence[Coin], view: ChainView, work: int
) -> Judged:
    terms = terms_of(packet)
    tip = view.height + len(view.headers) - 1
    for coin in coins:
        assert coin.spend is not None  # noqa: S101  the caller has looked
        depth = tip - coin.spend["height"] + 1
        if depth < terms.confirmations:
            raise FlowError(f"{depth} blocks, not {terms.confirmations}", code="confirmations")
        if "mutants_refused" in terms.validation_requirements:
            _require_mutants(packet, coin)
    if terms.header_work and work_log2(work) < terms.header_work:
        detail = f"work of 2^{work_log2(work):.1f}, not 2^{terms.header_work}"
        raise FlowError(detail, code="header-work")
    held: list[str] = [*terms.spending_conditions, *terms.validation_requirements]
    return "each was checked again", {"held": held}


def _require_mutants(packet: DataFlowPacket, coin: Coin) -> None:
    assert coin.spend is not None  # noqa: S101  the caller has looked
    tx = Transaction.decode(bytes.fromhex(coin.spend["raw"]))
    funding = Transaction.decode(bytes.fromhex(coin.told["funding"]["raw"]))
    spent = (funding.outputs[coin.told["funding"]["vout"]],)
    report = try_mutants(tx, spent, rules_of(packet).flags)
    if report.accepted:
        raise FlowError(f"not refused: {', '.join(report.accepted)[:200]}", code="mutants")
