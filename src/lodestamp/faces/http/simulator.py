"""The simulator's JSON-RPC over HTTP, on loopback, behind a cookie file (bitcoin spec R37).

The dispatcher is `lodestamp.node.chains.SimulatorRpc`.
"""

from __future__ import annotations

from pathlib import Path

from lodestamp.errors import UsageError
from lodestamp.faces.http.rpc import RpcServer, is_loopback
from lodestamp.node.chains import RPC_BODY_MAX, RpcReply, SimulatorRpc


class SimulatorServer(RpcServer):
    """A listener for one simulator; as `RpcServer`.

    UsageError for a host that is not loopback, unless `anywhere`.
    """

    def __init__(
        self, rpc: SimulatorRpc, host: str, port: int, cookie: Path, *, anywhere: bool = False
    ) -> None:
        if not anywhere and not is_loopback(host):
            hint = "whoever reaches it owns the chain; --i-know listens there all the same"
            raise UsageError(f"{host} is not loopback", hint=hint)
        self._rpc = rpc
        super().__init__(self._answer, host, port, cookie=cookie, body_size_max=RPC_BODY_MAX)

    def _answer(self, body: bytes) -> RpcReply:
        reply = self._rpc.handle(body)
        if self._rpc.is_stopping:
            self.stop()
        return reply
