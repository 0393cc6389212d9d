"""Ownership over a chain: writing registrations, transfers, tips and payments."""

from lodestamp.node.scanner.writing import (
    fee_rate_of,
    party_of,
    psbts_of,
    send_plan,
    sign_plan,
)

__all__ = ["fee_rate_of", "party_of", "psbts_of", "send_plan", "sign_plan"]
