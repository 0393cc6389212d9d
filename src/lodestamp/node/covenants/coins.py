"""What a chain enforces, and which coins of it are a covenant's (R21, R22, R28)."""

from __future__ import annotations

from types import MappingProxyType

from lodestamp.core.bitcoin import CONSENSUS, Flag
from lodestamp.core.covenants import Covenant, FundedCoin, Kind, Rules, address
from lodestamp.errors import CovenantError
from lodestamp.node.chains import ChainSource, require_active


def rules_of(source: ChainSource) -> Rules:
    """Return the rules a chain reports to enforce; heights are not told by every node."""
    active = source.capabilities().deployments
    flags, names = CONSENSUS, "CONSENSUS"
    if active.get("opcat") is True:
        flags, names = flags | Flag.OP_CAT, f"{names}_CAT"
    if active.get("checktemplateverify") is True:
        flags, names = flags | Flag.DEFAULT_CHECK_TEMPLATE_VERIFY_HASH, f"{names}_CTV"
    heights = {name: None for name in ("checktemplateverify", "opcat") if active.get(name) is True}
    return Rules(names, flags, source.network.name, MappingProxyType(heights))


def show_address(source: ChainSource, cov: Covenant) -> str:
    """Return the address of a covenant on a chain that enforces it; CovenantsNotActive (R21)."""
    require_active(source, cov.deployments)
    return address(cov, source.network)


def coins_of(source: ChainSource, cov: Covenant) -> tuple[FundedCoin, ...]:
    """Return the confirmed coins of a covenant, by outpoint."""
    found = source.utxos_of(cov.script_pubkey)
    return tuple(FundedCoin(each.outpoint, each.coin.output) for each in found)


def reused_coins(source: ChainSource, cov: Covenant) -> tuple[FundedCoin, ...]:
    """Return the coins of a T3 or T4 address if there is more than one (R28).

    Its outputs are fixed, so a second coin pays the same outputs again, and the rest to the miner.
    """
    coins = coins_of(source, cov) if cov.kind in {Kind.T3, Kind.T4} else ()
    return coins if len(coins) > 1 else ()


def require_fresh(source: ChainSource, cov: Covenant) -> None:
    """Refuse to fund a T3 or T4 address again; CovenantError ``address-reuse`` (R28)."""
    if cov.kind in {Kind.T3, Kind.T4} and coins_of(source, cov):
        message = "the address has a coin already; a second would pay the same outputs once more"
        raise CovenantError(message, code="address-reuse", hint="fix other outputs")
