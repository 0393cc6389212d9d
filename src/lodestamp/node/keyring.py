"""Private keys on disk: one file a key, mode 0600, in a folder of mode 0700 (operations spec K4).

A key file is a JSON object ``{"format","key_id","seed","suite"}`` with the seed in base64. Under a
passphrase ``seed`` gives way to ``sealed``: salt, nonce and box in base64, the box being the seed
under AES-256-GCM with a key that scrypt made of the passphrase, bound to the key id. A file is
written under a temporary name and moved into place, so it is either whole or absent.

`author.key` and `log.key` are made with the home, `witness.key` when it first witnesses a log, and
beside those two, where `pq` is set, an ML-DSA-44 key each for notes alone. Any other key lies in a
file called after its id, so that the log alone says which key of an identity is in force;
``aliases.json`` holds the names people give to keys and identities.
"""

from __future__ import annotations

import hashlib
import json
import re
import secrets
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from lodestamp.core.encoding import base64_decode, base64_encode
from lodestamp.core.keys import SUITES, KeyId, Mldsa44Key, SigningKey, is_did, is_key_id
from lodestamp.errors import HomeError, InputError, UsageError
from lodestamp.node.whole import read_bounded, write_whole

AUTHOR_KEY: Final = "author"
"""The key that signs own operations."""
DEFAULT_SUITE: Final = "ed25519"
"""The suite of a home's own key, unless another is asked for."""
LOG_KEY: Final = "log"
"""The key that signs checkpoints."""
LOG_PQ_KEY: Final = "log-pq"
"""The ML-DSA-44 key that signs checkpoints too, where `pq` is set."""
LOG_PQ_VKEY: Final = "vkey_pq"
"""Where the database names that key, as others verify it."""
WITNESS_KEY: Final = "witness"
"""The key that cosigns checkpoints of other logs."""
WITNESS_PQ_KEY: Final = "witness-pq"
"""The ML-DSA-44 key that cosigns them too, where `pq` is set."""
_FORMAT: Final = "lodestamp-key/1"
_MEMBERS: Final = {"format", "key_id", "seed", "suite"}
_SEALED_MEMBERS: Final = {"format", "key_id", "sealed", "suite"}
KEY_FILE_SIZE_MAX: Final = 4096
"""Bytes of a key file; a hybrid one has 300."""
ALIASES_SIZE_MAX: Final = 1 << 20
"""Bytes of ``aliases.json``: ten thousand names."""
_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO
_SCRYPT: Final = {"n": 1 << 17, "r": 8, "p": 1}
"""128 MiB and about half a second a guess: the OWASP figure for scrypt. Files state no others."""
_SCRYPT_MEMORY: Final = 256 << 20
_SALT_SIZE: Final = 16
_NONCE_SIZE: Final = 12
_is_alias: Final = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}").fullmatch
_NOTE_KEYS: Final = frozenset({LOG_KEY, LOG_PQ_KEY, WITNESS_KEY, WITNESS_PQ_KEY})
"""Keys of notes: no operation is signed with one."""
_RESERVED: Final = frozenset({AUTHOR_KEY}) | _NOTE_KEYS
_NOTE_SUITE: Final = "mldsa44"
_is_note_key_id: Final = re.compile(r"mldsa44:[0-9a-f]{64}").fullmatch


class Keyring:
    """The keys of one home. `passphrase` seals what is made and opens what is sealed."""

    def __init__(self, folder: Path, passphrase: str | None = None) -> None:
        self._folder = folder
        self._passphrase = passphrase

    def new(self, suite: str) -> SigningKey:
        """Make a key and keep it; UsageError for an unknown suite."""
        if suite not in SUITES:
            raise UsageError(
                f"no suite is called {suite!r:.40}", hint=f"one of {', '.join(SUITES)}"
            )
        seed = secrets.token_bytes(SUITES[suite].seed_size)
        key = SigningKey.from_seed(suite, seed)
        path = self._folder / f"{_file_name(key.key_id)}.key"
        try:
            _write_key(path, suite, seed, self._passphrase)
        except OSError as error:
            raise HomeError(f"{path}: {error.strerror}", code="no-rights") from error
        return key

    def find(self, key_id: str) -> SigningKey:
        """Return the key of this id; HomeError ``key-missing`` and others as `load_key`."""
        author = load_key(self._folder, AUTHOR_KEY, self._passphrase)
        if author.key_id == key_id:
            return author
        return load_key(self._folder, _file_name(key_id), self._passphrase)

    def key_ids(self) -> list[KeyId]:
        """Return the ids of the keys that may author here, ascending; no seed is opened."""
        paths = [path for path in self._folder.glob("*.key") if path.stem not in _NOTE_KEYS]
        return sorted(_read_document(path)["key_id"] for path in paths)

    def aliases(self) -> dict[str, str]:
        """Return the names given to keys and identities; HomeError ``aliases`` when damaged."""
        path = self._folder / "aliases.json"
        try:
            document = json.loads(read_bounded(path, ALIASES_SIZE_MAX) or b"")
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, RecursionError) as error:
            raise HomeError(f"{path} cannot be read: {error}", code="aliases") from error
        if type(document) is not dict or not all(
            _is_alias(alias) and (is_key_id(named) or is_did(named))
            for alias, named in document.items()
        ):
            raise HomeError(f"{path} is no list of names", code="aliases")
        return document

    def name(self, alias: str, named: str) -> None:
        """Give a key id or DID a name; UsageError when the name is taken or is none.

        Call it under the home's lock.
        """
        aliases = self.aliases()
        if not _is_alias(alias) or alias in _RESERVED or alias in aliases:
            hint = "lower-case letters, digits, dot, dash and underscore, and not given away yet"
            raise UsageError(f"{alias[:80]!r} cannot be the name of a key", hint=hint)
        document = json.dumps(aliases | {alias: named}, sort_keys=True).encode()
        try:
            write_whole(self._folder / "aliases.json", document, mode=0o600)
        except OSError as error:
            raise HomeError(f"{self._folder}: {error.strerror}", code="no-rights") from error

    def named(self, text: str) -> str:
        """Return the key id or DID that a person means: one of these, or a name given to one."""
        if is_key_id(text) or is_did(text):
            return text
        if text == AUTHOR_KEY:
            return load_key(self._folder, AUTHOR_KEY, self._passphrase).key_id
        named = self.aliases().get(text)
        if named is None:
            hint = "`lodestamp key list` tells them; or give a key id or a DID"
            raise UsageError(f"no key is called {text[:80]!r}", code="unknown-key", hint=hint)
        return named


def _file_name(key_id: str) -> str:
    suite, _colon, digits = key_id.partition(":")
    return f"{suite}-{digits[:32]}"


def make_key(folder: Path, name: str, suite: str = "ed25519") -> SigningKey:
    """Return the key called `name`, made unless it is there; call it under the home's lock.

    Errors as `load_key`.
    """
    path = folder / f"{name}.key"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            _write_key(path, suite, secrets.token_bytes(SUITES[suite].seed_size), None)
    except OSError as error:
        raise HomeError(f"{path}: {error.strerror}", code="no-rights") from error
    return load_key(folder, name)


def load_key(folder: Path, name: str, passphrase: str | None = None) -> SigningKey:
    """Read the key called `name`.

    HomeError ``key-missing``, ``key-permissions`` when others may read the file, ``key-damaged``
    when it is no key file, ``key-locked`` when it is sealed and the passphrase is absent or wrong,
    ``no-rights`` when it cannot be read.
    """
    path = folder / f"{name}.key"
    document = _read_document(path)
    try:
        seed = _seed_of(document, passphrase)
        key = SigningKey.from_seed(document["suite"], seed)
        damaged = key.key_id != document["key_id"]
    except InvalidTag:
        hint = "give the passphrase it was sealed with"
        raise HomeError(f"{path} is sealed", code="key-locked", hint=hint) from None
    except (ValueError, TypeError, AttributeError, KeyError, InputError):
        damaged = True  # the parser's own words could quote the seed
    if damaged:
        raise _damaged(path)
    return key


def make_note_key(folder: Path, name: str) -> Mldsa44Key:
    """Return the ML-DSA-44 key called `name`, made unless it is there; as `make_key`."""
    path = folder / f"{name}.key"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        if not path.exists():
            seed = secrets.token_bytes(32)
            document = {
                "format": _FORMAT,
                "key_id": Mldsa44Key.from_seed(seed).key_id,
                "seed": base64_encode(seed),
                "suite": _NOTE_SUITE,
            }
            write_whole(path, json.dumps(document).encode(), mode=0o600)
    except OSError as error:
        raise HomeError(f"{path}: {error.strerror}", code="no-rights") from error
    return load_note_key(folder, name)


def load_note_key(folder: Path, name: str) -> Mldsa44Key:
    """Read the ML-DSA-44 key called `name`; errors as `load_key`. It is never sealed."""
    path = folder / f"{name}.key"
    document = _read_document(path)
    try:
        key = Mldsa44Key.from_seed(base64_decode(document["seed"]))
        damaged = (document["suite"], document["key_id"]) != (_NOTE_SUITE, key.key_id)
    except (TypeError, AttributeError, KeyError, InputError):
        damaged = True
    if damaged:
        raise _damaged(path)
    return key


def _read_document(path: Path) -> dict[str, Any]:
    """Return the members of a key file after looking at its mode and its shape."""
    try:
        mode = path.stat().st_mode
        content = read_bounded(path, KEY_FILE_SIZE_MAX) or b""
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
        document: dict[str, Any] = json.loads(content)
    except (ValueError, RecursionError):
        raise _damaged(path) from None
    whole = type(document) is dict and document.get("format") == _FORMAT
    if not whole or set(document) not in (_MEMBERS, _SEALED_MEMBERS):
        raise _damaged(path)
    key_id = document["key_id"]
    if not is_key_id(key_id) and not (isinstance(key_id, str) and _is_note_key_id(key_id)):
        raise _damaged(path)
    return document


def _damaged(path: Path) -> HomeError:
    hint = "restore it from a backup; a log cannot go on under another key"
    return HomeError(f"{path} is not a key file", code="key-damaged", hint=hint)


@dataclass(frozen=True, slots=True)
class _Sealed:
    """A seed under a passphrase."""

    salt: bytes
    nonce: bytes
    box: bytes


def _seed_of(document: dict[str, Any], passphrase: str | None) -> bytes:
    if "seed" in document:
        return base64_decode(document["seed"])
    sealed = document["sealed"]
    parts = _Sealed(*(base64_decode(sealed[name]) for name in ("salt", "nonce", "box")))
    if passphrase is None:
        raise InvalidTag
    box_key = _stretch(passphrase, parts.salt)
    return AESGCM(box_key).decrypt(parts.nonce, parts.box, document["key_id"].encode("ascii"))


def _stretch(passphrase: str, salt: bytes) -> bytes:
    secret = passphrase.encode("utf-8", "surrogatepass")
    return hashlib.scrypt(secret, salt=salt, dklen=32, maxmem=_SCRYPT_MEMORY, **_SCRYPT)


def _write_key(path: Path, suite: str, seed: bytes, passphrase: str | None) -> None:
    key_id = SigningKey.from_seed(suite, seed).key_id
    document: dict[str, Any] = {"format": _FORMAT, "key_id": key_id, "suite": suite}
    if passphrase is None:
        document["seed"] = base64_encode(seed)
    else:
        salt, nonce = secrets.token_bytes(_SALT_SIZE), secrets.token_bytes(_NONCE_SIZE)
        box = AESGCM(_stretch(passphrase, salt)).encrypt(nonce, seed, key_id.encode("ascii"))
        parts = {"salt": salt, "nonce": nonce, "box": box}
        document["sealed"] = {name: base64_encode(part) for name, part in parts.items()}
    write_whole(path, json.dumps(document).encode(), mode=0o600)
