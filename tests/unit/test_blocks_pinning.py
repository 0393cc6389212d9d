"""Requests of tenants and the pin that stands for all of them (content spec R122)."""

from __future__ import annotations

import threading

from lodestamp.core.content import add_bytes, get_profile
from lodestamp.node.blocks import PinRequest
from lodestamp.node.blocks.pinning import PinningService
from stores import audited_store, put

ROOT, BLOCKS = add_bytes(b"kept for tenants", get_profile("unixfs-v1-2025"))
REQUEST = PinRequest(ROOT.cid)


def test_R122_a_replacement_for_the_same_content_never_lets_it_go(tmp_path):
    with audited_store(tmp_path) as store:
        put(store, BLOCKS)
        service = PinningService(store, lambda _cid: None)
        first = service.add("ann", REQUEST)
        assert service.work()
        second = service.replace("ann", first.id, PinRequest(ROOT.cid, name="renamed"))
        assert [pin.cid for pin in store.pins()] == [ROOT.cid]
        assert service.work()
        assert service.get("ann", second.id).progress == "pinned"
        service.remove("ann", second.id)
        assert store.pins() == []


def test_R122_content_that_another_tenant_waits_for_is_not_let_go(tmp_path):
    with audited_store(tmp_path) as store:
        put(store, BLOCKS)
        service = PinningService(store, lambda _cid: None)
        first = service.add("ann", REQUEST)
        assert service.work()
        second = service.add("bob", REQUEST)
        service.remove("ann", first.id)
        assert [pin.cid for pin in store.pins()] == [ROOT.cid]
        service.remove("bob", second.id)  # it was still queued: now nobody wants it
        assert store.pins() == []


def test_closing_ends_a_long_fetch_and_leaves_its_request_open(tmp_path):
    with audited_store(tmp_path) as store:
        begun = threading.Event()

        def fetch(_cid):
            begun.set()
            for at in range(2_000):  # blocks that come slowly
                threading.Event().wait(0.01)
                service.require_running(at, 2_000)

        service = PinningService(store, fetch)
        request = service.add("ann", REQUEST)
        service.start()
        assert begun.wait(5)
        closing = threading.Thread(target=service.close, daemon=True)
        closing.start()
        closing.join(5)
        assert not closing.is_alive()
        assert service.get("ann", request.id).progress == "pinning"
