"""Asking another program over HTTP for blocks and pins: bounded, unredirected, never believed.

A base URL is https, or http to this very machine. Answers are read up to a bound; whatever they
hold is checked by the caller against the CID it asked for.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import TracebackType
from typing import Any, Final, Self

import httpx
import orjson

from lodestamp.errors import LimitExceeded, RemoteError, UsageError

ANSWER_SIZE_MAX: Final = 8 << 20
"""Bytes of an answer that is read as a whole: 1,000 pins with full metadata, four blocks."""
SILENCE_S_MAX: Final = 30
"""Seconds without a byte after which a peer is given up."""
REASON_SIZE_MAX: Final = 500
"""Characters quoted of what a peer says about an error."""

Parameter = str | int | bool | None
"""A value in a query; True and False are spelled ``true`` and ``false``, None is left out."""


class Remote:
    """One HTTP service under one base URL. Thread-safe; close it, or use it as a context manager.

    `auth` is a bearer token, or ``user:password``. It never appears in an error or a repr.
    """

    def __init__(
        self, url: str, auth: str | None = None, *, silence_s: float = SILENCE_S_MAX
    ) -> None:
        """Prepare; nothing is asked yet. UsageError for a URL we do not dial."""
        self.url = require_url(url)
        headers = {"user-agent": "lodestamp"}
        basic: httpx.BasicAuth | None = None
        if auth is not None and ":" in auth:
            user, _, password = auth.partition(":")
            basic = httpx.BasicAuth(user, password)
        elif auth is not None:
            headers["authorization"] = f"Bearer {auth}"
        self._client = httpx.Client(
            base_url=self.url,
            headers=headers,
            auth=basic,
            follow_redirects=False,
            timeout=silence_s,
            trust_env=False,
        )

    def __repr__(self) -> str:
        return f"<Remote {self.url}>"

    @contextmanager
    def streaming(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, Parameter | Sequence[str]] | None = None,
        **request: Any,
    ) -> Iterator[httpx.Response]:
        """Ask, and give the answer while its body is still to be read.

        RemoteError ``remote.unreachable`` when nobody answers or the line breaks, and
        ``remote.refused`` for any status but 2xx.
        """
        try:
            with self._client.stream(
                method, path, params=_query(parameters or {}), **request
            ) as response:
                if not response.is_success:
                    raise self._refusal(response)
                yield response
        except httpx.HTTPError as error:
            message = f"{self.url}: {str(error) or type(error).__name__}"
            raise RemoteError(message, code="remote.unreachable") from error

    def ask(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, Parameter | Sequence[str]] | None = None,
        *,
        size_max: int = ANSWER_SIZE_MAX,
        **request: Any,
    ) -> bytes:
        """Return the whole body of an answer; LimitExceeded beyond `size_max`, else `streaming`."""
        with self.streaming(method, path, parameters, **request) as response:
            return read_all(response, size_max)

    def exchange(
        self, method: str, path: str, *, size_max: int, **request: Any
    ) -> tuple[int, bytes]:
        """Return status and body of an answer, whatever its status.

        RemoteError ``remote.unreachable`` when there is none, LimitExceeded beyond `size_max`.
        """
        try:
            with self._client.stream(method, path, **request) as response:
                return response.status_code, read_all(response, size_max)
        except httpx.HTTPError as error:
            message = f"{self.url}: {str(error) or type(error).__name__}"
            raise RemoteError(message, code="remote.unreachable") from error

    def ask_json(
        self,
        method: str,
        path: str,
        parameters: Mapping[str, Parameter | Sequence[str]] | None = None,
        **request: Any,
    ) -> Any:
        """Return the JSON of an answer; RemoteError ``remote.malformed`` when it is none."""
        return self.parse(self.ask(method, path, parameters, **request))

    def parse(self, data: bytes) -> Any:
        """Return the JSON value of `data`; RemoteError ``remote.malformed`` when it is none."""
        try:
            return orjson.loads(data)
        except orjson.JSONDecodeError as error:
            raise self.malformed(f"no JSON: {error}") from None

    def malformed(self, why: str) -> RemoteError:
        """Return the error for an answer that does not say what it should."""
        return RemoteError(f"{self.url} answered {why}", code="remote.malformed")

    def close(self) -> None:
        """Let the connections go."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def _refusal(self, response: httpx.Response) -> RemoteError:
        try:
            said = read_all(response, ANSWER_SIZE_MAX).decode("utf-8", "replace")
        except LimitExceeded:
            said = ""
        reason = " ".join(said.split())[:REASON_SIZE_MAX]
        message = f"{self.url} answered {response.status_code} {reason}".rstrip()
        return RemoteError(message, code="remote.refused", status=response.status_code)


def require_url(url: str) -> str:
    """Return a base URL without its last slash; UsageError ``bad-url`` unless we may dial it.

    Plain http is for this machine alone: anyone between could read a token.
    """
    try:
        parsed = httpx.URL(url)
    except (httpx.InvalidURL, TypeError):
        parsed = httpx.URL("")
    hint = "https://host[:port], or http://127.0.0.1:port for this machine"
    if not parsed.host or parsed.scheme not in {"http", "https"} or parsed.query or parsed.fragment:
        raise UsageError(f"{url!r:.200} is no address of a service", code="bad-url", hint=hint)
    if parsed.userinfo:
        message = "a password in a URL ends up in logs"
        raise UsageError(message, code="bad-url", hint="give it as --auth, or in the environment")
    if parsed.scheme == "http" and not _is_loopback(parsed.host):
        raise UsageError(f"{url!r:.200} is not encrypted", code="bad-url", hint=hint)
    return url.rstrip("/")


def read_all(response: httpx.Response, size_max: int) -> bytes:
    """Read a body of at most `size_max` bytes; LimitExceeded as soon as there is one more."""
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_bytes():
        size += len(piece)
        if size > size_max:
            raise LimitExceeded("the size of a peer's answer in bytes", size_max, size)
        pieces.append(piece)
    return b"".join(pieces)


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _query(parameters: Mapping[str, Parameter | Sequence[str]]) -> httpx.QueryParams:
    spelled: list[tuple[str, str]] = []
    for name, value in parameters.items():
        if isinstance(value, bool):
            spelled.append((name, "true" if value else "false"))
        elif isinstance(value, str | int):
            spelled.append((name, str(value)))
        elif value is not None:
            spelled.extend((name, each) for each in value)
    return httpx.QueryParams(tuple(spelled))
