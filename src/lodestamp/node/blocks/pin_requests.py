"""What one node asks another to keep: the values of the remote pinning API 1.0.0 (R122).

A request names a CID and may carry a name, addresses of who has it (`origins`) and a few texts
(`meta`). Its status runs ``queued``, ``pinning``, then ``pinned`` or ``failed``.

>>> request = PinRequest.parse({"cid": "bafkqaaa", "name": "nothing"})
>>> request.document()
{'cid': 'bafkqaaa', 'name': 'nothing'}
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Final, Literal, get_args

from lodestamp.core.encoding import Cid, JsonObject
from lodestamp.errors import CidError, PinError
from lodestamp.node.blocks.pins import PIN_NAME_MAX

PinProgress = Literal["queued", "pinning", "pinned", "failed"]
"""How far a request has come."""
PROGRESS: Final[tuple[PinProgress, ...]] = get_args(PinProgress)
Match = Literal["exact", "iexact", "partial", "ipartial"]
"""How a name is compared in a search: whole or in part, with or without case."""
MATCHES: Final[tuple[Match, ...]] = get_args(Match)

ORIGINS_MAX: Final = 20
"""Addresses in one request, by the standard."""
ORIGIN_SIZE_MAX: Final = 1_024
"""Characters of one address; a multiaddr with a peer id has about 150."""
META_MAX: Final = 1_000
"""Entries of `meta`, by the standard."""
META_SIZE_MAX: Final = 16_384
"""Characters of all of `meta`: it is kept for a stranger."""
CIDS_ASKED_MAX: Final = 10
"""CIDs in one search, by the standard."""
DELEGATES_MAX: Final = 20
"""Addresses a service may name for handing it the blocks, by the standard."""
PAGE_MAX: Final = 1_000
"""Results of one search, by the standard; 10 unless asked otherwise."""
_FIRST_YEAR: Final = 1970


@dataclass(frozen=True, slots=True)
class PinRequest:
    """Somebody's wish that a DAG is kept. `origins` are noted and never dialled by us."""

    cid: Cid
    name: str | None = None
    origins: tuple[str, ...] = ()
    meta: Mapping[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, document: object) -> PinRequest:
        """Read the standard's ``Pin`` object; PinError ``pin.request`` when it is none."""
        members = _object(document, {"cid", "name", "origins", "meta"})
        try:
            cid = Cid.parse(_text(members, "cid"))
        except CidError as error:
            raise _bad(f"cid: {error.message}") from None
        name = _text(members, "name") if members.get("name") is not None else None
        if name is not None and len(name) > PIN_NAME_MAX:
            raise _bad(f"name has more than {PIN_NAME_MAX} characters")
        return cls(cid, name, _origins(members.get("origins")), _meta(members.get("meta")))

    def document(self) -> JsonObject:
        """Return the standard's ``Pin`` object, without what is empty."""
        document: JsonObject = {"cid": str(self.cid)}
        if self.name is not None:
            document["name"] = self.name
        if self.origins:
            document["origins"] = list(self.origins)
        if self.meta:
            document["meta"] = dict(self.meta)
        return document


@dataclass(frozen=True, slots=True)
class PinStatus:
    """Where a request stands. `created_ms` is Unix milliseconds."""

    id: str
    progress: PinProgress
    created_ms: int
    request: PinRequest
    delegates: tuple[str, ...] = ()
    report: Mapping[str, str] = field(default_factory=dict)
    """The standard's `info`: texts such as why it failed."""

    @classmethod
    def parse(cls, document: object) -> PinStatus:
        """Read the standard's ``PinStatus`` object; PinError ``pin.request`` when it is none."""
        members = _object(
            document, {"requestid", "status", "created", "pin", "delegates", "info"}, closed=False
        )
        status = _text(members, "status")
        progress = next((each for each in PROGRESS if each == status), None)
        delegates = members.get("delegates")
        if progress is None:
            raise _bad(f"status {status!r:.40}")
        if (
            not isinstance(delegates, list)
            or len(delegates) > DELEGATES_MAX
            or not all(isinstance(each, str) for each in delegates)
        ):
            raise _bad("delegates")
        return cls(
            _text(members, "requestid"),
            progress,
            parse_created(_text(members, "created")),
            PinRequest.parse(members.get("pin")),
            tuple(delegates),
            _meta(members.get("info")),
        )

    def document(self) -> JsonObject:
        """Return the standard's ``PinStatus`` object."""
        document: JsonObject = {
            "requestid": self.id,
            "status": self.progress,
            "created": format_created(self.created_ms),
            "pin": self.request.document(),
            "delegates": list(self.delegates),
        }
        if self.report:
            document["info"] = dict(self.report)
        return document


@dataclass(frozen=True, slots=True)
class PinQuery:
    """A search among requests: every condition that is given must hold; the newest come first."""

    cids: tuple[Cid, ...] = ()
    name: str | None = None
    match: Match = "exact"
    progress: tuple[PinProgress, ...] = ("pinned",)
    before_ms: int | None = None
    after_ms: int | None = None
    limit: int = 10
    meta: Mapping[str, str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        if len(self.cids) > CIDS_ASKED_MAX:
            raise _bad(f"cid names at most {CIDS_ASKED_MAX} of them")
        if not 1 <= self.limit <= PAGE_MAX:
            raise _bad(f"limit is from 1 to {PAGE_MAX:,}")
        if not self.progress:
            raise _bad("status names none")

    def names(self, name: str | None) -> bool:
        """Tell whether a request's name is one that is searched."""
        if self.name is None:
            return True
        if name is None:
            return False
        wanted, found = self.name, name
        if self.match in {"iexact", "ipartial"}:
            wanted, found = wanted.casefold(), found.casefold()
        return wanted in found if self.match in {"partial", "ipartial"} else wanted == found


def parse_progress(names: Sequence[str]) -> tuple[PinProgress, ...]:
    """Return the statuses of these names; PinError ``pin.request`` for another word."""
    found = tuple(each for each in PROGRESS if each in names)
    if len(found) != len(set(names)):
        raise _bad(f"status is of {', '.join(PROGRESS)}")
    return found


def parse_match(name: str) -> Match:
    """Return the way of matching of this name; PinError ``pin.request`` for another word."""
    found = next((each for each in MATCHES if each == name), None)
    if found is None:
        raise _bad(f"match is one of {', '.join(MATCHES)}")
    return found


def parse_created(text: str) -> int:
    """Return an RFC 3339 time in Unix milliseconds; PinError ``pin.request`` when it is none."""
    try:
        time = datetime.fromisoformat(text)
    except ValueError:
        time = datetime.min  # noqa: DTZ901  it has no zone, which is what is asked next
    if time.tzinfo is None or time.year < _FIRST_YEAR:
        raise _bad(f"{text!r:.60} is no time of RFC 3339 since 1970")
    return int(time.timestamp() * 1000)


def format_created(time_ms: int) -> str:
    """Spell Unix milliseconds in RFC 3339, UTC."""
    seconds, milliseconds = divmod(time_ms, 1000)
    return f"{datetime.fromtimestamp(seconds, UTC):%Y-%m-%dT%H:%M:%S}.{milliseconds:03}Z"


def parse_meta(document: object) -> Mapping[str, str]:
    """Return an object of texts; PinError ``pin.request`` when it is none."""
    return _meta(document)


def _bad(why: str) -> PinError:
    return PinError(f"no pin request: {why}", code="pin.request")


def _object(document: object, names: set[str], *, closed: bool = True) -> dict[str, Any]:
    if not isinstance(document, dict):
        raise _bad("not an object")
    if closed and document.keys() - names:
        raise _bad(f"no field {min(map(str, document.keys() - names))!r:.40}")
    return document


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    if not isinstance(value, str):
        raise _bad(f"{name} is no text")
    return value


def _origins(value: object) -> tuple[str, ...]:
    if value is None:
        return ()
    if not isinstance(value, list) or len(value) > ORIGINS_MAX:
        raise _bad(f"origins are at most {ORIGINS_MAX} texts")
    if not all(isinstance(each, str) and len(each) <= ORIGIN_SIZE_MAX for each in value):
        raise _bad(f"an origin is a text of at most {ORIGIN_SIZE_MAX:,} characters")
    return tuple(value)


def _meta(value: object) -> Mapping[str, str]:
    if value is None:
        return {}
    if not isinstance(value, dict) or len(value) > META_MAX:
        raise _bad(f"meta is an object of at most {META_MAX:,} texts")
    if not all(isinstance(each, str) for pair in value.items() for each in pair):
        raise _bad("meta holds texts only")
    if sum(len(each) for pair in value.items() for each in pair) > META_SIZE_MAX:
        raise _bad(f"meta has more than {META_SIZE_MAX:,} characters")
    return dict(value)
