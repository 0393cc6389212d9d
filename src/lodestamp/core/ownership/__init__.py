"""Open Publish from Bitcoin blocks: who registered a work first, and who holds how much of it."""

from lodestamp.core.ownership.effects import (
    ASSET_UNITS,
    NOBODY,
    BlockEffect,
    BlockInput,
    CarrierInput,
    DividendPayment,
    Flow,
    HeartInput,
    Judgement,
    Operation,
    Owner,
    Owners,
    Refused,
    Registration,
    Tip,
    Transfer,
)
from lodestamp.core.ownership.rules import Rules

__all__ = [
    "ASSET_UNITS",
    "NOBODY",
    "BlockEffect",
    "BlockInput",
    "CarrierInput",
    "DividendPayment",
    "Flow",
    "HeartInput",
    "Judgement",
    "Operation",
    "Owner",
    "Owners",
    "Refused",
    "Registration",
    "Rules",
    "Tip",
    "Transfer",
]
