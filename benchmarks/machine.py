"""The line that says where and when the figures were taken."""

from __future__ import annotations

import os
import platform
import sqlite3
import tempfile
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from ssl import OPENSSL_VERSION

PEERS = (
    "pymerkle",
    "rfc8785",
    "PyNaCl",
    "cryptography",
    "btclib",
    "opentimestamps",
    "dilithium-py",
    "python-bitcoinlib",
    "embit",
    "coincurve",
)


def describe() -> str:
    """Name processor, cores, versions, the disk under the temp folder, and the date."""
    when = datetime.now(tz=UTC).strftime("%Y-%m-%d %H:%M UTC")
    load = os.getloadavg()[0]
    return (
        f"machine: {_processor()}, {os.cpu_count()} cores, load {load:.1f} at start · "
        f"{platform.system()} {platform.release()} · "
        f"{platform.python_implementation()} {platform.python_version()} · "
        f"SQLite {sqlite3.sqlite_version} · {OPENSSL_VERSION} · temp folder on {_filesystem()}\n"
        f"peers: {', '.join(f'{name} {version(name)}' for name in PEERS)}\n"
        f"date: {when}"
    )


def _processor() -> str:
    """Return the processor's name, and whether it has SHA-256 in hardware; Linux says so."""
    fields = dict[str, str]()
    for each in _lines("/proc/cpuinfo"):
        name, _, value = each.partition(":")
        fields.setdefault(name.strip(), value.strip())
    model = fields.get("model name") or platform.processor() or platform.machine()
    flags = fields.get("flags", "").split()
    return f"{model} ({'with' if 'sha_ni' in flags else 'without'} SHA-NI)" if flags else model


def _filesystem() -> str:
    """Return the type of the file system that the temp folder lies on, where Linux says."""
    folder = Path(tempfile.gettempdir()).resolve()
    best, found = "", "an unknown file system"
    for each in _lines("/proc/mounts"):
        _, where, kind, *_ = each.split()
        if folder.is_relative_to(where) and len(where) >= len(best):
            best, found = where, kind
    return found


def _lines(path: str) -> list[str]:
    try:
        return Path(path).read_text("utf-8", "replace").splitlines()
    except OSError:
        return []
