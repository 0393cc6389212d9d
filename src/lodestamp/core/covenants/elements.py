"""Stack elements and the witness items they are joined from (R25)."""

from __future__ import annotations

from lodestamp.core.bitcoin import ELEMENT_SIZE_MAX, WITNESS_ITEM_STANDARD_MAX
from lodestamp.errors import ElementTooLarge


def cut(element: bytes, items: int) -> tuple[bytes, ...]:
    """Cut an element into so many items, of 80 bytes where they suffice; the last may be empty."""
    width = WITNESS_ITEM_STANDARD_MAX
    if len(element) > items * width:
        width = -(-len(element) // items)
    return tuple(element[n * width : (n + 1) * width] for n in range(items))


def items_for(size: int, *, relay: bool = True) -> int:
    """Return how many items an element is shown in: of 80 bytes to be relayed, else one."""
    return max(1, -(-size // WITNESS_ITEM_STANDARD_MAX)) if relay else 1


def require_element(what: str, size: int, maximum: int = ELEMENT_SIZE_MAX) -> None:
    """Refuse what a script could not hold; nothing is ever cut off. ElementTooLarge (R25)."""
    if size > maximum:
        raise ElementTooLarge(what, maximum, size)
