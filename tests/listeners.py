"""Nodes that listen: a real home served on a real loopback port, in a thread."""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

import lodestamp
from lodestamp.core.encoding import address_of
from lodestamp.core.keys import Signer
from lodestamp.faces.http import Address, Listener, choose_mounts, make_application
from lodestamp.node.clock import now_ms
from lodestamp.node.sync import Asked, sign_request


@dataclass(frozen=True)
class Served:
    """A node and where it listens."""

    node: lodestamp.Node
    address: Address

    @property
    def url(self) -> str:
        """What a person would type."""
        return f"http://{self.address}"

    def ask(self, signer: Signer, method: str, target: str, body: bytes = b"", **changed):
        """Send a signed request; `changed` replaces what is signed, to be refused."""
        asked = Asked(method, changed.pop("host", str(self.address)), target, address_of(body))
        said = {"ts": now_ms(), "nonce": secrets.token_bytes(16), **changed}
        header = sign_request(signer, asked, **said)
        return self.send(method, target, body, header)

    def send(self, method: str, target: str, body: bytes, header: str | None):
        """Send a request with this header, or with none."""
        headers = {} if header is None else {"Authorization": header}
        return httpx.request(method, self.url + target, content=body, headers=headers)


@contextmanager
def served(node: lodestamp.Node, *mounts: str) -> Iterator[Served]:
    """Serve a node on a free port until the block ends; with no mount named, all of them."""
    listener = Listener.bind(Address("127.0.0.1", 0))
    hosts = listener.address.names | set(node.configuration.hosts)
    application = make_application(node, choose_mounts(mounts), hosts)
    thread = threading.Thread(target=listener.run, args=(application,), daemon=True)
    thread.start()
    try:
        yield Served(node, listener.address)
    finally:
        listener.stop()
        thread.join(timeout=20)
        assert not thread.is_alive()
