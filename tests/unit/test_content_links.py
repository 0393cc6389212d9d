"""The links of a block, whatever its format (content spec R5, R86)."""

from __future__ import annotations

from lodestamp.core.content import PBLink, PBNode, dag_cbor, dag_pb, has_links, links
from lodestamp.core.encoding import Cid

ONE, TWO = Cid.of(0x55, b"1"), Cid.of(0x70, b"2")


def test_each_format_with_links_gives_them_in_order():
    for codec, data in (
        (0x70, dag_pb.encode(PBNode((PBLink(TWO), PBLink(ONE), PBLink(TWO))))),
        (0x71, dag_cbor.encode([TWO, ONE, TWO])),
        (0x0129, f'[{{"/":"{TWO}"}},{{"/":"{ONE}"}},{{"/":"{TWO}"}}]'.encode()),
    ):
        assert has_links(codec)
        assert list(links(Cid.of(codec, data), data)) == [TWO, ONE, TWO]


def test_r5_a_block_of_another_codec_has_none():
    data = dag_cbor.encode([ONE])
    for codec in (0x55, 0x51, 0x0200, 0x9999):
        assert not has_links(codec)
        assert list(links(Cid.of(codec, data), data)) == []
