"""What auditors report: the one form in which every room of node says what does not fit."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

FINDINGS_MAX: Final = 100
"""Findings kept; one broken page can spoil every row behind it."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One contradiction: a stable code, the place, and what is wrong there."""

    code: str
    where: str
    detail: str

    def as_json(self) -> dict[str, object]:
        """Return the object of ``--json``."""
        return {"code": self.code, "where": self.where, "detail": self.detail}


@dataclass(slots=True)
class AuditReport:
    """What was looked at, how often, and what does not fit."""

    checked: dict[str, int] = field(default_factory=dict)
    findings: list[Finding] = field(default_factory=list)

    @property
    def clean(self) -> bool:
        """Whether nothing was found."""
        return not self.findings

    @property
    def exit_code(self) -> int:
        """0 when clean, else 1."""
        return 0 if self.clean else 1

    def count(self, what: str, number: int = 1) -> None:
        """Add to what was looked at."""
        self.checked[what] = self.checked.get(what, 0) + number

    def find(self, code: str, where: str, detail: str) -> None:
        """Note a contradiction; beyond `FINDINGS_MAX` only the count goes on."""
        if len(self.findings) < FINDINGS_MAX:
            self.findings.append(Finding(code, where, detail))
        else:
            self.checked["findings_left_out"] = self.checked.get("findings_left_out", 0) + 1

    def as_json(self) -> dict[str, object]:
        """Return the object of ``fsck --json`` and ``log audit --json``."""
        return {
            "checked": dict(self.checked),
            "findings": [finding.as_json() for finding in self.findings],
            "exit": self.exit_code,
        }
