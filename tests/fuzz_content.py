"""Feeds the parsers of content with damaged and random input: only LodestampError may leave them.

    PYTHONPATH=src:tests python tests/fuzz_content.py --count 1000000 --seed 1

Inputs are the shared vectors, mutated, and random bytes. A case fails when another exception leaves
the parser, when it takes more than 50 ms of processor time three times in a row, or when the
process ever holds 64 MiB more than before the first one. Prints one JSON object; exit 1 on a
failure, each with what gives it again. The same count and seed give the same cases.
"""

from __future__ import annotations

import argparse
import io
import json
import random
import resource
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from conftest import vector_folder
from lodestamp.core.content import (
    Budget,
    car,
    car_index,
    check,
    dag_cbor,
    dag_json,
    dag_pb,
    ipns,
    parse_chunker,
    parse_path,
    read,
    unixfs,
)
from lodestamp.core.encoding import Cid, Multihash, multibase_decode, uvarint_decode
from lodestamp.errors import LodestampError
from lodestamp.node.blocks import PinRequest
from lodestamp.node.blocks.gateway_request import parse_range, parse_request

CASE_S_MAX = 0.050
MEMORY_MAX = 64 << 20
SEED_SIZE_MAX = 8_192
"""Bytes of one input before it is mutated: what is larger only takes longer to copy."""
FAILURES_MAX = 20
NOW_NS = 1_790_000_000 * 10**9
DAG_BUDGET = Budget(output_bytes=1_000_000, steps=1_000, entries=1_000)
TELLING = (
    b"\x00",
    b"\x01",
    b"\x7f",
    b"\x80",
    b"\xff",
    b"\xff" * 8 + b"\x7f",
    b"\xff" * 9 + b"\x01",
)
"""Bytes that lengths, counts and varints break at."""


@dataclass(frozen=True)
class Target:
    """A parser, and inputs that it takes or nearly takes."""

    name: str
    parse: Callable[[bytes], object]
    seeds: list[bytes]


def main() -> int:
    """Run the cases; print what happened."""
    parser = argparse.ArgumentParser(description="Feed the parsers of content with damaged input.")
    parser.add_argument("--count", type=int, required=True)
    parser.add_argument("--seed", type=int, default=1)
    given = parser.parse_args()
    report = fuzz(given.count, given.seed)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    return 1 if report["failures"] else 0


def fuzz(count: int, seed: int) -> dict[str, object]:
    """Run cases, in turn over all parsers; returns counts by parser and outcome, and failures."""
    targets = all_targets(vector_folder() / "content")
    rng = random.Random(seed)
    outcomes = {target.name: Counter[str]() for target in targets}
    failures: list[dict[str, object]] = []
    slowest = 0.0
    for target in targets:  # what is imported or built on first use is not a case's memory
        for each in target.seeds[:5]:
            run_case(target, each)
    before = _memory()
    for at in range(count):
        target = targets[at % len(targets)]
        given = mutated(rng, target.seeds)
        outcome, seconds = run_case(target, given)
        slowest = max(slowest, seconds)
        outcomes[target.name][outcome] += 1
        grown = _memory() - before
        if outcome in {"escaped", "slow"} or grown > MEMORY_MAX:
            why = outcome if grown <= MEMORY_MAX else f"{grown} bytes more"
            failures.append({"case": at, "target": target.name, "why": why, "input": given.hex()})
            before = max(before, _memory() - MEMORY_MAX)
            if len(failures) == FAILURES_MAX:
                break
    return {
        "cases": sum(map(Counter.total, outcomes.values())),
        "seed": seed,
        "outcomes": {name: dict(counted) for name, counted in outcomes.items()},
        "slowest_ms": round(slowest * 1000, 2),
        "grown_bytes": _memory() - before,
        "failures": failures,
    }


def run_case(target: Target, given: bytes) -> tuple[str, float]:
    """Parse one input: taken, refused, escaped or slow, and the seconds it took."""
    for _ in range(3):
        start = time.thread_time()
        try:
            target.parse(given)
            outcome = "taken"
        except LodestampError:
            outcome = "refused"
        except Exception:  # noqa: BLE001  this is what is looked for
            return "escaped", 0.0
        seconds = time.thread_time() - start
        if seconds <= CASE_S_MAX:
            return outcome, seconds
    return "slow", seconds


def _memory() -> int:
    """Return the most memory this process ever held, in bytes."""
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def mutated(rng: random.Random, seeds: list[bytes]) -> bytes:
    """Return one of the inputs with a few changes, or random bytes."""
    if rng.random() < 0.05:
        return rng.randbytes(rng.choice((0, 1, 2, 8, 33, 64, 300, 4_096)))
    changed = bytearray(rng.choice(seeds))
    for _ in range(rng.choice((1, 1, 1, 2, 3, 8))):
        _change(rng, changed, seeds)
    return bytes(changed)


def _change(rng: random.Random, changed: bytearray, seeds: list[bytes]) -> None:
    at = rng.randrange(len(changed) + 1)
    end = min(at + rng.choice((1, 1, 2, 4, 16, 64)), len(changed))
    match rng.randrange(8):
        case 0 | 1 if at < len(changed):
            changed[at] ^= 1 << rng.randrange(8)
        case 2 if at < len(changed):
            changed[at] = rng.randrange(256)
        case 3:
            changed[at:end] = rng.choice(TELLING)
        case 4:
            changed[at:at] = rng.randbytes(rng.choice((1, 2, 8)))
        case 5:
            del changed[at:end]
        case 6:
            changed[at:at] = changed[at:end] * rng.choice((1, 2, 30))
        case _:
            other = rng.choice(seeds)
            start = rng.randrange(len(other) + 1)
            changed[at:] = other[start : start + SEED_SIZE_MAX]


def all_targets(folder: Path) -> list[Target]:
    """Return every parser with its inputs out of the shared vectors."""
    cids = _json(folder / "cid_cases.json")
    texts = [text.encode() for each in cids["valid"] for text in each["texts"].values()]
    raw_cids = [bytes.fromhex(each["bytes_hex"]) for each in cids["valid"]]
    forms = [each["forms"] for each in _json(folder / "codec_fixtures.json")["fixtures"]]
    cases = _json(folder / "dag_defects.json")["cases"]
    pool = {
        Cid.parse(cid): bytes.fromhex(text)
        for each in cases
        for cid, text in each["blocks"].items()
        if len(text) <= 2 * SEED_SIZE_MAX
    }
    nodes = [block for cid, block in pool.items() if cid.codec == 0x70]
    nodes += _form(forms, "dag-pb")
    messages = [data for node in nodes if (data := _message(node)) is not None]
    cars = [_short(path) for path in sorted(folder.glob("*car*/*.car"))]
    cars += [_short(path) for path in sorted((folder / "gateway").rglob("*.car"))]
    records = [
        (path.name, path.read_bytes()) for path in (folder / "gateway").rglob("*.ipns-record")
    ]
    names = [name.partition("_")[0].partition(".")[0] for name, _ in records]
    gateway = list(_gateway_seeds(_json(folder / "gateway_cases.json")["cases"]))
    indexes = [car_index.write_index(entries) for entries in _entries(cars)]
    pins = [
        orjson.dumps(
            {"cid": text.decode(), "name": "n", "origins": ["/ip4/1.2.3.4"], "meta": {"a": "b"}}
        )
        for text in texts[:20]
    ]
    name = names[0]
    return [
        Target("varint", uvarint_decode, [b"\x00", b"\xac\x02", b"\xff" * 8 + b"\x7f"]),
        Target("multibase", lambda each: multibase_decode(_text(each)), texts),
        Target("multihash", Multihash.decode, [raw[2:] for raw in raw_cids] + raw_cids),
        Target("cid", Cid.decode, raw_cids),
        Target("cid text", lambda each: Cid.parse(_text(each)), texts),
        Target("path", lambda each: parse_path(_text(each)), [t + b"/a/b%2e/./c" for t in texts]),
        Target(
            "chunker", lambda each: parse_chunker(_text(each)), [b"size-262144", b"rabin-16-32-64"]
        ),
        Target("dag-pb", dag_pb.decode, nodes),
        Target("dag-pb strict", lambda each: dag_pb.decode(each, strict=True), nodes),
        Target("unixfs", unixfs.decode, messages),
        Target("dag-cbor", dag_cbor.decode, _form(forms, "dag-cbor")),
        Target("dag-cbor links", lambda each: list(dag_cbor.links(each)), _form(forms, "dag-cbor")),
        Target("dag-json", dag_json.decode, _form(forms, "dag-json")),
        Target("dag-json links", lambda each: list(dag_json.links(each)), _form(forms, "dag-json")),
        Target("car", _read_car, cars),
        Target("car index", _read_index, indexes),
        Target(
            "ipns record", lambda each: ipns.verify(name, each, NOW_NS), [r for _, r in records]
        ),
        Target("ipns name", lambda each: ipns.parse_name(_text(each)), [n.encode() for n in names]),
        Target("gateway request", _ask, gateway),
        Target("gateway range", _range, [b"bytes=0-1", b"bytes=-5", b"bytes=3-", b"bytes=0-1,5-7"]),
        Target("pin request", _pin, pins),
        Target("dag", lambda each: _walk(pool, each), nodes),
    ]


def _json(path: Path) -> dict[str, list[dict[str, dict[str, str]]]]:
    parsed: dict[str, list[dict[str, dict[str, str]]]] = orjson.loads(path.read_bytes())
    return parsed


def _form(forms: list[dict[str, dict[str, str]]], codec: str) -> list[bytes]:
    found = (bytes.fromhex(each[codec]["hex"]) for each in forms if codec in each)
    return [each for each in found if len(each) <= SEED_SIZE_MAX]


def _short(path: Path) -> bytes:
    with path.open("rb") as file:
        return file.read(SEED_SIZE_MAX)


def _message(node: bytes) -> bytes | None:
    try:
        return dag_pb.decode(node).data
    except LodestampError:
        return None


def _entries(cars: list[bytes]) -> Iterator[list[car_index.IndexEntry]]:
    for each in cars:
        entries: list[car_index.IndexEntry] = []
        try:
            for section in car.read(io.BytesIO(each)).sections():
                held = section.cid
                entries.append(car_index.IndexEntry(held.hash_code, held.digest, section.offset))
        except LodestampError:
            pass
        yield entries


def _gateway_seeds(cases: list[dict[str, dict[str, str]]]) -> Iterator[bytes]:
    for each in cases:
        query = "&".join(f"{name}={value}" for name, value in (each.get("query") or {}).items())
        headers = {name.lower(): value for name, value in (each.get("headers") or {}).items()}
        accept = headers.get("accept", "application/vnd.ipld.car; version=1; order=dfs; dups=y")
        lines = (each["path"], query, accept, headers.get("range", "bytes=0-5"), '"x", W/"y"', "*")
        yield "\n".join(map(str, lines)).encode()


def _text(given: bytes) -> str:
    """Read bytes as text in a way that each byte leads somewhere, lone surrogates included."""
    return given.decode("utf-8", "surrogateescape")


def _read_car(given: bytes) -> int:
    return sum(len(block.data) for block in car.read(io.BytesIO(given)))


def _read_index(given: bytes) -> int:
    index = car_index.read_index(given)
    entries = list(index)
    found = (Multihash(each.code or 0x12, each.digest) for each in entries[:3])
    return sum(len(list(index.find(each))) for each in found)


def _ask(given: bytes) -> object:
    path, query, accept, byte_range, etags, cache = (given.decode("latin-1") + "\n" * 5).split(
        "\n"
    )[:6]
    headers = {
        "accept": accept,
        "range": byte_range,
        "if-none-match": etags,
        "cache-control": cache,
    }
    asked = parse_request(path, query, headers)
    if asked.bytes is not None:
        asked.bytes.within(1_000)
    return asked


def _range(given: bytes) -> object:
    return parse_range(given.decode("latin-1"), 10)


def _pin(given: bytes) -> object:
    try:
        document = orjson.loads(given)
    except orjson.JSONDecodeError:
        document = _text(given)
    return PinRequest.parse(document)


def _walk(pool: dict[Cid, bytes], given: bytes) -> object:
    """Check and read a DAG whose root is the damaged node; what is below it is whole."""
    root = Cid.of(0x70, given)
    blocks = {**pool, root: given} if root not in pool else pool
    report = check(blocks.get, root, budget=DAG_BUDGET)
    for _ in read(blocks.get, root, budget=DAG_BUDGET):
        pass
    return report


if __name__ == "__main__":
    sys.exit(main())
