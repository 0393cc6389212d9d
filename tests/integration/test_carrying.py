"""Whole DAGs between a store and a real kubo, and from a gateway that lies."""

from __future__ import annotations

import hashlib
import http.server
import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from kubos import Kubo, running_kubo
from lodestamp.core.content import PROFILES, Block, Root, add_bytes, car
from lodestamp.core.encoding import Cid
from lodestamp.errors import BlockMissing, LimitExceeded, LodestampError, PinError, RemoteError
from lodestamp.node.blocks.carrying import pull, push
from lodestamp.node.blocks.gateway_client import GatewayClient
from lodestamp.node.blocks.kubo import KuboClient
from lodestamp.node.blocks.pin_requests import PinQuery, PinRequest
from lodestamp.node.blocks.pinning import PinningService, Tenants
from lodestamp.node.blocks.pins import Pin
from lodestamp.node.blocks.store import BlockStore
from lodestamp.node.storage import Database


@pytest.fixture
def store(tmp_path: Path) -> Iterator[BlockStore]:
    database = Database.open(tmp_path / "home.db")
    yield BlockStore.open(tmp_path / "blocks", database)
    database.close()


@pytest.fixture(scope="module")
def kubo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Kubo]:
    with running_kubo(tmp_path_factory.mktemp("kubo")) as running:
        yield running


def a_dag(seed: str, size: int = 300_000) -> tuple[Root, list[Block]]:
    return add_bytes(random.Random(seed).randbytes(size), PROFILES["covenant-8-480"])


@contextmanager
def gateway(answers: dict[str, bytes]) -> Iterator[str]:
    """Serve what is given, by path and the word after `application/vnd.ipld.` of Accept."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind = self.headers["accept"].partition("ipld.")[2].partition(";")[0]
            body = answers.get(f"{kind} {self.path.partition('?')[0]}")
            self.send_response(404 if body is None else 200)
            self.send_header("content-length", str(len(body or b"")))
            self.end_headers()
            self.wfile.write(body or b"")

        def log_message(self, *_: object) -> None:
            """Keep quiet."""

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Answer)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def car_of(root: Cid, blocks: list[Block]) -> bytes:
    return b"".join(car.write_v1([root], blocks))


@pytest.mark.engine
def test_a_dag_goes_into_kubo_and_comes_back_into_another_store(
    kubo: Kubo, store: BlockStore, tmp_path: Path
) -> None:
    root, blocks = a_dag("there and back")
    with store.writer() as writer:
        for block in blocks:
            writer.put(block)
        writer.commit()
    with KuboClient(kubo.rpc) as client:
        pushed = push(store, root.cid, client)
        assert (pushed.blocks, pushed.bytes) == (root.blocks, root.dag_size)
        assert root.cid in client.pin_ls()
        database = Database.open(tmp_path / "second.db")
        second = BlockStore.open(tmp_path / "second", database)
        pulled = pull(second, root.cid, client.dag_export, client.block_get)
        assert (pulled.blocks, pulled.new_blocks) == (root.blocks, root.blocks)
        assert [pin.cid for pin in second.pins()] == [root.cid]
        again = pull(second, root.cid, client.dag_export, client.block_get)
        assert (again.blocks, again.new_blocks) == (root.blocks, 0)
        database.close()
        with GatewayClient([kubo.gateway]) as gateways:
            third = pull(store, root.cid, gateways.car_of, gateways.block)
            assert third.new_blocks == 0


@pytest.mark.engine
def test_what_is_not_whole_is_not_pushed(kubo: Kubo, store: BlockStore) -> None:
    root, blocks = a_dag("half")
    store.put(blocks[-1])
    with KuboClient(kubo.rpc) as client, pytest.raises(BlockMissing):
        push(store, root.cid, client)


def test_blocks_a_car_lacks_are_asked_for_one_by_one(store: BlockStore) -> None:
    root, blocks = a_dag("torn")
    answers = {f"raw /ipfs/{block.cid}": block.data for block in blocks}
    answers[f"car /ipfs/{root.cid}"] = car_of(root.cid, [blocks[-1], *blocks[:5]])[:-100]
    with gateway(answers) as url, GatewayClient([url]) as client:
        pulled = pull(store, root.cid, client.car_of, client.block)
    assert (pulled.blocks, pulled.bytes) == (root.blocks, root.dag_size)


def test_blocks_nobody_asked_for_are_not_kept(store: BlockStore) -> None:
    root, blocks = a_dag("wanted", 400)
    _, others = a_dag("smuggled")
    answers = {f"car /ipfs/{root.cid}": car_of(root.cid, others + blocks)}
    with gateway(answers) as url, GatewayClient([url]) as client:
        assert pull(store, root.cid, client.car_of, client.block).new_blocks == 1
    assert not any(store.has(block.cid) for block in others)


def test_a_lying_gateway_is_named_and_asked_last(store: BlockStore) -> None:
    root, blocks = a_dag("truth", 400)
    lie = Block(root.cid, b"other bytes")
    lies = {f"car /ipfs/{root.cid}": car_of(root.cid, [lie]), f"raw /ipfs/{root.cid}": lie.data}
    truth = {f"raw /ipfs/{root.cid}": blocks[0].data}
    with gateway(lies) as liar, gateway(truth) as honest:
        with GatewayClient([liar]) as client:
            with pytest.raises(RemoteError, match=liar) as caught:
                pull(store, root.cid, client.car_of, client.block)
            assert caught.value.code == "block.mismatch"
        assert not store.has(root.cid)
        with GatewayClient([liar, honest]) as client:
            pull(store, root.cid, client.car_of, client.block)
            assert client.urls == (honest, liar)


def test_a_block_read_from_a_gateway_is_checked_missing_or_an_error() -> None:
    """What ``--from URL`` reads with: 404 alone means that the block is not there."""
    root, blocks = a_dag("looked at")
    with gateway({f"raw /ipfs/{blocks[0].cid}": blocks[0].data}) as url, GatewayClient([url]) as it:
        assert it.find_block(blocks[0].cid) == blocks[0].data
        assert it.find_block(root.cid) is None
    with gateway({f"raw /ipfs/{root.cid}": b"lie"}) as url, GatewayClient([url]) as it:
        with pytest.raises(RemoteError, match=url) as caught:
            it.find_block(root.cid)
        assert (caught.value.code, caught.value.status) == ("block.mismatch", None)
    with GatewayClient([url]) as gone:
        with pytest.raises(RemoteError) as caught:
            gone.find_block(root.cid)
        assert caught.value.code == "remote.unreachable"


def test_a_dag_of_too_many_bytes_is_refused_before_it_fills_the_store(store: BlockStore) -> None:
    root, blocks = a_dag("large")
    answers = {f"car /ipfs/{root.cid}": car_of(root.cid, blocks[::-1])}
    with (
        gateway(answers) as url,
        GatewayClient([url]) as client,
        pytest.raises(LimitExceeded),
    ):
        pull(store, root.cid, client.car_of, client.block, bytes_max=100_000)
    assert not store.pins()


def give(blocks: list[Block], store: BlockStore) -> None:
    with store.writer() as writer:
        for block in blocks:
            writer.put(block)
        writer.commit()


def nothing(_cid: Cid) -> None:
    raise RemoteError("no gateway is named", code="remote.unreachable")


def test_a_request_runs_from_queued_to_pinned_and_its_pin_goes_with_the_last_one(
    store: BlockStore,
) -> None:
    root, blocks = a_dag("asked for")
    service = PinningService(store, lambda _cid: give(blocks, store))
    first = service.add("ann", PinRequest(root.cid, "report", ("/ip4/203.0.113.7",), {"a": "b"}))
    second = service.add("ben", PinRequest(root.cid))
    assert service.get("ann", first.id).progress == "queued"
    assert service.work()
    assert service.work()
    assert not service.work()
    status = service.get("ann", first.id)
    assert (status.progress, status.request) == ("pinned", first.request)
    assert service.find("ann", PinQuery(name="REP", match="ipartial", meta={"a": "b"}))[0] == 1
    assert service.find("ann", PinQuery(name="REP", match="partial"))[0] == 0
    assert [pin.cid for pin in store.pins()] == [root.cid]
    service.remove("ann", first.id)
    assert [pin.cid for pin in store.pins()] == [root.cid]
    service.remove("ben", second.id)
    assert store.pins() == []


def test_what_the_owner_pinned_stays_when_a_tenant_lets_go(store: BlockStore) -> None:
    root, blocks = a_dag("mine", 400)
    give(blocks, store)
    store.pin(Pin(root.cid, name="mine"))
    service = PinningService(store, lambda _cid: None)
    asked = service.add("ann", PinRequest(root.cid, "hers"))
    service.work()
    service.remove("ann", asked.id)
    assert [pin.name for pin in store.pins()] == ["mine"]


def test_a_request_nobody_can_meet_fails_with_the_reason(store: BlockStore) -> None:
    root, _ = a_dag("lost")
    service = PinningService(store, nothing)
    asked = service.add("ann", PinRequest(root.cid))
    assert service.work()
    status = service.get("ann", asked.id)
    assert (status.progress, dict(status.report)) == ("failed", {"reason": "no gateway is named"})


def test_requests_of_others_do_not_exist(store: BlockStore) -> None:
    root, _ = a_dag("private")
    service = PinningService(store, nothing)
    asked = service.add("ann", PinRequest(root.cid))
    for act in (service.get, service.remove):
        with pytest.raises(PinError) as caught:
            act("ben", asked.id)
        assert caught.value.code == "pin.unknown"
    assert service.find("ben", PinQuery(progress=("queued",))) == (0, [])


def test_replacing_keeps_what_both_share(store: BlockStore) -> None:
    root, blocks = a_dag("shared")
    service = PinningService(store, lambda _cid: give(blocks, store))
    asked = service.add("ann", PinRequest(root.cid, "old"))
    service.work()
    replaced = service.replace("ann", asked.id, PinRequest(root.cid, "new"))
    assert replaced.progress == "queued"
    service.work()
    assert [pin.cid for pin in store.pins()] == [root.cid]
    with pytest.raises(PinError):
        service.get("ann", asked.id)


@pytest.mark.parametrize(
    "document",
    [
        None,
        [],
        {},
        {"cid": 5},
        {"cid": "Qm"},
        {"cid": "bafkqaaa", "name": "x" * 256},
        {"cid": "bafkqaaa", "origins": ["a"] * 21},
        {"cid": "bafkqaaa", "origins": "a"},
        {"cid": "bafkqaaa", "meta": {"a": 1}},
        {"cid": "bafkqaaa", "meta": {"a": "x" * 16_384}},
        {"cid": "bafkqaaa", "size": 1},
    ],
)
def test_requests_outside_the_standard_are_refused(document: object) -> None:
    with pytest.raises(LodestampError):
        PinRequest.parse(document)


def test_a_token_names_its_tenant() -> None:
    tenants = Tenants({"ann": hashlib.sha256(b"s3cret").digest()})
    assert tenants.of_token("s3cret") == "ann"
    assert tenants.of_token("s3cre") is None
