"""A call of the simulator's JSON-RPC and the reading of its parameters."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final, TypeVar

from lodestamp.core.bitcoin import OutPoint
from lodestamp.node.chains.simulator.simulator import Simulator

_Kind = TypeVar("_Kind")
_REQUIRED: Final = object()


class RpcRefusal(Exception):  # noqa: N818  it is a reply on its way, not an error of ours
    """A reply that is an error: bitcoind's number and a sentence."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


@dataclass(frozen=True, slots=True)
class Call:
    """One call: the simulator, the method, its parameters, and for how many seconds it is up."""

    simulator: Simulator
    method: str
    params: tuple[Any, ...]
    uptime: int

    def param(self, place: int, kind: type[_Kind], default: Any = _REQUIRED) -> _Kind:
        """Return a parameter of its type; refusal -1 when it is missing, -3 for another type."""
        value = self.params[place] if place < len(self.params) else None
        if value is None:
            if default is _REQUIRED:
                raise RpcRefusal(-1, f"{self.method}: parameter {place + 1} is missing")
            return default  # type: ignore[no-any-return]
        if not isinstance(value, kind) or (kind is int and isinstance(value, bool)):
            raise RpcRefusal(-3, f"{self.method}: parameter {place + 1} is of another type")
        return value

    def level(self, place: int, default: int) -> int:
        """Return a verbosity, which may also be given as true or false."""
        value = self.params[place] if place < len(self.params) else default
        return int(value) if isinstance(value, bool) else self.param(place, int, default)

    def hash(self, place: int) -> bytes:
        """Return a hash parameter in internal byte order; refusal -8 unless 64 hex digits."""
        return hash_of(self.param(place, str))

    def raw(self, place: int) -> bytes:
        """Return a hex parameter; refusal -22."""
        return raw_of(self.param(place, str))


def hash_of(text: object) -> bytes:
    """Return a hash in internal byte order from 64 hex digits; refusal -8."""
    raw = raw_of(text) if isinstance(text, str) and len(text) == 64 else b""
    if len(raw) != 32:
        raise RpcRefusal(-8, "a hash has 64 hex digits")
    return raw[::-1]


def raw_of(text: object) -> bytes:
    """Return the bytes of a hex text; refusal -22."""
    try:
        if isinstance(text, str) and text.isascii() and " " not in text:
            return bytes.fromhex(text)
    except ValueError:
        pass
    raise RpcRefusal(-22, "decode failed: no hex")


def outpoint_of(each: object) -> OutPoint:
    """Return the outpoint in an object ``{txid, vout}``; refusal -8."""
    vout = each.get("vout") if isinstance(each, dict) else None
    if not isinstance(each, dict) or not isinstance(vout, int) or not 0 <= vout < 1 << 32:
        raise RpcRefusal(-8, "an output is {txid, vout}")
    return OutPoint(hash_of(each.get("txid")), vout)
