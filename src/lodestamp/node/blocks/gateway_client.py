"""Fetching from trustless gateways: any of several, none of them believed (content spec R119).

Gateways are those that were configured; a redirect is not followed. Every block is checked against
the CID that was asked for. A gateway that fails or gives other bytes is passed over and asked last
from then on, and the error names it.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Final, Self, TypeVar

import httpx

from lodestamp.core.content import (
    BLOCK_SIZE_MAX,
    Block,
    CarLimits,
    IpnsRecord,
    PieceStream,
    car,
    ipns,
)
from lodestamp.core.encoding import Cid
from lodestamp.errors import (
    BlockMismatch,
    CarError,
    ContentError,
    IpnsError,
    LimitExceeded,
    RemoteError,
    UsageError,
)
from lodestamp.node.blocks.remote import Remote

GATEWAYS_MAX: Final = 16
"""Gateways one client asks: each may be silent for half a minute."""
_RAW: Final = {"accept": "application/vnd.ipld.raw"}
_CAR: Final = {"accept": "application/vnd.ipld.car; version=1; order=dfs; dups=n"}
_RECORD: Final = {"accept": "application/vnd.ipfs.ipns-record"}
_NOT_FOUND: Final = 404

_Answer = TypeVar("_Answer")


class GatewayClient:
    """Trustless gateways, asked in turn. Thread-safe; close it, or use it as a context manager."""

    def __init__(self, urls: Sequence[str]) -> None:
        """Prepare; nothing is asked yet. UsageError without a URL, or for one we do not dial."""
        if not urls:
            raise UsageError("no gateway is named", hint="--gateway https://…")
        if len(urls) > GATEWAYS_MAX:
            raise LimitExceeded("the number of gateways", GATEWAYS_MAX, len(urls))
        self._order = [Remote(url) for url in urls]
        self._lock = threading.Lock()

    @property
    def urls(self) -> tuple[str, ...]:
        """The gateways in the order in which they would be asked now."""
        with self._lock:
            return tuple(remote.url for remote in self._order)

    def block(self, cid: Cid) -> bytes:
        """Fetch one block. The error of the last gateway when none has it."""
        return self._first(lambda remote: _block(remote, cid))

    def find_block(self, cid: Cid) -> bytes | None:
        """Fetch one block as `block`; None when the last gateway says that it has none."""
        try:
            return self.block(cid)
        except RemoteError as error:
            if error.status == _NOT_FOUND:
                return None
            raise

    def record(self, name: str, now_ns: int) -> IpnsRecord:
        """Fetch and verify the IPNS record of a name; the last gateway's error when none has it."""
        return self._first(lambda remote: _record(remote, name, now_ns))

    def car_of(self, cid: Cid) -> AbstractContextManager[Iterator[Block]]:
        """Give the blocks of a whole DAG, as `car`."""
        return self.car(str(cid))

    @contextmanager
    def car(
        self, path: str, *, scope: str = "all", limits: CarLimits | None = None
    ) -> Iterator[Iterator[Block]]:
        """Give the blocks of ``CID[/path]`` while they come in, each checked against its own CID.

        `scope` is ``block``, ``entity`` or ``all``. Whether they are the right ones, and all of
        them, is for who walks the DAG: a CAR may end early. The first gateway that answers is used
        to its end; RemoteError or CarError then, BlockMismatch for a block with other bytes.
        """
        with ExitStack() as stack:
            response, remote = self._first(
                lambda each: (stack.enter_context(_asking_for_car(each, path, scope)), each)
            )
            try:
                yield iter(car.read(PieceStream(response.iter_bytes()), limits))
            except (BlockMismatch, CarError, RemoteError) as error:
                self._put_last(remote)
                raise _blame(remote, error) from error

    def close(self) -> None:
        """Let the connections go."""
        for remote in self._order:
            remote.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _first(self, ask: Callable[[Remote], _Answer]) -> _Answer:
        """Return what the first gateway gives that does give; the others move to the end."""
        with self._lock:
            order = tuple(self._order)
        for remote in order[:-1]:
            try:
                return ask(remote)
            except ContentError:
                self._put_last(remote)
        try:
            return ask(order[-1])
        except ContentError as error:
            raise _blame(order[-1], error) from error

    def _put_last(self, remote: Remote) -> None:
        with self._lock:
            self._order.remove(remote)
            self._order.append(remote)


def _block(remote: Remote, cid: Cid) -> bytes:
    try:
        data = remote.ask("GET", f"/ipfs/{cid}", headers=_RAW, size_max=BLOCK_SIZE_MAX)
    except LimitExceeded as error:
        raise BlockMismatch(str(cid), error.message, code="block.too-big") from None
    if not cid.matches(data):
        raise BlockMismatch(str(cid), "its bytes are not those it names")
    return data


def _record(remote: Remote, name: str, now_ns: int) -> IpnsRecord:
    try:
        record = remote.ask("GET", f"/ipns/{name}", headers=_RECORD, size_max=ipns.RECORD_SIZE_MAX)
    except LimitExceeded as error:
        raise IpnsError(error.message, code="ipns.size") from None
    return ipns.verify(name, record, now_ns)


def _asking_for_car(
    remote: Remote, path: str, scope: str
) -> AbstractContextManager[httpx.Response]:
    return remote.streaming("GET", f"/ipfs/{path}", {"dag-scope": scope}, headers=_CAR)


def _blame(remote: Remote, error: ContentError) -> ContentError:
    """Name the gateway in an error that does not name it yet."""
    if remote.url in error.message:
        return error
    status = error.status if isinstance(error, RemoteError) else None
    return RemoteError(f"{remote.url}: {error.message}", code=error.code, status=status)
