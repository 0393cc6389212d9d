"""A running kubo, through its RPC (content spec R120, R121).

Every command is a POST below ``/api/v0``. Every block it gives is checked against the CID that was
asked for, and what it says it stored is compared with what was sent. Nothing is published unasked.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, BinaryIO, Final, Self

from lodestamp.core.content import (
    BLOCK_SIZE_MAX,
    Block,
    CarLimits,
    IpnsRecord,
    PieceStream,
    car,
    ipns,
)
from lodestamp.core.encoding import Cid, Codec, HashCode, base64_decode
from lodestamp.errors import BlockMismatch, EncodingError, LimitExceeded
from lodestamp.node.blocks.remote import Parameter, Remote

_OCTETS: Final = "application/octet-stream"
DEFAULT_KUBO: Final = "http://127.0.0.1:5001"
_CODEC_NAMES: Final[Mapping[int, str]] = {
    Codec.RAW: "raw",
    Codec.DAG_PB: "dag-pb",
    Codec.DAG_CBOR: "dag-cbor",
    Codec.DAG_JSON: "dag-json",
}
_HASH_NAMES: Final[Mapping[int, str]] = {
    HashCode.SHA2_256: "sha2-256",
    HashCode.SHA2_512: "sha2-512",
    HashCode.BLAKE2B_256: "blake2b-256",
    HashCode.BLAKE3: "blake3",
}


@dataclass(frozen=True, slots=True)
class KuboVersion:
    """What a kubo says of itself."""

    version: str
    commit: str
    repo: str
    system: str
    golang: str


@dataclass(frozen=True, slots=True)
class Added:
    """One file or folder that kubo added: its name, its root, the bytes of its DAG."""

    name: str
    cid: Cid
    size: int


@dataclass(frozen=True, slots=True)
class Imported:
    """What kubo made of a CAR: the roots it pinned, and how much it read."""

    roots: tuple[Cid, ...]
    blocks: int
    bytes: int


class KuboClient:
    """The commands of a kubo at `url`; `auth` is a bearer token or ``user:password``.

    Every call raises RemoteError ``remote.unreachable`` when nobody answers, ``remote.refused`` for
    an error kubo reports, ``remote.malformed`` for an answer that does not say what it should.
    """

    def __init__(self, url: str = DEFAULT_KUBO, auth: str | None = None) -> None:
        """Prepare; nothing is asked yet. UsageError for a URL we do not dial."""
        self._remote = Remote(url, auth)

    def version(self) -> KuboVersion:
        """Ask who it is."""
        said = self._ask("version")
        return KuboVersion(
            *(str(said.get(name, "")) for name in ("Version", "Commit", "Repo", "System", "Golang"))
        )

    def add(self, files: Mapping[str, BinaryIO], **options: Parameter) -> list[Added]:
        """Let kubo import files itself, by the names of its own options, ``cid-version`` as
        ``cid_version`` and so on; returns what it lists, the outermost last.
        """  # noqa: D205
        spelled = {name.replace("_", "-"): value for name, value in options.items()}
        parts = [("file", (name, stream, _OCTETS)) for name, stream in files.items()]
        lines = self._lines("add", {**spelled, "progress": False}, files=parts)
        return [
            Added(str(line["Name"]), self._cid(line["Hash"]), self._number(line.get("Size")))
            for line in lines
            if "Hash" in line
        ]

    def block_put(self, block: Block, *, pin: bool = False) -> None:
        """Store one block; RemoteError ``remote.malformed`` when kubo names it differently."""
        codec, hash_name = _CODEC_NAMES.get(block.cid.codec), _HASH_NAMES.get(block.cid.hash_code)
        if codec is None or hash_name is None:
            raise BlockMismatch(str(block.cid), "kubo takes no such block", code="hash.unsupported")
        said = self._ask(
            "block/put",
            {"cid-codec": codec, "mhtype": hash_name, "mhlen": len(block.cid.digest), "pin": pin},
            files=[("data", ("block", block.data, _OCTETS))],
        )
        key = self._cid(said.get("Key"))
        if key.multihash != block.cid.multihash:
            raise self._remote.malformed(f"{key} for the block {block.cid}")

    def block_get(self, cid: Cid) -> bytes:
        """Fetch one block, checked; BlockMismatch when its bytes are others."""
        try:
            data = self._remote.ask(
                "POST", "/api/v0/block/get", {"arg": str(cid)}, size_max=BLOCK_SIZE_MAX
            )
        except LimitExceeded as error:
            raise BlockMismatch(str(cid), error.message, code="block.too-big") from None
        if not cid.matches(data):
            raise BlockMismatch(str(cid), f"{self._remote.url} gave other bytes")
        return data

    def block_size(self, cid: Cid) -> int:
        """Return how many bytes kubo says the block has."""
        said = self._ask("block/stat", {"arg": str(cid)})
        if self._cid(said.get("Key")).multihash != cid.multihash:
            raise self._remote.malformed(f"about {said.get('Key')} when asked for {cid}")
        return self._number(said.get("Size"))

    def dag_import(self, pieces: Iterable[bytes], *, pin_roots: bool = True) -> Imported:
        """Send a CAR in pieces; kubo pins its roots unless told otherwise.

        RemoteError ``remote.malformed`` when it could not pin one.
        """
        parts = [("file", ("dag.car", PieceStream(pieces), _OCTETS))]
        parameters: dict[str, Parameter] = {"pin-roots": pin_roots, "stats": True}
        roots: list[Cid] = []
        blocks = size = 0
        for line in self._lines("dag/import", parameters, files=parts):
            if isinstance(root := line.get("Root"), dict):
                if root.get("PinErrorMsg"):
                    raise self._remote.malformed(f"a failed pin: {root['PinErrorMsg']}")
                roots.append(self._cid(root.get("Cid", {}).get("/")))
            if isinstance(stats := line.get("Stats"), dict):
                blocks = self._number(stats.get("BlockCount"))
                size = self._number(stats.get("BlockBytesCount"))
        return Imported(tuple(roots), blocks, size)

    @contextmanager
    def dag_export(self, cid: Cid, limits: CarLimits | None = None) -> Iterator[Iterator[Block]]:
        """Give the blocks of a DAG, each checked, while the CAR still comes in.

        RemoteError ``remote.malformed`` when the CAR has another root; errors of `car.read`.
        """
        with self._remote.streaming(
            "POST", "/api/v0/dag/export", {"arg": str(cid), "progress": False}
        ) as response:
            reader = car.read(PieceStream(response.iter_bytes()), limits)
            if reader.roots != (cid,):
                raise self._remote.malformed(f"a CAR that is not of {cid}")
            yield iter(reader)

    def dag_put(self, data: bytes, *, input_codec: str, store_codec: str, pin: bool = False) -> Cid:
        """Store a node, given in one codec and kept in another; returns the CID kubo gives it."""
        said = self._ask(
            "dag/put",
            {"input-codec": input_codec, "store-codec": store_codec, "pin": pin},
            files=[("data", ("node", data, _OCTETS))],
        )
        return self._cid(said.get("Cid", {}).get("/"))

    def cat(self, path: str, start: int = 0, count: int | None = None) -> bytes:
        """Return up to 8 MiB of a file as kubo itself reads it, from byte `start`.

        These bytes are kubo's word: no CID names a part of a file. `block_get` and `dag_export` are
        checked. LimitExceeded for more.
        """
        return self._remote.ask(
            "POST", "/api/v0/cat", {"arg": path, "offset": start, "length": count}
        )

    def pin_add(self, cid: Cid, *, recursive: bool = True, name: str | None = None) -> None:
        """Pin a DAG, or one block."""
        said = self._ask("pin/add", {"arg": str(cid), "recursive": recursive, "name": name})
        if str(cid) not in said.get("Pins", ()):
            raise self._remote.malformed(f"without pinning {cid}")

    def pin_ls(self, kind: str = "recursive") -> tuple[Cid, ...]:
        """List pins of a kind: ``recursive``, ``direct``, ``indirect`` or ``all``."""
        said = self._ask("pin/ls", {"type": kind})
        return tuple(map(self._cid, said.get("Keys") or {}))

    def pin_rm(self, cid: Cid, *, recursive: bool = True) -> None:
        """Unpin."""
        self._ask("pin/rm", {"arg": str(cid), "recursive": recursive})

    def pin_update(self, old: Cid, new: Cid, *, unpin: bool = True) -> None:
        """Pin `new`, and unpin `old` unless told otherwise."""
        said = self._ask("pin/update", {"arg": [str(old), str(new)], "unpin": unpin})
        if str(new) not in said.get("Pins", ()):
            raise self._remote.malformed(f"without pinning {new}")

    def routing_provide(self, cid: Cid) -> None:
        """Tell the network that kubo has this; only when asked to."""
        self._remote.ask("POST", "/api/v0/routing/provide", {"arg": str(cid)})

    def routing_get(self, name: str, now_ns: int) -> IpnsRecord:
        """Fetch the IPNS record of a name and verify it; IpnsError when it does not hold."""
        for line in self._lines("routing/get", {"arg": f"/ipns/{name}"}):
            if line.get("Extra"):
                try:
                    record = base64_decode(str(line["Extra"]))
                except EncodingError as error:
                    raise self._remote.malformed(f"a record that is no base64: {error}") from None
                return ipns.verify(name, record, now_ns)
        raise self._remote.malformed(f"no record of {name}")

    def routing_put(self, name: str, record: bytes, *, offline: bool = False) -> None:
        """Hand in the IPNS record of a name; `offline` keeps it in kubo's own store."""
        self._remote.ask(
            "POST",
            "/api/v0/routing/put",
            {"arg": f"/ipns/{name}", "allow-offline": offline},
            files=[("value-file", ("record", record, _OCTETS))],
        )

    def name_publish(self, path: str, *, key: str = "self", offline: bool = False) -> str:
        """Let kubo sign and publish a record with one of its own keys; returns the name."""
        said = self._ask("name/publish", {"arg": path, "key": key, "allow-offline": offline})
        return str(said.get("Name"))

    def close(self) -> None:
        """Let the connections go."""
        self._remote.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def _ask(
        self, command: str, parameters: Mapping[str, Any] | None = None, **request: Any
    ) -> dict[str, Any]:
        said = self._remote.ask_json("POST", f"/api/v0/{command}", parameters, **request)
        if not isinstance(said, dict):
            raise self._remote.malformed("no object")
        return said

    def _lines(
        self, command: str, parameters: Mapping[str, Any], **request: Any
    ) -> Iterator[dict[str, Any]]:
        """Yield the objects of an answer of one JSON object a line."""
        answer = self._remote.ask("POST", f"/api/v0/{command}", parameters, **request)
        for line in answer.splitlines():
            said = self._remote.parse(line)
            if not isinstance(said, dict):
                raise self._remote.malformed("a line that is no object")
            if said.get("Type") == "error":
                raise self._remote.malformed(f"an error: {said.get('Message')}")
            yield said

    def _cid(self, text: object) -> Cid:
        try:
            return Cid.parse(str(text))
        except EncodingError:
            raise self._remote.malformed(f"{text!r:.100} where a CID should be") from None

    def _number(self, value: object) -> int:
        try:
            number = int(str(value))
        except ValueError:
            number = -1
        if number < 0:
            raise self._remote.malformed(f"{value!r:.40} where a number should be")
        return number
