"""JSON-RPC to a Bitcoin node: authentication, exact amounts, bounded replies, retries (R29).

Secrets stay here: no error and no `repr` quotes a password or a cookie.
"""

from __future__ import annotations

import json
import os
import ssl
import stat
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, Final

import httpx

from lodestamp.errors import (
    ChainAuthError,
    ChainError,
    ChainNotFound,
    ChainRejected,
    ChainRpcError,
    ChainUnavailable,
    ChainWarmup,
)
from lodestamp.node.chains.reasons import script_error_in

REPLY_SIZE_MAX: Final = 64 << 20
"""Bytes of one reply: a block of four million bytes with everything it spends, several times."""
RPC_TIMEOUT_S: Final = 30.0
"""Seconds one call may take."""
COOKIE_SIZE_MAX: Final = 1024
"""Bytes of a cookie file; bitcoind's has 75."""

_RETRY_DELAYS_S: Final = (0.2, 0.8, 3.2)
_NOT_FOUND: Final = frozenset({-5, -8})
_REJECTED: Final = frozenset({-25, -26})
_WARMUP: Final = -28
_SATOSHIS: Final = 100_000_000
_DECIMALS: Final = Decimal(1).scaleb(-8)

Credentials = Callable[[], tuple[str, str]]
"""Gives user and password anew for each connection, as a cookie changes with each start."""


def cookie_credentials(path: Path) -> Credentials:
    """Return what reads ``user:secret`` from a cookie file; ChainAuthError when it cannot."""

    def read() -> tuple[str, str]:
        try:
            with path.open("rb") as file:
                text = file.read(COOKIE_SIZE_MAX).decode("ascii").strip()
        except (OSError, UnicodeDecodeError) as error:
            raise ChainAuthError(f"the cookie file {path} cannot be read") from error
        user, colon, secret = text.partition(":")
        if not colon:
            raise ChainAuthError(f"{path} is no cookie file")
        return user, secret

    return read


def is_readable_by_others(path: Path) -> bool:
    """Tell whether the group or anyone may read a cookie file; False where there is none."""
    try:
        return os.name == "posix" and bool(path.stat().st_mode & (stat.S_IRGRP | stat.S_IROTH))
    except OSError:
        return False


@dataclass(frozen=True, slots=True)
class RpcFailure:
    """The error member of a reply."""

    code: int
    message: str


class RpcClient:
    """Calls to one node over one connection pool; safe to share among threads."""

    def __init__(
        self,
        url: str,
        credentials: Credentials,
        *,
        verify: ssl.SSLContext | bool = True,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._url = url
        self._credentials = credentials
        self._auth: httpx.BasicAuth | None = None
        self._sleep = sleep
        self._http = httpx.Client(
            timeout=RPC_TIMEOUT_S, follow_redirects=False, verify=verify, trust_env=False
        )

    def __repr__(self) -> str:
        return f"RpcClient({self._url!r})"

    def close(self) -> None:
        """Release the connections."""
        self._http.close()

    def call(self, method: str, *params: Any, retry: bool = True) -> Any:
        """Return the result of a call; amounts come as Decimal.

        ChainUnavailable, ChainAuthError, ChainWarmup, ChainNotFound (-5, -8), ChainRejected (-25,
        -26), else ChainRpcError. Without `retry` a lost connection is not tried again.
        """
        delays = iter(_RETRY_DELAYS_S if retry else ())
        while True:
            try:
                return self._once(method, params)
            except (ChainUnavailable, ChainWarmup):
                delay = next(delays, None)
                if delay is None:
                    raise
                self._sleep(delay)

    def _once(self, method: str, params: Sequence[Any]) -> Any:
        request = {"jsonrpc": "1.0", "id": 1, "method": method, "params": list(params)}
        body = json.dumps(request, default=_plain).encode()
        status, reply = self._post(body)
        if status == httpx.codes.UNAUTHORIZED:
            self._auth = None  # the node has started anew and wrote another cookie
            status, reply = self._post(body)
        if status in (httpx.codes.UNAUTHORIZED, httpx.codes.FORBIDDEN):
            raise ChainAuthError("the node does not accept our user and password")
        if 300 <= status < 400:
            raise ChainRpcError(0, "the node redirects to another place, which is refused")
        document = _parsed(reply, status)
        failure = document.get("error")
        if failure is not None:
            raise _error(_failure(failure))
        if "result" not in document:
            raise ChainRpcError(0, f"inconsistent reply to {method}: no result")
        return document["result"]

    def _post(self, body: bytes) -> tuple[int, bytes]:
        if self._auth is None:
            self._auth = httpx.BasicAuth(*self._credentials())
        headers = {"Content-Type": "application/json"}
        try:
            with self._http.stream(
                "POST", self._url, content=body, headers=headers, auth=self._auth
            ) as response:
                parts, size = [], 0
                for part in response.iter_bytes():
                    size += len(part)
                    if size > REPLY_SIZE_MAX:
                        raise ChainRpcError(0, f"a reply of more than {REPLY_SIZE_MAX:,} bytes")
                    parts.append(part)
                return response.status_code, b"".join(parts)
        except (httpx.HTTPError, httpx.InvalidURL, OSError) as error:
            message = f"no answer from {self._url}: {type(error).__name__}"
            raise ChainUnavailable(message) from None  # its request would carry the password


def satoshis(amount: object) -> int:
    """Return an amount of RPC JSON, in bitcoins, as satoshis; ChainRpcError unless it is exact."""
    if isinstance(amount, bool) or not isinstance(amount, int | Decimal):
        raise ChainRpcError(0, "inconsistent: an amount is no number")
    value = Decimal(amount)
    if not value.is_finite() or abs(value) > 21_000_000 or value % _DECIMALS:
        raise ChainRpcError(0, "inconsistent: an amount is no number of satoshis")
    return int(value * _SATOSHIS)


def bitcoins(amount: int) -> Decimal:
    """Return satoshis as the decimal of bitcoins that RPC JSON wants."""
    return Decimal(amount).scaleb(-8)


def _plain(value: object) -> object:
    if isinstance(value, Decimal):
        return float(value)  # eight decimals survive the way there and back
    raise TypeError(type(value).__name__)


def _parsed(reply: bytes, status: int) -> dict[str, Any]:
    try:
        document = json.loads(reply, parse_float=Decimal, parse_constant=_refuse_constant)
    except (ValueError, RecursionError, InvalidOperation):
        if status == httpx.codes.SERVICE_UNAVAILABLE:
            raise ChainUnavailable("the node is too busy") from None
        raise ChainRpcError(0, f"the node answers {status} and no JSON") from None
    if not isinstance(document, dict):
        raise ChainRpcError(0, "inconsistent: the reply is no object")
    return document


def _refuse_constant(text: str) -> object:
    raise ValueError(text)


def _failure(failure: object) -> RpcFailure:
    if not isinstance(failure, dict) or not isinstance(failure.get("code"), int):
        raise ChainRpcError(0, "inconsistent: an error without a code")
    return RpcFailure(failure["code"], str(failure.get("message", ""))[:1000])


def _error(failure: RpcFailure) -> ChainError:
    if failure.code == _WARMUP:
        return ChainWarmup(failure.message)
    if failure.code in _NOT_FOUND:
        return ChainNotFound(failure.message)
    if failure.code in _REJECTED:
        return ChainRejected(failure.message, script_error=script_error_in(failure.message))
    return ChainRpcError(failure.code, failure.message)
