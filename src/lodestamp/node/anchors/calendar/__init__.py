"""The calendar in both roles: a server that keeps its promises, and a client that believes none."""

from lodestamp.node.anchors.calendar.aggregator import (
    BATCH_MAX,
    DIGEST_SIZE_MAX,
    PERIOD_S,
    PERIOD_S_MAX,
    PERIOD_S_MIN,
)
from lodestamp.node.anchors.calendar.audit import audit_calendars
from lodestamp.node.anchors.calendar.client import (
    ANSWER_SIZE_MAX,
    CalendarClient,
    NotYet,
    Promised,
)
from lodestamp.node.anchors.calendar.completing import Completed, Completer, Headers
from lodestamp.node.anchors.calendar.journal import COMMITMENT_SIZE, Imported, Journal
from lodestamp.node.anchors.calendar.lookup import Answer, Standing
from lodestamp.node.anchors.calendar.own import OwnCalendar
from lodestamp.node.anchors.calendar.secret import load_secret
from lodestamp.node.anchors.calendar.service import Calendar
from lodestamp.node.anchors.calendar.stored_headers import StoredHeaders
from lodestamp.node.anchors.calendar.submissions import Submission, Submissions
from lodestamp.node.anchors.calendar.upgrader import Round, Upgrader
from lodestamp.node.anchors.calendar.uris import (
    CALENDARS_MAX,
    PUBLIC_CALENDARS,
    Whitelist,
    parse_own_uri,
    parse_uri,
)

__all__ = [
    "ANSWER_SIZE_MAX",
    "BATCH_MAX",
    "CALENDARS_MAX",
    "COMMITMENT_SIZE",
    "DIGEST_SIZE_MAX",
    "PERIOD_S",
    "PERIOD_S_MAX",
    "PERIOD_S_MIN",
    "PUBLIC_CALENDARS",
    "Answer",
    "Calendar",
    "CalendarClient",
    "Completed",
    "Completer",
    "Headers",
    "Imported",
    "Journal",
    "NotYet",
    "OwnCalendar",
    "Promised",
    "Round",
    "Standing",
    "StoredHeaders",
    "Submission",
    "Submissions",
    "Upgrader",
    "Whitelist",
    "audit_calendars",
    "load_secret",
    "parse_own_uri",
    "parse_uri",
]
