"""CARs that others wrote: 3 with a listing, 9 of go-car, the gateway's (content spec §4, §13)."""

from __future__ import annotations

import hashlib

import pytest

from conftest import load_json
from lodestamp.core.content import CarLimits, car, car_index, check
from lodestamp.errors import CarError

REFUSED = {
    "badheaderlength.car": "car.header",
    "badsectionlength.car": "car.section-length",
    "sample-corrupt-pragma.car": "car.header",
    "sample-rootless-v42.car": "car.version",
    "sample-v1-with-zero-len-section2.car": "car.zero-section",
}
READ = {
    "sample-unixfs-v2.car": (2, 3),
    "sample-wrapped-v2.car": (2, 1049),
    "simple-unixfs.car": (1, 22),
    "simple-unixfs-missing-blocks.car": (1, 17),
}


def test_every_section_of_the_listed_cars_stands_where_it_should(vectors):
    """R80: CID, offset and length of each."""
    folder = vectors / "content/cars"
    listed = load_json(folder / "listing.json")["cars"]
    for each in listed:
        path = folder / each["file"]
        assert hashlib.sha256(path.read_bytes()).hexdigest() == each["sha256"]
        with path.open("rb") as file:
            reader = car.read(file)
            found = [
                (str(s.cid), reader.payload_offset + s.offset + s.head, len(s.data), s.size)
                for s in reader.sections()
            ]
        assert reader.version == each["version"]
        assert [str(root) for root in reader.roots] == each["roots"]
        assert found == [
            (b["cid"], b["block_offset"], b["block_length"], b["section_length"])
            for b in each["blocks"]
        ]
    assert len(listed) == 3


def test_go_cars_give_their_verdicts(vectors):
    """R80-R84."""
    files = sorted((vectors / "content/gocar").glob("*.car"))
    for path in files:
        with path.open("rb") as file:
            if path.name in REFUSED:
                with pytest.raises(CarError) as refused:
                    list(car.read(file))
                assert refused.value.code == REFUSED[path.name]
            else:
                reader = car.read(file)
                assert (reader.version, len(list(reader))) == READ[path.name]
    assert len(files) == len(REFUSED) + len(READ) == 9


def test_zero_padding_ends_the_payload_where_it_is_allowed(vectors):
    """R84."""
    path = vectors / "content/gocar/sample-v1-with-zero-len-section2.car"
    with path.open("rb") as file:
        assert len(list(car.read(file, CarLimits(allow_zero_padding=True)))) == 20


@pytest.mark.parametrize(
    ("name", "layout", "entries"),
    [
        ("sample-unixfs-v2.car", (51, 284, 335), 3),
        ("sample-wrapped-v2.car", (51, 479_907, 479_958), 1043),
    ],
)
def test_an_index_leads_to_every_section(vectors, name, layout, entries):
    """R82: byte lengths, offsets from the payload; identity CIDs are not indexed."""
    data = (vectors / "content/gocar" / name).read_bytes()
    with (vectors / "content/gocar" / name).open("rb") as file:
        reader = car.read(file)
        sections = [each for each in reader.sections() if each.cid.hash_code != 0]
    assert reader.layout == car.Layout(*layout)
    index = car_index.read_index(data[layout[2] :])
    assert len(index) == len(list(index)) == entries
    for section in sections:
        assert section.offset in list(index.find(section.cid.multihash))


@pytest.mark.parametrize(
    ("name", "missing"), [("simple-unixfs.car", 0), ("simple-unixfs-missing-blocks.car", 5)]
)
def test_whether_a_dag_is_complete_is_a_question_of_the_dag(vectors, name, missing):
    """Trap 13: both CARs read to their end."""
    with (vectors / "content/gocar" / name).open("rb") as file:
        reader = car.read(file)
        blocks = {block.cid: block.data for block in reader}
    report = check(blocks.get, reader.roots[0])
    assert report.defects == ()
    assert (len(report.missing) > 0) == (missing > 0)


def test_every_car_of_the_gateway_fixtures_reads(vectors):
    files = sorted((vectors / "content/gateway").rglob("*.car"))
    for path in files:
        with path.open("rb") as file:
            assert list(car.read(file)), path.name
    assert len(files) == 19
