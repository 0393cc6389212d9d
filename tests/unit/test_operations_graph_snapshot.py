"""The graph's columns as bytes, and what is refused."""

from __future__ import annotations

import dataclasses

import pytest

from lodestamp.core.operations import MemorySource, ProvenanceGraph, decode_rows, encode_rows
from lodestamp.errors import EncodingError
from worlds import World


@pytest.fixture(scope="module")
def graph():
    world = World(7).grow(30)
    graph = ProvenanceGraph.load(MemorySource(), roots=world.roots)
    for op in world.ops:
        graph.add(op)
    return graph


def fields(rows):
    return {each.name: getattr(rows, each.name) for each in dataclasses.fields(rows)}


def test_rows_read_back_as_they_were(graph):
    rows = graph.columns.rows(0, len(graph))
    assert fields(decode_rows(encode_rows(rows))) == fields(rows)


def test_batches_join_to_the_whole(graph):
    joined = type(graph.columns)()
    for first in range(0, len(graph), 7):
        joined.extend(graph.columns.rows(first, min(len(graph), first + 7)))
    whole = graph.columns.rows(0, len(graph))
    assert fields(joined.rows(0, len(graph))) == fields(whole)


def test_a_batch_may_number_its_chains_and_capabilities_in_its_own_way(graph):
    rows = graph.columns.rows(0, len(graph))
    last = len(rows.chain_table) - 1
    turned = dataclasses.replace(
        rows,
        chains=type(rows.chains)("I", [last - each for each in rows.chains]),
        chain_table=rows.chain_table[::-1],
    )
    joined = type(graph.columns)()
    joined.extend(turned)
    chains = [graph.columns.chain_of(index) for index in range(len(graph))]
    assert [joined.chain_of(index) for index in range(len(graph))] == chains


def test_every_cut_and_every_longer_form_is_refused(graph):
    blob = encode_rows(graph.columns.rows(0, len(graph)))
    for size in (*range(0, len(blob), 97), len(blob) - 1):
        with pytest.raises(EncodingError):
            decode_rows(blob[:size])
    with pytest.raises(EncodingError):
        decode_rows(blob + b"\0")


def test_a_header_that_is_something_else_is_refused(graph):
    blob = encode_rows(graph.columns.rows(0, len(graph)))
    for found, put in (
        (b'"byteorder":"little"', b'"byteorder":"middle"'),
        (b'"chains":[[', b'"chairs":[['),
        (b"lodestamp/graph/1", b"lodestamp/graph/2"),
    ):
        assert found in blob
        with pytest.raises(EncodingError):
            decode_rows(blob.replace(found, put, 1))


@pytest.mark.parametrize(
    "name",
    ["digests", "kinds", "chains", "seqs", "caps", "times", "subjects", "parents", "sources"],
)
def test_columns_that_do_not_fit_one_another_are_refused(graph, name):
    rows = graph.columns.rows(0, len(graph))
    column = getattr(rows, name)
    with pytest.raises(EncodingError) as refusal:
        type(graph.columns)().extend(dataclasses.replace(rows, **{name: column[:-1]}))
    assert refusal.value.code == "bad-rows"


def test_an_edge_beyond_the_log_an_unknown_kind_and_a_wrong_start_are_refused(graph):
    rows = graph.columns.rows(0, len(graph))
    parents = rows.parents[:]
    parents[0] = len(graph)
    for changed in (
        {"parents": parents},
        {"kinds": rows.kinds[:-1] + b"\x0a"},
        {"first": 1},
        {"chain_table": ()},
        {"faults": rows.faults[:-1]},
    ):
        with pytest.raises(EncodingError):
            type(graph.columns)().extend(dataclasses.replace(rows, **changed))
