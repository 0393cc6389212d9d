"""Verdicts, not booleans: what a check established, by what, and what it could not check.

A check ends in one `Leg` per subject it looked at. A `Verdict` joins the legs:

* any leg ``refuted``                        -> ``refuted``,     exit code 1
* else any leg that counts is ``unknown``    -> ``unknown``,     exit code 2
* else                                       -> ``established``, exit code 0

A leg counts when the document carries it or the caller requires it; a leg that is merely absent
(``not_carried``) or blocked by a refuted one says so and changes nothing.

>>> from lodestamp.core.verdict import Leg, Status, Verdict
>>> log = Leg("log", Status.ESTABLISHED, basis="hash only")
>>> content = Leg.unknown("content", "bytes_absent", "no content was given")
>>> Verdict.of((log, content)).exit_code
2
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType
from typing import Self

Fact = str | int | bool | None | list[str]
"""What a leg states in passing: text, an integer, a flag, or a list of texts."""

_NO_FACTS: Mapping[str, Fact] = MappingProxyType({})


class Status(StrEnum):
    """The three ways a check can end."""

    ESTABLISHED = "established"
    REFUTED = "refuted"
    UNKNOWN = "unknown"


EXIT_CODES = MappingProxyType({Status.ESTABLISHED: 0, Status.REFUTED: 1, Status.UNKNOWN: 2})
"""Process exit codes of a judging verb (DESIGN D8)."""


@dataclass(frozen=True, slots=True)
class Leg:
    """One step of a check: its name, how it ended, and what that rests on.

    `code` is ``<leg>.<reason>`` for a leg that is not established, else empty. `basis` says in
    words what an established leg rests on. `counts` is False for a leg nobody carried or required.
    """

    name: str
    status: Status
    code: str = ""
    basis: str = ""
    detail: str = ""
    facts: Mapping[str, Fact] = field(default_factory=lambda: _NO_FACTS)
    counts: bool = True

    @classmethod
    def refuted(cls, name: str, reason: str, detail: str) -> Self:
        """Return a leg that was checked and does not hold."""
        return cls(name, Status.REFUTED, f"{name}.{reason}", detail=detail)

    @classmethod
    def unknown(cls, name: str, reason: str, detail: str, *, counts: bool = True) -> Self:
        """Return a leg that could not be checked here."""
        return cls(name, Status.UNKNOWN, f"{name}.{reason}", detail=detail, counts=counts)

    @classmethod
    def not_carried(cls, name: str, *, required: bool = False) -> Self:
        """Return the leg of a section the document does not carry; it counts only if required."""
        detail = "the proof does not carry this leg"
        return cls.unknown(name, "not_carried", detail, counts=required)

    def as_json(self) -> dict[str, object]:
        """Return the leg as the JSON object of ``verify --json``."""
        return {
            "name": self.name,
            "status": str(self.status),
            "code": self.code,
            "basis": self.basis,
            "facts": dict(self.facts),
            "detail": self.detail,
        }


@dataclass(frozen=True, slots=True)
class Verdict:
    """The joined answer, leg by leg.

    `subject` is the op id the document is about, or None when it could not be read. `ignored` lists
    what was neither checked nor trusted, such as signature lines of unknown signers.
    """

    verdict: Status
    legs: tuple[Leg, ...]
    subject: str | None = None
    ignored: tuple[str, ...] = ()

    @classmethod
    def of(
        cls, legs: tuple[Leg, ...], *, subject: str | None = None, ignored: tuple[str, ...] = ()
    ) -> Self:
        """Join legs by the rule of the module docstring."""
        if any(leg.status is Status.REFUTED for leg in legs):
            status = Status.REFUTED
        elif any(leg.status is Status.UNKNOWN and leg.counts for leg in legs):
            status = Status.UNKNOWN
        else:
            status = Status.ESTABLISHED
        return cls(status, legs, subject, ignored)

    @property
    def exit_code(self) -> int:
        """0 established, 1 refuted, 2 unknown."""
        return EXIT_CODES[self.verdict]

    def leg(self, name: str) -> Leg:
        """Return the leg of this name; KeyError when the verdict has none."""
        for leg in self.legs:
            if leg.name == name:
                return leg
        raise KeyError(name)

    def as_json(self) -> dict[str, object]:
        """Return the verdict as the JSON object of ``verify --json``."""
        return {
            "verdict": str(self.verdict),
            "exit": self.exit_code,
            "subject": self.subject,
            "legs": [leg.as_json() for leg in self.legs],
            "ignored": list(self.ignored),
        }
