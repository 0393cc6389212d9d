"""Owners as people write them: scripts become addresses at the edge only (§2, Q15)."""

from __future__ import annotations

from lodestamp.core.bitcoin import NetworkParams, decode_address, encode_address
from lodestamp.core.ownership import NOBODY, Owner


def address_of(owner: Owner, net: NetworkParams) -> str:
    """Return an owner's address on a network; empty for nobody, who may hold under peer_compat."""
    return "" if owner == NOBODY else encode_address(owner, net)


def owner_of(address: str, net: NetworkParams) -> Owner:
    """Return the owner that an address names; MalformedAddress for one of another network."""
    return Owner(bytes(decode_address(address, net))) if address else NOBODY
