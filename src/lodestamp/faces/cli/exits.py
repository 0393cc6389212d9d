"""Exit codes, and the one way an error reaches a person or a program (DESIGN D8, §8)."""

from __future__ import annotations

import json
import sys
from typing import Final

from lodestamp.errors import (
    BlockMissing,
    CalendarError,
    ChainAuthError,
    ChainUnavailable,
    ChainWarmup,
    HeightUnknown,
    HomeError,
    LeaseLost,
    ListenError,
    LodestampError,
    LogLockedError,
    PeerError,
    PinError,
    RemoteError,
    RulesMismatch,
    ScanBehind,
    ScannerBusy,
    SnapshotGoneError,
    SourceError,
    SourceIncomplete,
    SourceStale,
    StoreError,
    TrustError,
    UsageError,
    WorkUnknown,
)
from lodestamp.faces.cli.plain import plain

DONE: Final = 0
REFUSED: Final = 1
UNAVAILABLE: Final = 2
USAGE: Final = 64
INTERRUPTED: Final = 130

_UNAVAILABLE = (
    WorkUnknown,
    SourceStale,
    SourceIncomplete,
    ScanBehind,
    ScannerBusy,
    RulesMismatch,
    HeightUnknown,
    BlockMissing,
    CalendarError,
    ChainAuthError,
    ChainUnavailable,
    ChainWarmup,
    HomeError,
    LeaseLost,
    ListenError,
    LogLockedError,
    PinError,
    RemoteError,
    SnapshotGoneError,
    SourceError,
    StoreError,
)
_AWAY: Final = frozenset({"unreachable", "cut-short", "busy", "failed"})
"""Codes of a peer that may answer another time."""


def exit_code_of(error: LodestampError) -> int:
    """Return 64 for a call or a trust file that makes no sense, 2 for the environment, else 1."""
    if isinstance(error, UsageError | TrustError):
        return USAGE  # exit 1 of a judging verb would say that the proof is refuted
    if isinstance(error, _UNAVAILABLE) or (isinstance(error, PeerError) and error.code in _AWAY):
        return UNAVAILABLE
    return REFUSED


def report_error(error: LodestampError, *, as_json: bool) -> int:
    """Print the error as one JSON line on stdout, or in words on stderr; return its exit code."""
    if as_json:
        print_json({"error": error.diagnostics()})
    else:
        sys.stderr.write(f"lodestamp: {plain(error.message)}\n")
        if error.hint:
            sys.stderr.write(f"  hint: {plain(error.hint)}\n")
    return exit_code_of(error)


def print_json(document: object) -> None:
    """Print one JSON object on one line of stdout, in ASCII: foreign text cannot break it."""
    sys.stdout.write(json.dumps(document, separators=(",", ":")) + "\n")
    sys.stdout.flush()
