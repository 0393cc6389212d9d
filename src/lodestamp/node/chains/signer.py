"""Keys without a wallet: one secret from a file or the environment (bitcoin spec R38).

The key's coins are P2TR outputs without a script path, so that ``tr(WIF)`` sweeps them in any
wallet; where ownership is written, also outputs to the key's hash. No error and no `repr` ever
shows the secret.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Final, Protocol

from lodestamp.core.bitcoin import (
    GROUP_ORDER,
    NetworkParams,
    ecdsa_sign,
    output_key,
    public_key,
    schnorr_sign,
    tweak_hash,
    wif_decode,
    wif_encode,
)
from lodestamp.errors import FundsError, InputError
from lodestamp.node.whole import read_bounded, write_whole

WIF_FILE_SIZE_MAX: Final = 256
"""Bytes of a key file: one line of 52 characters."""

_OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO

Randomness = Callable[[int], bytes]
"""Gives so many random bytes; `secrets.token_bytes` where the system is meant."""


class BitcoinSigner(Protocol):
    """Whoever can sign with one key."""

    def xonly(self) -> bytes:
        """Return the key as it stands in leaves, 32 bytes."""
        ...

    def output_key(self) -> bytes:
        """Return the key that coins without a script path pay, 32 bytes (BIP-341)."""
        ...

    def sign_schnorr(self, msg32: bytes, *, tweaked: bool) -> bytes:
        """Sign 32 bytes with the key itself, or `tweaked`, with the output key's secret."""
        ...


class KeySigner(BitcoinSigner, Protocol):
    """Whoever can also sign as signatures were before taproot."""

    def public_key(self) -> bytes:
        """Return the public key as its coins' hash has it: 33 bytes, or 65 uncompressed."""
        ...

    def sign_ecdsa(self, digest: bytes) -> bytes:
        """Return the DER signature of 32 bytes, low S, without a hash type."""
        ...


class SecretSigner:
    """A signer that holds its secret in memory.

    `compressed` tells how the public key is written where it is written out.
    """

    def __init__(
        self, secret: bytes, randomness: Randomness = os.urandom, *, compressed: bool = True
    ) -> None:
        self._secret = secret
        self._randomness = randomness
        self._public_key = public_key(secret, compressed=compressed)
        self._xonly = public_key(secret)[1:]
        self._output_key = output_key(self._xonly)[0]

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self._xonly.hex()})"

    def xonly(self) -> bytes:
        """Return the key as it stands in leaves."""
        return self._xonly

    def output_key(self) -> bytes:
        """Return the key that plain coins pay."""
        return self._output_key

    def public_key(self) -> bytes:
        """Return the public key as its coins' hash has it."""
        return self._public_key

    def sign_ecdsa(self, digest: bytes) -> bytes:
        """Return the DER signature of 32 bytes, its nonce by RFC 6979."""
        return ecdsa_sign(digest, self._secret)

    def sign_schnorr(self, msg32: bytes, *, tweaked: bool) -> bytes:
        """Return 64 bytes (BIP-340), with fresh auxiliary randomness."""
        secret = self._tweaked_secret() if tweaked else self._secret
        return schnorr_sign(msg32, secret, self._randomness(32))

    def _tweaked_secret(self) -> bytes:
        secret = int.from_bytes(self._secret, "big")
        if public_key(self._secret)[0] == 3:  # the key with the odd y: BIP-341 signs with its twin
            secret = GROUP_ORDER - secret
        tweak = int.from_bytes(tweak_hash(self._xonly), "big")
        return ((secret + tweak) % GROUP_ORDER).to_bytes(32, "big")


class FileSigner(SecretSigner):
    """The signer of a file that holds one line of wallet import format."""

    def __init__(self, path: Path, net: NetworkParams, randomness: Randomness = os.urandom) -> None:
        secret, compressed = _read_secret(path, net)
        super().__init__(secret, randomness, compressed=compressed)


class EnvSigner(SecretSigner):
    """The signer of an environment variable that holds wallet import format."""

    def __init__(self, name: str, net: NetworkParams, randomness: Randomness = os.urandom) -> None:
        text = os.environ.get(name)
        if text is None:
            raise FundsError(f"the variable {name} is not set", code="key-missing")
        secret, compressed = _secret_in(text, net, f"the variable {name}")
        super().__init__(secret, randomness, compressed=compressed)


def make_key_file(path: Path, net: NetworkParams, randomness: Randomness = os.urandom) -> None:
    """Write a new secret to a file of mode 0600; FundsError ``key-exists`` when it is taken."""
    secret = randomness(32)
    while not 0 < int.from_bytes(secret, "big") < GROUP_ORDER:
        secret = randomness(32)
    try:
        write_whole(path, f"{wif_encode(secret, net)}\n".encode(), mode=0o600, replace=False)
    except FileExistsError:
        hint = "its coins would be lost with it; give another name"
        raise FundsError(f"{path} exists", code="key-exists", hint=hint) from None
    except OSError as error:
        raise FundsError(f"{path}: {error.strerror}", code="key-io") from error


def _read_secret(path: Path, net: NetworkParams) -> tuple[bytes, bool]:
    try:
        mode = path.stat().st_mode
        data = read_bounded(path, WIF_FILE_SIZE_MAX)
    except OSError as error:
        raise FundsError(f"{path}: {error.strerror}", code="key-missing") from error
    if mode & _OTHERS:
        raise FundsError(
            f"{path} can be read by others (mode {stat.S_IMODE(mode):04o})",
            code="key-permissions",
            hint=f"chmod 600 {path}",
        )
    try:
        text = (data or b"").decode("ascii")
    except UnicodeDecodeError:
        raise FundsError(f"{path} is no key file", code="key-damaged") from None
    return _secret_in(text, net, str(path))


def _secret_in(text: str, net: NetworkParams, place: str) -> tuple[bytes, bool]:
    try:
        return wif_decode(text.strip(), net)
    except InputError as error:
        code = "key-network" if error.code == "wrong-network" else "key-damaged"
        raise FundsError(f"{place} holds no key of the network {net}", code=code) from None
