"""What two nodes that differ say to each other, in bytes: coded symbols against negentropy."""

from __future__ import annotations

import json
import random
import tempfile
import threading
from pathlib import Path

import lodestamp
from benchmarks.table import SEED, Fact, Findings, seconds, timed
from lodestamp.core.encoding import Digest
from lodestamp.faces.http import Address, Listener, choose_mounts, make_application
from lodestamp.node.sync import Encoder, Negentropy, Reconciler

_KEY = bytes(range(16))
_ID_SIZE = 32


def findings(*, quick: bool) -> Findings:
    """Compare bytes for spread differences in a large set, and for a fast-forward over HTTP."""
    size = 20_000 if quick else 1_000_000
    draw = random.Random(SEED)
    common = [draw.randbytes(_ID_SIZE) for _ in range(size)]
    base = Encoder(_KEY)
    adding = timed(lambda: base.add(common), size)
    producing = timed(lambda: base.symbols(0, 1024), size)
    yield Fact(
        f"symbols of {size:,} operations: add one, put one into 1,024 symbols",
        f"{seconds(adding.cpu)}, {seconds(producing.cpu)}",
    )
    aims = ((100, 0), (200, 0)) if quick else ((100, 0), (200, 20), (20_000, 12))
    for differences, aim in aims:
        yield from _spread(draw, common, differences, aim)
    yield from _fast_forward()


def _spread(draw: random.Random, common: list[bytes], differences: int, aim: int) -> Findings:
    """Half of the differences on each side, anywhere in the order of time."""
    ours = [draw.randbytes(_ID_SIZE) for _ in range(differences // 2)]
    theirs = [draw.randbytes(_ID_SIZE) for _ in range(differences - len(ours))]
    sides = [Encoder(_KEY), Encoder(_KEY)]
    sides[0].add(common + ours)
    sides[1].add(common + theirs)
    compared = Reconciler(sides[0], key=_KEY, size=sides[1].size)
    requests = 0
    while (ask := compared.wanted) is not None:
        compared.feed(sides[1].frame(ask.first, ask.count, ask.size))
        requests += 1
    assert compared.complete
    assert compared.ours == {Digest(each) for each in ours}
    assert compared.theirs == {Digest(each) for each in theirs}
    sides.clear()
    floor = _ID_SIZE * differences
    what = f"{differences:,} spread differences in {len(common):,}"
    ratio = compared.bytes_fed / floor
    yield Fact(
        f"{what}: bytes of symbols against 32 each, {requests} requests",
        f"{compared.bytes_fed:,} = {ratio:.2f}x",
        "≤ 2.00x",
        ratio <= 2.0,
    )
    spoken, rounds = _negentropy(draw, common, ours, theirs)
    factor = spoken / compared.bytes_fed
    yield Fact(
        f"{what}: negentropy v1 against symbols, {rounds} rounds",
        f"{spoken:,} = {factor:.1f}x",
        f"≥ {aim}x" if aim else "",
        factor >= aim if aim else None,
    )


def _negentropy(
    draw: random.Random, common: list[bytes], ours: list[bytes], theirs: list[bytes]
) -> tuple[int, int]:
    """Return the bytes of both directions, and the rounds."""
    times = {each: draw.randrange(1_700_000_000, 1_800_000_000) for each in common + ours + theirs}
    client = Negentropy((times[each], each) for each in common + ours)
    server = Negentropy((times[each], each) for each in common + theirs)
    said: bytes | None = client.initiate()
    size = rounds = 0
    while said is not None:
        answer = server.reconcile(said)
        assert answer is not None
        size += len(said) + len(answer)
        rounds += 1
        said = client.reconcile(answer)
    assert (set(client.have), set(client.need)) == (set(ours), set(theirs))
    return size, rounds


def _fast_forward() -> Findings:
    """Catch up, over HTTP on loopback, with a hundred operations."""
    with tempfile.TemporaryDirectory() as folder:
        homes = [Path(folder) / name for name in "ab"]
        for home in homes:
            with lodestamp.open(home, origin="example.org/bench") as node:
                key_id = node.key_id
        (homes[0] / "config.toml").write_text(f"peers = {json.dumps([key_id])}\n")
        with lodestamp.open(homes[0]) as ahead, lodestamp.open(homes[1]) as behind:
            listener = Listener.bind(Address("127.0.0.1", 0))
            application = make_application(ahead, choose_mounts([]), listener.address.names)
            serving = threading.Thread(target=listener.run, args=(application,))
            serving.start()
            url = f"http://{listener.address}"
            _record(ahead, 100)
            behind.sync(url)
            _record(ahead, 100)
            report = behind.sync(url)
            listener.stop()
            serving.join()
            assert report.complete
            assert report.received == 100
            wires = sum(map(len, ahead.peers.page(99, 100)[0]))
    most = wires + 64 + 1024
    yield Fact(
        "fast-forward by 100 operations over HTTP: bytes received, rounds",
        f"{report.bytes_received:,} of {wires:,}, {report.rounds}",
        f"≤ {most:,}, 1",
        report.bytes_received <= most and report.rounds == 1,
    )


def _record(node: lodestamp.Node, count: int) -> None:
    futures = [
        node.record_future(source="bench", kind="reading", content={"n": n}) for n in range(count)
    ]
    for future in futures:
        future.result()
