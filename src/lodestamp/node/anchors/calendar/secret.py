"""The calendar's secret: 32 bytes in a file of their own, which the mac of a commitment rests on.

The reference server keeps the same file, so an operator can bring it along (transparency spec R48).
"""

from __future__ import annotations

import secrets
import stat
from contextlib import suppress
from pathlib import Path
from typing import Final

from lodestamp.errors import HomeError
from lodestamp.node.whole import read_bounded, write_whole

SECRET_NAME: Final = "hmac-key"  # noqa: S105  the file's name, not the secret
"""The file's name, in the folder of keys."""
SECRET_SIZE: Final = 32
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def load_secret(folder: Path) -> bytes:
    """Return the secret of a folder of keys, made on first use with mode 0600.

    HomeError ``key-damaged`` unless it has 32 bytes, ``key-open`` when others may read it, and
    ``no-rights`` when the file cannot be read or made.
    """
    path = folder / SECRET_NAME
    try:
        if not path.exists():
            with suppress(FileExistsError):  # somebody made it meanwhile
                write_whole(path, secrets.token_bytes(SECRET_SIZE), mode=0o600, replace=False)
        mode = path.stat().st_mode
        secret = read_bounded(path, SECRET_SIZE)
    except OSError as error:
        raise HomeError(f"{path}: {error.strerror}", code="no-rights") from error
    if mode & _OTHERS:
        hint = f"chmod 600 {path}"
        raise HomeError(f"others may read {path}", code="key-open", hint=hint)
    if secret is None or len(secret) != SECRET_SIZE:
        raise HomeError(f"{path} does not have {SECRET_SIZE} bytes", code="key-damaged")
    return secret
