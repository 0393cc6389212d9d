"""Private keys on disk: one file a key, mode 0600, in a folder of mode 0700 (operations spec K4).

A key file is a JSON object ``{"format","key_id","seed","suite"}`` with the seed in base64. It is
written under a temporary name and moved into place, so it is either whole or absent.
"""

from __future__ import annotations

import json
import secrets
import stat
from pathlib import Path
from typing import Final

from lodestamp.core.encoding import base64_decode, base64_encode
from lodestamp.core.keys import SUITES, SigningKey
from lodestamp.errors import HomeError, InputError
from lodestamp.node.whole import read_bounded, write_whole

AUTHOR_KEY: Final = "author"
"""The key that signs own operations."""
LOG_KEY: Final = "log"
"""The key that signs checkpoints."""
_FORMAT: Final = "lodestamp-key/1"
_MEMBERS: Final = {"format", "key_id", "seed", "suite"}
KEY_FILE_SIZE_MAX: Final = 4096
"""Bytes of a key file; a hybrid one has 300."""
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


def make_key(folder: Path, name: str, suite: str = "ed25519") -> SigningKey:
    """Return the key called `name`, made unless it is there; call it under the home's lock.

    Errors as `load_key`.
    """
    path = folder / f"{name}.key"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            _write_key(path, suite, secrets.token_bytes(SUITES[suite].seed_size))
    except OSError as error:
        raise HomeError(f"{path}: {error.strerror}", code="no-rights") from error
    return load_key(folder, name)


def load_key(folder: Path, name: str) -> SigningKey:
    """Read the key called `name`.

    HomeError ``key-missing``, ``key-permissions`` when others may read the file, ``key-damaged``
    when it is no key file, ``no-rights`` when it cannot be read.
    """
    path = folder / f"{name}.key"
    try:
        mode = path.stat().st_mode
        data = read_bounded(path, KEY_FILE_SIZE_MAX) or b""
    except FileNotFoundError:
        hint = "restore it from a backup; a log cannot go on under another key"
        raise HomeError(f"{path} is missing", code="key-missing", hint=hint) from None
    except OSError as error:
        raise HomeError(f"{path}: {error.strerror}", code="no-rights") from error
    if mode & _OTHERS:
        raise HomeError(
            f"{path} can be read by others (mode {stat.S_IMODE(mode):04o})",
            code="key-permissions",
            hint=f"chmod 600 {path}",
        )
    try:
        return _parse_key(data)
    except (ValueError, TypeError, KeyError, RecursionError, InputError):
        # `from None`: the parser's own words could quote the seed
        hint = "restore it from a backup; a log cannot go on under another key"
        raise HomeError(f"{path} is not a key file", code="key-damaged", hint=hint) from None


def _parse_key(data: bytes) -> SigningKey:
    document = json.loads(data)
    if set(document) != _MEMBERS or document["format"] != _FORMAT:
        raise ValueError(_FORMAT)
    key = SigningKey.from_seed(document["suite"], base64_decode(document["seed"]))
    if key.key_id != document["key_id"]:
        raise ValueError(_FORMAT)
    return key


def _write_key(path: Path, suite: str, seed: bytes) -> None:
    key_id = SigningKey.from_seed(suite, seed).key_id
    document = {
        "format": _FORMAT,
        "key_id": key_id,
        "seed": base64_encode(seed),
        "suite": suite,
    }
    write_whole(path, json.dumps(document).encode(), mode=0o600)
