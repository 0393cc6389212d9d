"""Another node, as a caller sees it over HTTP: signed requests, bounded answers, counted bytes."""

from __future__ import annotations

import json
import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import httpx

from lodestamp.core.encoding import address_of
from lodestamp.core.keys import Signer
from lodestamp.core.operations import OP_SIZE_MAX
from lodestamp.errors import PeerError, SnapshotGoneError, UsageError
from lodestamp.node.sync.limits import ANSWER_SIZE_MAX, VECTOR_SIZE_MAX
from lodestamp.node.sync.signed_request import NONCE_SIZE, Asked, sign_request

CONNECT_S_MAX: Final = 10
"""Seconds to reach a peer."""
SILENCE_S_MAX: Final = 120
"""Seconds between two pieces of an answer: a large set's first symbols take a peer several."""
LINE_SIZE_MAX: Final = max(OP_SIZE_MAX, VECTOR_SIZE_MAX)
"""Bytes of one line: an operation, or a last line with a vector."""
_PROBLEM_SIZE_MAX: Final = 64 << 10
_CODE_LENGTH_MAX: Final = 64


class Peer:
    """One node at an address. Use it as a context manager; not from two threads at once."""

    def __init__(
        self, url: str, signer: Signer, *, clock: Callable[[], int], cap: str | None = None
    ) -> None:
        """Ask in the name of `signer`, under a grant where `cap` names one.

        `clock` gives Unix milliseconds. UsageError ``bad-peer`` unless the address is
        ``http://HOST[:PORT]`` or the same with https.
        """
        self.url, self._host = _address(url)
        self.bytes_sent = 0
        self.bytes_received = 0
        self.requests = 0
        self._signer = signer
        self._clock = clock
        self._cap = cap
        timeout = httpx.Timeout(SILENCE_S_MAX, connect=CONNECT_S_MAX)
        # no settings of the environment: nothing but the named peer is ever asked
        self._client = httpx.Client(timeout=timeout, trust_env=False)

    def get(self, target: str, *, size_max: int = ANSWER_SIZE_MAX) -> bytes:
        """Return the answer to a GET; errors as `ask`."""
        return self._whole("GET", target, b"", size_max)

    def post(self, target: str, body: bytes, *, size_max: int = ANSWER_SIZE_MAX) -> bytes:
        """Return the answer to a POST.

        PeerError ``unreachable``, ``cut-short``, ``too-large`` above `size_max`, or the code of the
        peer's refusal; SnapshotGoneError when the peer says so.
        """
        return self._whole("POST", target, body, size_max)

    def lines(self, method: str, target: str, body: bytes = b"") -> Iterator[bytes]:
        """Yield the lines of an answer as they come, without newlines; errors as `post`."""
        with self._asking(method, target, body) as response:
            rest = b""
            for piece in response.iter_bytes():
                *lines, rest = (rest + piece).split(b"\n")
                yield from lines
                if len(rest) > LINE_SIZE_MAX:
                    raise PeerError("too-large", "a line of its answer is too long")
        if rest:
            raise PeerError("cut-short", "its answer was cut short")

    def _whole(self, method: str, target: str, body: bytes, size_max: int) -> bytes:
        with self._asking(method, target, body) as response:
            return _bounded(response, size_max)

    @contextmanager
    def _asking(self, method: str, target: str, body: bytes) -> Iterator[httpx.Response]:
        asked = Asked(method, self._host, target, address_of(body))
        nonce = secrets.token_bytes(NONCE_SIZE)
        header = sign_request(self._signer, asked, ts=self._clock(), nonce=nonce, cap=self._cap)
        headers = {"Authorization": header, "Host": self._host}
        self.requests += 1
        self.bytes_sent += len(body)
        try:
            with self._client.stream(
                method, self.url + target, content=body, headers=headers
            ) as response:
                try:
                    if response.status_code != httpx.codes.OK:
                        raise _refusal(response)
                    yield response
                finally:
                    self.bytes_received += response.num_bytes_downloaded
        except (httpx.RemoteProtocolError, httpx.ReadError, httpx.DecodingError) as error:
            raise PeerError("cut-short", f"its answer was cut short ({error})") from error
        except httpx.HTTPError as error:
            hint = "is it running, and is the address right?"
            raise PeerError("unreachable", f"{self.url}: {error}", hint=hint) from error
        except httpx.InvalidURL as error:
            raise UsageError(f"{self.url}: {error}", code="bad-peer") from error

    def close(self) -> None:
        """Let the connection go."""
        self._client.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _trace: TracebackType | None,
    ) -> None:
        self.close()


def _address(url: str) -> tuple[str, str]:
    """Return scheme with authority, and the authority as the Host header spells it."""
    text = url if "://" in url else f"http://{url}"
    try:
        parts = urlsplit(text)
        port = parts.port
    except ValueError:
        raise _no_peer(url) from None
    plain = parts.scheme in {"http", "https"} and parts.hostname and parts.path in {"", "/"}
    if not plain or parts.query or parts.fragment or "@" in parts.netloc or not text.isascii():
        raise _no_peer(url)
    host = parts.netloc.lower()
    if port == {"http": 80, "https": 443}[parts.scheme]:
        host = host.rpartition(":")[0]
    return f"{parts.scheme}://{host}", host


def _no_peer(url: str) -> UsageError:
    hint = "such as http://127.0.0.1:8470 or https://example.org"
    return UsageError(f"{url[:200]!r} is no peer's address", code="bad-peer", hint=hint)


def _bounded(response: httpx.Response, size_max: int) -> bytes:
    pieces: list[bytes] = []
    size = 0
    for piece in response.iter_bytes():
        size += len(piece)
        if size > size_max:
            raise PeerError("too-large", f"its answer has more than {size_max:,} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _refusal(response: httpx.Response) -> PeerError | SnapshotGoneError:
    """Return the error that a problem document says, in words that are ours where it says none."""
    try:
        document = json.loads(_bounded(response, _PROBLEM_SIZE_MAX))
        code, detail = document["code"], document["detail"]
    except (ValueError, TypeError, KeyError, RecursionError, PeerError):
        code = detail = None
    if not isinstance(code, str) or not isinstance(detail, str) or len(code) > _CODE_LENGTH_MAX:
        return PeerError("refused", f"it answered with status {response.status_code}")
    if code == SnapshotGoneError.default_code:
        return SnapshotGoneError(f"the peer: {detail[:500]}")
    return PeerError(code, detail[:500])
