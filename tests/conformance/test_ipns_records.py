"""IPNS records of the gateway's fixtures (content spec R95-R97)."""

from __future__ import annotations

import pytest

from lodestamp.core.content import ipns
from lodestamp.errors import IpnsError

NOW_NS = 1_790_000_000 * 10**9
REFUSED = {"_v1": "ipns.v1-only", "_v1-v2-broken-signature-v2": "ipns.signature"}
VALUES = {
    "_v2": b"/ipfs/bafkqadtwgiww63tmpeqhezldn5zgi",
    "_v1-v2": b"/ipfs/bafkqaddwgevxmmraojswg33smq",
}


def test_seven_records_give_their_verdicts(vectors):
    """R97."""
    files = sorted((vectors / "content/gateway").rglob("*.ipns-record"))
    accepted = 0
    for path in files:
        name, _, kind = path.name.removesuffix(".ipns-record").partition("_")
        kind = f"_{kind}" if kind else ""
        if kind in REFUSED:
            with pytest.raises(IpnsError) as refused:
                ipns.verify(name, path.read_bytes(), NOW_NS)
            assert refused.value.code == REFUSED[kind]
            continue
        record = ipns.verify(name, path.read_bytes(), NOW_NS)
        accepted += 1
        assert record.value.startswith(b"/ipfs/")
        assert record.value == VALUES.get(kind, record.value)
        if kind:
            assert record.ttl_ns == 1_800 * 10**9
            assert record.validity == "2123-08-14T12:17:03.694052Z"
        with pytest.raises(IpnsError) as expired:
            ipns.verify(name, path.read_bytes(), record.validity_ns)
        assert expired.value.code == "ipns.expired"
    assert (len(files), accepted) == (7, 5)
