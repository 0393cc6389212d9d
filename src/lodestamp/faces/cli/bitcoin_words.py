"""What people write for Bitcoin's values: hex, hashes, JSON in a file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lodestamp.faces.cli.files import read_file


def hex_in(text: str) -> bytes:
    """Return the bytes of hex as people write it; UsageError otherwise."""
    from lodestamp.core.encoding import base16_decode  # noqa: PLC0415
    from lodestamp.errors import EncodingError, UsageError  # noqa: PLC0415

    try:
        return base16_decode(text.strip().lower())
    except EncodingError:
        raise UsageError("not hex: two digits a byte, nothing else") from None


def hash_in(text: str) -> bytes:
    """Return a hash in internal byte order from what people write; UsageError otherwise."""
    from lodestamp.errors import UsageError  # noqa: PLC0415

    raw = hex_in(text)
    if len(raw) != 32:
        raise UsageError("a hash has 64 hex digits")
    return raw[::-1]


def json_in(path: Path) -> Any:
    """Return the JSON of a file; UsageError where it holds none."""
    from lodestamp.errors import UsageError  # noqa: PLC0415

    try:
        return json.loads(read_file(path))
    except (ValueError, RecursionError):
        raise UsageError(f"{path} is not JSON") from None
