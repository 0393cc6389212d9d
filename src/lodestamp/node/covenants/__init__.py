"""Covenants on a chain: shown, funded and spent only where the chain enforces them (R21)."""

from lodestamp.node.covenants.coins import (
    coins_of,
    require_fresh,
    reused_coins,
    rules_of,
    show_address,
)
from lodestamp.node.covenants.completing import SEARCHED_BLOCKS_MAX, completed
from lodestamp.node.covenants.document import DOCUMENT_SIZE_MAX, CovenantFile
from lodestamp.node.covenants.funding import Funded, fund, pay_address
from lodestamp.node.covenants.spending import Spent, plan, spend

__all__ = [
    "DOCUMENT_SIZE_MAX",
    "SEARCHED_BLOCKS_MAX",
    "CovenantFile",
    "Funded",
    "Spent",
    "coins_of",
    "completed",
    "fund",
    "pay_address",
    "plan",
    "require_fresh",
    "reused_coins",
    "rules_of",
    "show_address",
    "spend",
]
