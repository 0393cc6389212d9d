"""Addresses and wallet import format: scripts and secrets as people pass them on (R4).

>>> from lodestamp.core.bitcoin.network import MAIN
>>> from lodestamp.core.bitcoin.script import Script
>>> encode(Script(bytes.fromhex("5120" + "79" * 32)), MAIN)[:6]
'bc1p09'
"""

from __future__ import annotations

from typing import Final

from lodestamp.core.bitcoin.bech32 import (
    Encoding,
    bech32_decode,
    bech32_encode,
    from_base32,
    to_base32,
)
from lodestamp.core.bitcoin.hashes import sha256d
from lodestamp.core.bitcoin.network import NetworkParams
from lodestamp.core.bitcoin.script import Script
from lodestamp.core.encoding import base58btc_decode, base58btc_encode
from lodestamp.errors import EncodingError, MalformedAddress

BASE58_ADDRESS_LENGTH_MAX: Final = 112
"""Characters of a base58check text: an extended key, the longest in use, has 111."""

_CHECK_SIZE: Final = 4
_SECRET_SIZE: Final = 32
_ORDER: Final = 0xFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFFEBAAEDCE6AF48A03BBFD25E8CD0364141


def base58check_encode(payload: bytes) -> str:
    """Encode bytes with the first four of their double SHA-256 behind them."""
    return base58btc_encode(payload + sha256d(payload)[:_CHECK_SIZE])


def base58check_decode(text: str) -> bytes:
    """Return the payload of a base58check text; MalformedAddress ``base58check`` for any other."""
    if len(text) > BASE58_ADDRESS_LENGTH_MAX:
        raise MalformedAddress("base58check", "longer than any base58check text")
    try:
        data = base58btc_decode(text)
    except EncodingError:  # its sentence would quote a character of what may be a secret
        raise MalformedAddress("base58check", "a character outside base58") from None
    payload, check = data[:-_CHECK_SIZE], data[-_CHECK_SIZE:]
    if len(data) < _CHECK_SIZE or sha256d(payload)[:_CHECK_SIZE] != check:
        raise MalformedAddress("base58check", "the check does not hold: a typing error")
    return payload


def encode(script: bytes, net: NetworkParams) -> str:
    """Return the address of a standard output script on a network.

    MalformedAddress ``no-address`` for a script that has none.
    """
    raw = bytes(script)
    if len(raw) == 25 and raw[:3] == b"\x76\xa9\x14" and raw[23:] == b"\x88\xac":
        return base58check_encode(bytes([net.p2pkh_version]) + raw[3:23])
    if len(raw) == 23 and raw[:2] == b"\xa9\x14" and raw[22:] == b"\x87":
        return base58check_encode(bytes([net.p2sh_version]) + raw[2:22])
    program = _witness_program(raw)
    if program is None:
        raise MalformedAddress("no-address", "the script has no address")
    version, witness = program
    encoding = Encoding.BECH32M if version else Encoding.BECH32
    return bech32_encode(net.hrp, bytes([version]) + to_base32(witness), encoding)


def decode(text: str, net: NetworkParams) -> Script:
    """Return the output script that an address of this network stands for.

    MalformedAddress: ``bech32``, ``bech32-padding`` and ``base58check`` as the text is damaged,
    ``bech32-variant`` for the wrong check of its version, ``witness-program`` for a wrong size,
    ``wrong-network`` for an address of another one.
    """
    if text.lower().startswith(f"{net.hrp}1"):
        return _decode_segwit(text, net)
    try:
        payload = base58check_decode(text)
    except MalformedAddress:
        _refuse_foreign_segwit(text)
        raise
    if len(payload) != 21:
        raise MalformedAddress("base58check", "no hash of 20 bytes behind the version")
    if payload[0] == net.p2pkh_version:
        return Script(b"\x76\xa9\x14" + payload[1:] + b"\x88\xac")
    if payload[0] == net.p2sh_version:
        return Script(b"\xa9\x14" + payload[1:] + b"\x87")
    raise _wrong_network(net)


def wif_encode(secret: bytes, net: NetworkParams, *, compressed: bool = True) -> str:
    """Write a secret key of 32 bytes in wallet import format; MalformedAddress ``wif``."""
    _require_secret(secret)
    return base58check_encode(bytes([net.wif_version]) + secret + b"\x01" * compressed)


def wif_decode(text: str, net: NetworkParams) -> tuple[bytes, bool]:
    """Return the secret key, and whether its public key is written compressed.

    MalformedAddress: ``base58check``, ``wif`` for another shape or a number that is no key,
    ``wrong-network``. No error quotes the text.
    """
    payload = base58check_decode(text)
    if len(payload) not in (33, 34) or (len(payload) == 34 and payload[-1] != 1):
        raise MalformedAddress("wif", "not a key in wallet import format")
    if payload[0] != net.wif_version:
        raise _wrong_network(net)
    secret = payload[1:33]
    _require_secret(secret)
    return secret, len(payload) == 34


def _decode_segwit(text: str, net: NetworkParams) -> Script:
    hrp, values, encoding = bech32_decode(text)
    if hrp != net.hrp:
        raise _wrong_network(net)
    if not values or values[0] > 16:
        raise MalformedAddress("witness-program", "no witness version from 0 to 16")
    version, program = values[0], from_base32(values[1:])
    if encoding is not (Encoding.BECH32M if version else Encoding.BECH32):
        message = "version 0 takes bech32, every later one bech32m"
        raise MalformedAddress("bech32-variant", message)
    if not 2 <= len(program) <= 40 or (version == 0 and len(program) not in (20, 32)):
        raise MalformedAddress("witness-program", "a witness program of a wrong size")
    opcode = 0x50 + version if version else 0
    return Script(bytes([opcode, len(program)]) + program)


def _refuse_foreign_segwit(text: str) -> None:
    """Say that an address is of another network, where that is what is wrong with it."""
    try:
        bech32_decode(text)
    except MalformedAddress:
        return
    raise MalformedAddress("wrong-network", "the address is of another network")


def _witness_program(raw: bytes) -> tuple[int, bytes] | None:
    if not 4 <= len(raw) <= 42 or len(raw) != raw[1] + 2:
        return None
    if raw[0] == 0 and raw[1] in (20, 32):
        return 0, raw[2:]
    return (raw[0] - 0x50, raw[2:]) if 0x51 <= raw[0] <= 0x60 else None


def _wrong_network(net: NetworkParams) -> MalformedAddress:
    return MalformedAddress("wrong-network", f"this is not of the network {net}")


def _require_secret(secret: bytes) -> None:
    if len(secret) != _SECRET_SIZE or not 0 < int.from_bytes(secret, "big") < _ORDER:
        raise MalformedAddress("wif", "not a secret key of 32 bytes in range")
