"""Who may ask a node: signed requests that are fresh and new, by an owner or under a grant.

There is no other way in, on loopback neither: a browser and every user of the machine reach that.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable
from typing import Final

from lodestamp.core.keys import KeyId
from lodestamp.errors import AccessError
from lodestamp.node.sync.signed_request import SignedRequest

REQUEST_AGE_MS_MAX: Final = 60_000
"""Milliseconds between a request's `ts` and our clock: slow links, and clocks half a minute off."""
NONCES_MAX: Final = 100_000
"""Nonces remembered at once; more requests within two minutes are told to come again later."""
SYNC_COMMAND: Final = "/sync"

MayAct = Callable[[KeyId, str, str, int], bool]
"""Whether a key may use a command under the grant of this id, at a time in Unix seconds."""


class Access:
    """Decides who asks and whether they may. Thread-safe; one for each process that listens."""

    def __init__(
        self, is_owner: Callable[[KeyId], bool], *, clock: Callable[[], int], may_act: MayAct
    ) -> None:
        """Let owners do everything; `clock` gives Unix milliseconds."""
        self._is_owner = is_owner
        self._clock = clock
        self._may_act = may_act
        self._started = clock()
        self._nonces: OrderedDict[tuple[KeyId, bytes], int] = OrderedDict()
        self._lock = threading.Lock()

    def admit(self, request: SignedRequest) -> None:
        """Take a request that is fresh and was never seen; remember it.

        AccessError ``stale-request`` for one outside of a minute, or signed before this process
        could remember; ``replayed-request``; ``busy`` when too many are remembered.
        """
        now = self._clock()
        if abs(now - request.ts) > REQUEST_AGE_MS_MAX or request.ts < self._started:
            hint = "check both clocks; after a restart, ask again"
            raise AccessError("the request is not of this minute", code="stale-request", hint=hint)
        seen = (request.key_id, request.nonce)
        with self._lock:
            self._forget(now)
            if seen in self._nonces:
                raise AccessError("the request was made before", code="replayed-request")
            if len(self._nonces) >= NONCES_MAX:
                raise AccessError("too many requests", code="busy", hint="ask again later")
            self._nonces[seen] = now

    def require_owner(self, request: SignedRequest, command: str = SYNC_COMMAND) -> None:
        """Let an owner pass, or whoever holds a grant of this command (operations spec §11).

        AccessError ``forbidden`` for everybody else.
        """
        if self._is_owner(request.key_id):
            return
        now_s = self._clock() // 1000
        if request.cap is None or not self._may_act(request.key_id, command, request.cap, now_s):
            hint = "its owner can name this key under `peers` in config.toml"
            raise AccessError(f"{request.key_id} may not ask this", code="forbidden", hint=hint)

    def _forget(self, now: int) -> None:
        """Drop what is too old to pass again; entries stand in the order in which they came."""
        oldest = now - 2 * REQUEST_AGE_MS_MAX
        while self._nonces:
            seen, came = next(iter(self._nonces.items()))
            if came >= oldest:
                return
            del self._nonces[seen]
