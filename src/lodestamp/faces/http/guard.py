"""The door of a listener: whose request this is, whether it was meant for us, and may be asked."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from anyio import to_thread
from litestar import Request

from lodestamp.core.encoding import address_of
from lodestamp.core.keys import KeyId
from lodestamp.errors import AccessError
from lodestamp.faces.http.body import BODY_SIZE_MAX, read_body
from lodestamp.node.sync import SYNC_COMMAND, Access, Asked, SignedRequest, parse_request


class Guard:
    """Checks signed requests against what really came in."""

    def __init__(self, access: Access, hosts: frozenset[str]) -> None:
        self._access = access
        self._hosts = hosts

    async def owner(
        self,
        request: Request[Any, Any, Any],
        *,
        command: str = SYNC_COMMAND,
        size_max: int = BODY_SIZE_MAX,
    ) -> bytes:
        """Return the body of a request by a root, or under a grant of `command`.

        The signature is checked before the body is read. AccessError when it is not theirs to ask,
        LimitExceeded above `size_max`.
        """
        signed = self._signed(request)
        await to_thread.run_sync(self._access.require_owner, signed, command)
        self._access.admit(signed)
        return await self._body(request, signed, size_max)

    async def pusher(
        self,
        request: Request[Any, Any, Any],
        may_send: Callable[[KeyId, str], bool],
        *,
        size_max: int,
    ) -> tuple[bytes, SignedRequest, bool]:
        """Return a body that is pushed, who asks, and whether that is a delegate only.

        An owner may push, and whoever `may_send` under the grant it names. AccessError
        ``forbidden`` for everybody else, LimitExceeded above `size_max`.
        """
        signed = self._signed(request)
        delegate = False
        try:
            self._access.require_owner(signed)
        except AccessError:
            cap_id = signed.cap
            if cap_id is None or not await to_thread.run_sync(may_send, signed.key_id, cap_id):
                raise
            delegate = True
        self._access.admit(signed)
        return await self._body(request, signed, size_max), signed, delegate

    async def audience(
        self, request: Request[Any, Any, Any], may_see: Callable[[KeyId], bool]
    ) -> SignedRequest:
        """Return who asks, for what is meant for that key; AccessError ``not-found`` if it is not.

        Only then is the request remembered: strangers cannot fill the memory of what was asked.
        """
        signed = self._signed(request)
        if not await to_thread.run_sync(may_see, signed.key_id):
            raise AccessError("there is no such thing for this key", code="not-found")
        self._access.admit(signed)
        await self._body(request, signed, BODY_SIZE_MAX)
        return signed

    def _signed(self, request: Request[Any, Any, Any]) -> SignedRequest:
        signed = parse_request(request.headers.get("authorization"))
        query = request.scope["query_string"].decode("latin-1")
        path = request.scope["raw_path"].decode("latin-1")
        target = f"{path}?{query}" if query else path
        host = request.headers.get("host", "")
        asked = Asked(request.method, host, target, signed.asked.body)
        if host not in self._hosts or signed.asked != asked:
            hint = "a node answers to its own address, and to `hosts` in config.toml"
            raise AccessError("the signature is for another request", code="misdirected", hint=hint)
        return signed

    async def _body(
        self, request: Request[Any, Any, Any], signed: SignedRequest, size_max: int
    ) -> bytes:
        body = await read_body(request, size_max)
        if address_of(body) != signed.asked.body:
            raise AccessError("the body is not the one that was signed", code="misdirected")
        return body


def guard_of(request: Request[Any, Any, Any]) -> Guard:
    """Return the guard of the listener that a request came to."""
    guard: Guard = request.app.state.guard
    return guard
