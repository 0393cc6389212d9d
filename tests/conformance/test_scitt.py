"""COSE receipts of RFC 9942's drafts: 2 of 2 have the structure that an export will need.

Keys and entries are not published with them, so this looks at the form and at what RFC 9162 says of
the lengths of their paths.
"""

from __future__ import annotations

import pytest

from lodestamp.core.merkle import ConsistencyProof, InclusionProof

SIGN1, ALG, KID, CLAIMS, VDS, VDP = 18, 1, 4, 15, 395, 396


def read_cbor(data, at=0):
    """Read one item of definite length; returns it and where the next begins."""
    kind, low = data[at] >> 5, data[at] & 31
    at += 1
    assert low < 28
    size = 1 << low - 24 if low >= 24 else 0
    number = int.from_bytes(data[at : at + size], "big") if size else low
    at += size
    if kind in (0, 1):
        return (number if kind == 0 else -1 - number), at
    if kind in (2, 3):
        raw = data[at : at + number]
        assert len(raw) == number
        return (raw if kind == 2 else raw.decode()), at + number
    if kind == 7:
        assert number == 22
        return None, at
    items = []
    for _ in range({4: number, 5: 2 * number, 6: 1}[kind]):
        item, at = read_cbor(data, at)
        items.append(item)
    if kind == 4:
        return items, at
    return (dict(zip(items[::2], items[1::2], strict=True)) if kind == 5 else (number, *items)), at


def whole(data):
    value, end = read_cbor(data)
    assert end == len(data)
    return value


@pytest.mark.parametrize(
    ("name", "kind", "proof", "lengths"),
    [
        ("inclusion", -1, lambda size, index, path: InclusionProof(index, size, path), 3),
        ("consistency", -2, ConsistencyProof, 4),
    ],
)
def test_a_receipt_is_a_detached_cose_sign1_around_a_path_of_the_right_length(
    vectors, name, kind, proof, lengths
):
    receipt = (vectors / f"transparency/scitt/{name}-receipt.cbor").read_bytes()
    tag, (protected, unprotected, payload, signature) = whole(receipt)
    assert (tag, payload, len(signature)) == (SIGN1, None, 64)
    headers = whole(protected)
    assert headers.keys() == {ALG, KID, VDS, CLAIMS}
    assert headers[VDS] == 1  # RFC 9162 with SHA-256
    assert unprotected.keys() == {VDP}
    assert unprotected[VDP].keys() == {kind}
    (encoded,) = unprotected[VDP][kind]
    first, second, path = whole(encoded)
    assert len(proof(first, second, tuple(path)).hashes) == lengths
