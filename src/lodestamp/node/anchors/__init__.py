"""What makes a log more than its owner's word: witnesses, calendars, and anchors in Bitcoin."""

from lodestamp.node.anchors.calendar import (
    COMMITMENT_SIZE,
    DIGEST_SIZE_MAX,
    Calendar,
    CalendarClient,
    Standing,
    load_secret,
)

__all__ = [
    "COMMITMENT_SIZE",
    "DIGEST_SIZE_MAX",
    "Calendar",
    "CalendarClient",
    "Standing",
    "load_secret",
]
