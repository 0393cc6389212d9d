"""Carriers: bytes over one to sixteen transactions' OP_RETURN outputs ("blockcast", §3.1).

>>> payloads = encode_payloads(b"a work, a work, a work")
>>> payloads[0][:3].hex(), len(payloads), decode_payloads(payloads)
('1f0001', 1, b'a work, a work, a work')
"""

from __future__ import annotations

import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from lodestamp.core.bitcoin import Transaction, push_bytes
from lodestamp.core.ownership.chunks import returned
from lodestamp.core.ownership.found import Carrier, Fetch, join_payloads
from lodestamp.errors import CarrierMalformed, CarrierTooLarge, SourceIncomplete, UsageError

MAGIC: Final = b"\x1f\x00"
"""How the first payload begins; its count of payloads is the next byte."""
PAYLOAD_SIZE_MAX: Final = 80
"""Bytes of a written payload: what nodes relayed in one OP_RETURN output for a decade."""
PAYLOADS_WRITTEN_MAX: Final = 16
"""Payloads of one written carrier; a chain of as many unconfirmed transactions is still relayed."""
COMPRESSED_WRITTEN_MAX: Final = 1_277
"""Compressed bytes of one written carrier: 77 and fifteen times 80."""
COMPRESSED_READ_MAX: Final = 20_397
"""Compressed bytes of one carrier that is read: 77 and 254 times 80, as one byte counts them."""
INFLATED_MAX: Final = 2 << 20
"""Bytes a carrier inflates to: DEFLATE makes 1.32 MB at most of what a writer may write."""

LINKS_KEPT_MAX: Final = 4_096
"""Parents of carriers remembered while one block is read: one block may name each 10,000 times."""

_HEADER_SIZE: Final = len(MAGIC) + 1
_FIRST_SIZE: Final = PAYLOAD_SIZE_MAX - _HEADER_SIZE
_PAYLOADS_SIZE_MAX: Final = COMPRESSED_READ_MAX + _HEADER_SIZE
_RAW_DEFLATE: Final = -15
_SPACES: Final = b" \t\r\n"


def encode_payloads(text: bytes) -> list[bytes]:
    """Return the payloads, 1 to 16 of at most 80 bytes, of the shorter of two deflations (R46).

    CarrierTooLarge over 1,277 compressed bytes; UsageError for a text over `INFLATED_MAX`, which
    nobody would read.
    """
    if len(text) > INFLATED_MAX:
        raise UsageError(f"a text of {len(text):,} bytes is more than {INFLATED_MAX:,}")
    compressed = min(_deflated(text, 6), _deflated(text, 9), key=len)
    if len(compressed) > COMPRESSED_WRITTEN_MAX:
        raise CarrierTooLarge(COMPRESSED_WRITTEN_MAX, len(compressed))
    starts = range(_FIRST_SIZE, len(compressed), PAYLOAD_SIZE_MAX)
    later = [compressed[start : start + PAYLOAD_SIZE_MAX] for start in starts]
    return [MAGIC + bytes((1 + len(later),)) + compressed[:_FIRST_SIZE], *later]


def decode_payloads(payloads: Sequence[bytes]) -> bytes:
    """Return the inflated bytes of payloads in the order of C1 and C3 (C4, C5).

    CarrierMalformed ``header`` (the first has no count), ``count`` (it is another),
    ``compressed-size``, ``inflated-size``, ``deflate`` (no stream that ends).
    """
    if not payloads or len(payloads[0]) < _HEADER_SIZE:
        raise CarrierMalformed("header", "the first payload announces no count")
    if payloads[0][2] != len(payloads):
        message = f"{len(payloads)} payloads, but {payloads[0][2]} are announced"
        raise CarrierMalformed("count", message)
    compressed = join_payloads(payloads)
    if len(compressed) > COMPRESSED_READ_MAX:
        message = f"{len(compressed):,} compressed bytes, more than {COMPRESSED_READ_MAX:,}"
        raise CarrierMalformed("compressed-size", message)
    stream = zlib.decompressobj(_RAW_DEFLATE)
    text = _inflate(stream, compressed)
    if len(text) > INFLATED_MAX:
        message = f"the text has more than {INFLATED_MAX:,} bytes"
        raise CarrierMalformed("inflated-size", message)
    if not stream.eof:
        raise CarrierMalformed("deflate", "the compressed bytes end before their stream does")
    return text


def payload_script(payload: bytes) -> bytes:
    """Return the output script that carries a payload."""
    return b"\x6a" + push_bytes(payload)


def carrier_payloads(tx: Transaction) -> list[bytes]:
    """Return the payload of each OP_RETURN output, from the highest vout to the lowest (C1)."""
    found = (returned(each.script) for each in reversed(tx.outputs))
    return [payload for payload in found if payload is not None]


def announced(payload: bytes) -> int:
    """Return how many payloads a payload announces; 0 when it is no first one (C2)."""
    return payload[2] if len(payload) >= _HEADER_SIZE and payload.startswith(MAGIC) else 0


def carrier_count(tx: Transaction) -> int:
    """Return how many transactions a primary announces, 1 to 255; 0 for one that is none (C2)."""
    return _total(carrier_payloads(tx))


class ParentLinks:
    """What the parents of carriers carry, each read once however many carriers need it.

    Of a parent only its payloads and the next txid are kept, of the last `LINKS_KEPT_MAX`.
    """

    def __init__(self, fetch: Fetch) -> None:
        self._fetch = fetch
        self._kept: dict[bytes, _Link] = {}

    def transaction(self, txid: bytes) -> Transaction:
        """Return the parent of a txid; SourceIncomplete when it cannot be had, or another comes."""
        parent = self._fetch(txid)
        if parent is None or parent.txid != txid:
            what = "the source gives another" if parent else "the source has it not"
            raise SourceIncomplete(txid, what, hint="a carrier needs it; ask a node with an index")
        return parent

    def link(self, txid: bytes) -> tuple[_Link, Transaction | None]:
        """Return what the parent of a txid carries, and itself if it was read for this.

        Errors as `transaction`.
        """
        kept = self._kept.get(txid)
        if kept is not None:
            return kept, None
        parent = self.transaction(txid)
        found = _link(parent)
        if found.size > _PAYLOADS_SIZE_MAX:  # no carrier has room for it
            found = found._replace(payloads=())
        self._kept[txid] = found
        if len(self._kept) > LINKS_KEPT_MAX:
            del self._kept[next(iter(self._kept))]
        return found, parent


class _Link(NamedTuple):
    """The payloads of a transaction, and the txid that its last input spends from.

    The latter is None where nothing comes before: a coinbase.
    """

    payloads: tuple[bytes, ...]
    size: int
    parent: bytes | None


def read_carrier(
    tx: Transaction, fetch: Fetch, *, links: ParentLinks | None = None
) -> Carrier | None:
    """Collect and inflate what a primary announces, asking `fetch` for its parents (C3 to C6).

    Carriers of one block share `links`, which ask the same `fetch`. None when the transaction is no
    primary or what it announces is no carrier. SourceIncomplete when a parent that decides cannot
    be had, or another transaction comes in its place.
    """
    first = _link(tx)
    total = _total(first.payloads)
    if not total or len(first.payloads[0]) < _HEADER_SIZE:
        return None
    head = _head(first.payloads[0]) if total > 1 else b""
    if head is None:
        return None
    links = links or ParentLinks(fetch)
    try:
        collected = _collect(first, total, links)
        if collected is None:
            return None
        text = decode_payloads(collected[0])
    except CarrierMalformed:
        return None
    except SourceIncomplete:
        if head.lstrip(_SPACES)[:1] not in {b"", b"{"}:  # no object, whatever is missing (C6)
            return None
        raise
    payloads, parents = collected
    return Carrier(payloads, text, tuple([tx or links.transaction(txid) for txid, tx in parents]))


def _collect(
    first: _Link, total: int, links: ParentLinks
) -> tuple[tuple[bytes, ...], list[tuple[bytes, Transaction | None]]] | None:
    """Return the payloads of a primary and of `total` - 1 parents, and the parents.

    None as soon as it is certain, whatever is still to come, that they are no carrier.
    """
    link, payloads = first, [*first.payloads]
    size = first.size - max(len(payloads[0]) - PAYLOAD_SIZE_MAX, 0)  # the rest of it is ignored
    parents: list[tuple[bytes, Transaction | None]] = []
    while len(parents) + 1 != total:
        if link.parent is None or len(payloads) > payloads[0][2] or size > _PAYLOADS_SIZE_MAX:
            return None
        txid = link.parent
        link, tx = links.link(txid)
        parents.append((txid, tx))
        payloads += link.payloads
        size += link.size
    is_whole = size <= _PAYLOADS_SIZE_MAX and not (parents and link.parent is None)
    return (tuple(payloads), parents) if is_whole else None


def _link(tx: Transaction) -> _Link:
    payloads = tuple(carrier_payloads(tx))
    is_first = not tx.inputs or tx.is_coinbase
    parent = None if is_first else bytes(tx.inputs[-1].prevout.txid)
    return _Link(payloads, sum(map(len, payloads)), parent)


def _total(payloads: Sequence[bytes]) -> int:
    """Return the first count in list order, if the last payload has one (C2)."""
    if not payloads or not announced(payloads[-1]):
        return 0
    return next(filter(None, map(announced, payloads)))


def _head(payload: bytes) -> bytes | None:
    """Return what the first payload alone inflates to so far; None if it is no DEFLATE."""
    try:
        return _inflate(zlib.decompressobj(_RAW_DEFLATE), payload[_HEADER_SIZE:PAYLOAD_SIZE_MAX])
    except CarrierMalformed:
        return None


def _inflate(stream: zlib._Decompress, compressed: bytes) -> bytes:
    """Inflate up to one byte over the limit; CarrierMalformed ``deflate`` for no DEFLATE."""
    try:
        return stream.decompress(compressed, INFLATED_MAX + 1)
    except zlib.error as error:
        raise CarrierMalformed("deflate", f"the compressed bytes are no DEFLATE: {error}") from None


def _deflated(text: bytes, level: int) -> bytes:
    stream = zlib.compressobj(level, zlib.DEFLATED, _RAW_DEFLATE)
    return stream.compress(text) + stream.flush()
