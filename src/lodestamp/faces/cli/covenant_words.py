"""From what a person writes after ``covenant address`` to a covenant and what will open it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Final

from lodestamp.core.bitcoin import NetworkParams, TxOut, decode_address, sha256
from lodestamp.core.content import add_bytes, covenant_layout, get_profile
from lodestamp.core.covenants import (
    Content,
    Kind,
    Member,
    Path,
    at_depth,
    build,
    forced_outputs,
)
from lodestamp.core.encoding import Cid, base16_decode
from lodestamp.core.merkle import InclusionProof, leaf_hash, node_hash, root
from lodestamp.errors import EncodingError, UsageError
from lodestamp.node.covenants import CovenantFile

if TYPE_CHECKING:
    from collections.abc import Sequence

BATCH_TEXT_MAX: Final = 1_048_576
"""Characters of a list of CIDs: some 17,000 of them, hashed in a blink."""
_LISTS: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.T1: frozenset({"owner"}),
    Kind.T2: frozenset({"owner", "member"}),
    Kind.T2B: frozenset({"owner", "profile", "index", "mode"}),
    Kind.T3: frozenset({"owner", "root", "to", "amount", "cpfp"}),
    Kind.T4: frozenset({"owner", "root", "to", "amount", "cpfp"}),
    Kind.T5: frozenset({"owner", "anyone"}),
    Kind.T6: frozenset({"owner", "anyone", "origin"}),
}
_PROFILE: Final = "covenant-8-480"

HELP: Final[Mapping[Kind, tuple[str, str]]] = {
    Kind.T1: ("publish the bytes of a block", "--content FILE (up to 520 bytes), owner"),
    Kind.T2: ("show a CID in a batch", "--content FILE (a CID a line), member=CID, owner"),
    Kind.T2B: (
        "show a leaf of a file's DAG",
        "--content FILE, index=N, mode=bytes|digest, profile=NAME, owner",
    ),
    Kind.T3: (
        "fixed outputs by CTV",
        "root=HEX or --content, to=ADDRESS, amount=SATS, cpfp, owner",
    ),
    Kind.T4: ("the same by OP_CAT", "root=HEX or --content, to=ADDRESS, amount=SATS, cpfp, owner"),
    Kind.T5: ("a coin that repeats beside a root", "owner, or anyone=true"),
    Kind.T6: ("a coin that carries a chain of states", "origin=TEXT, owner or anyone=true"),
}
"""For each kind what its spend does, and the parameters that ``covenant address`` takes."""


class _Words:
    """The parameters of one call, each read at most by its own rule."""

    def __init__(
        self, words: Mapping[str, str], owner: bytes | None, content: bytes | None
    ) -> None:
        self.words = words
        self._owner = owner
        self._content = content

    @property
    def owner(self) -> bytes | None:
        if "owner" in self.words:
            return _hex(self.words["owner"], "owner")
        return None if self.is_set("anyone") else self._owner

    @property
    def needed_owner(self) -> bytes:
        owner = self.owner
        if owner is None:
            raise UsageError("whose key? --param owner=HEX, or --key FILE")
        return owner

    @property
    def content(self) -> bytes:
        if self._content is None:
            raise UsageError("this kind is about content: --content FILE")
        return self._content

    def text(self, name: str) -> str:
        if name not in self.words:
            raise UsageError(f"--param {name}=… is missing")
        return self.words[name]

    def number(self, name: str) -> int:
        text = self.text(name)
        if not (text.isdecimal() and text.isascii()) or len(text) > 16:
            raise UsageError(f"--param {name} is a number")
        return int(text)

    def is_set(self, name: str) -> bool:
        text = self.words.get(name, "false")
        if text not in {"true", "false"}:
            raise UsageError(f"--param {name} is true or false")
        return text == "true"

    def root(self) -> bytes:
        return _hex(self.words["root"], "root") if "root" in self.words else sha256(self.content)


def read_words(
    kind: str,
    params: Sequence[str],
    net: NetworkParams,
    *,
    owner: bytes | None,
    content: bytes | None,
) -> CovenantFile:
    """Build what the words ask for; UsageError for others than the kind takes (see `HELP`)."""
    try:
        chosen = Kind(kind.upper())
    except ValueError:
        raise UsageError(f"there is no covenant {kind!r}; there are {', '.join(Kind)}") from None
    words: dict[str, str] = {}
    for each in params:
        name, equals, value = each.partition("=")
        if not equals or name not in _LISTS[chosen] or name in words:
            allowed = ", ".join(sorted(_LISTS[chosen]))
            raise UsageError(f"--param {each!r}: {chosen} takes each of {allowed} once")
        words[name] = value
    return _READERS[chosen](chosen, _Words(words, owner, content), net)


def _content(kind: Kind, words: _Words, net: NetworkParams) -> CovenantFile:
    made = build(kind, content=words.content, owner=words.needed_owner)
    return CovenantFile(made, net.name, Content(words.content))


def _batch(kind: Kind, words: _Words, net: NetworkParams) -> CovenantFile:
    if len(words.content) > BATCH_TEXT_MAX:
        raise UsageError(f"a list of CIDs has at most {BATCH_TEXT_MAX:,} characters")
    cids = [Cid.parse(line).encode() for line in words.content.decode("ascii", "replace").split()]
    member = Cid.parse(words.text("member")).encode()
    if member not in cids:
        raise UsageError("the list does not hold this member")
    index = cids.index(member)
    hashes: list[bytes] = [leaf_hash(each) for each in cids]
    path = _path(hashes, index)
    made = build(kind, root=root(hashes), size=len(cids), owner=words.needed_owner)
    shown = Member(member, InclusionProof(index, len(cids), path))
    return CovenantFile(at_depth(made, len(path)), net.name, shown)


def _path(level: list[bytes], index: int) -> tuple[bytes, ...]:
    path = []
    while len(level) > 1:
        if index ^ 1 < len(level):
            path.append(level[index ^ 1])
        odd = level[len(level) & ~1 :]
        level = [node_hash(*level[at : at + 2]) for at in range(0, len(level) & ~1, 2)] + odd
        index >>= 1
    return tuple(path)


def _dag(kind: Kind, words: _Words, net: NetworkParams) -> CovenantFile:
    profile = get_profile(words.words.get("profile", _PROFILE))
    made, blocks = add_bytes(words.content, profile)
    held = {block.cid: bytes(block.data) for block in blocks}
    levels = tuple(covenant_layout.path(held.get, made.cid, words.number("index")))
    if not levels:
        raise UsageError("the file is one block: T1 takes it")
    mode = words.words.get("mode", "bytes")
    if mode not in {"bytes", "digest"}:
        raise UsageError("--param mode is bytes or digest")
    ends = [data for cid, data in held.items() if cid.digest == levels[-1].digest]
    leaf = ends[0] if mode == "bytes" else None
    found = build(kind, path=levels, leaf=leaf, owner=words.needed_owner)
    return CovenantFile(found, net.name, Path(levels, leaf))


def _fixed(kind: Kind, words: _Words, net: NetworkParams) -> CovenantFile:
    coin = TxOut(words.number("amount"), decode_address(words.text("to"), net))
    cpfp = words.is_set("cpfp")
    outputs = forced_outputs(
        words.root(), coin, cpfp=cpfp, owner=words.needed_owner if cpfp else None
    )
    return CovenantFile(build(kind, outputs=outputs), net.name, outputs=outputs)


def _anchor(kind: Kind, words: _Words, net: NetworkParams) -> CovenantFile:
    origin = words.text("origin") if kind is Kind.T6 else None
    if words.is_set("anyone"):
        made = build(kind, anyone=True) if words.owner is None else None
        if made is None:
            raise UsageError("an owner's key, or anyone=true, and not both")
        return CovenantFile(made, net.name, origin=origin)
    return CovenantFile(build(kind, owner=words.needed_owner), net.name, origin=origin)


def _hex(text: str, name: str) -> bytes:
    try:
        return base16_decode(text)
    except EncodingError:
        raise UsageError(f"--param {name} is hex, two digits a byte") from None


_READERS: Final[Mapping[Kind, Callable[[Kind, _Words, NetworkParams], CovenantFile]]] = {
    Kind.T1: _content,
    Kind.T2: _batch,
    Kind.T2B: _dag,
    Kind.T3: _fixed,
    Kind.T4: _fixed,
    Kind.T5: _anchor,
    Kind.T6: _anchor,
}
