"""Attenuation never widens: whatever the last link of a chain allows, every link before it does."""

from __future__ import annotations

from hypothesis import event, example, given, settings
from hypothesis import strategies as st

from lodestamp.core.keys import SigningKey
from lodestamp.core.operations import (
    Rate,
    attenuates,
    build_cap,
    check,
    command_covers,
    command_of,
    predicate_covers,
    rate_within,
    resource_covers,
    resource_narrows,
    scope_of,
)
from lodestamp.errors import CapError

KEYS = [SigningKey.from_seed("ed25519", bytes([n]) * 32) for n in range(6)]
SEGMENTS = st.sampled_from(["a", "b", "*", "", "ab"])
NAMES = st.lists(SEGMENTS, min_size=1, max_size=3).map(".".join).filter(bool)
RESOURCES = st.text("ab*/", min_size=1, max_size=4)
COMMANDS = st.lists(st.sampled_from(["a", "b", "a-b"]), min_size=1, max_size=4).map(
    lambda words: "/" + "/".join(words)
)
RATES = st.none() | st.builds(Rate, st.integers(0, 5), st.integers(1, 5))


@given(NAMES, NAMES, NAMES)
@settings(max_examples=500)
@example("a.*", "a.*", "a.*")
@example("a.*", "a..*", "a..b")
def test_a_covered_predicate_covers_no_name_that_its_cover_does_not(parent, child, name):
    if predicate_covers(parent, child) and predicate_covers(child, name):
        assert predicate_covers(parent, name)


@given(RESOURCES, RESOURCES, RESOURCES)
@settings(max_examples=1000)
@example("a", "a*", "ab")
@example("a**", "a*", "ab")
def test_a_narrower_resource_covers_no_name_that_the_wider_does_not(parent, child, name):
    if resource_narrows(child, parent) and resource_covers(child, name):
        assert resource_covers(parent, name)


@given(COMMANDS, COMMANDS, COMMANDS)
def test_a_covered_command_covers_no_command_that_its_cover_does_not(parent, child, command):
    if command_covers(parent, child) and command_covers(child, command):
        assert command_covers(parent, command)


@given(COMMANDS)
def test_every_command_is_one_scope_word_and_back(command):
    assert command_of(scope_of(command)) == command


@given(RATES, RATES, RATES)
def test_rates_are_ordered(one, two, three):
    if rate_within(one, two) and rate_within(two, three):
        assert rate_within(one, three)


LINKS = st.fixed_dictionaries(
    {
        "predicates": st.lists(NAMES, max_size=3),
        "resources": st.lists(RESOURCES, max_size=2),
        "commands": st.lists(COMMANDS, min_size=1, max_size=3),
        "rate": RATES,
        "min_confidence_bp": st.integers(0, 3),
        "not_before": st.integers(0, 3),
        "expires_at": st.integers(4, 8),
        "depth_left": st.integers(0, 4),
    }
)


def chain_of(links):
    """Return a chain of these links, each issued by the audience of the one before."""
    chain = []
    for place, link in enumerate(links):
        parent = chain[-1].cap_id if chain else None
        chain.append(
            build_cap(
                KEYS[place],
                audience=KEYS[place + 1].key_id,
                subject=KEYS[0].key_id,
                parent=parent,
                nonce=bytes(16),
                **link,
            )
        )
    return chain


def narrowed(draw, link):
    """Return a link drawn from within another, but for one field that may go anywhere."""
    below = st.sampled_from(["", ".a", ".b.*"])
    inside = {
        "predicates": [
            (name.removesuffix(".*") + draw(below) or name) if name.endswith(".*") else name
            for name in draw(_some(link["predicates"]))
        ],
        "resources": [
            name.removesuffix("*") + draw(st.sampled_from(["", "*", "a", "b*"]))
            if name.endswith("*")
            else name
            for name in draw(_some(link["resources"], least=bool(link["resources"])))
        ],
        "commands": draw(_some(link["commands"], least=1)),
        "rate": link["rate"],
        "min_confidence_bp": link["min_confidence_bp"] + draw(st.integers(0, 1)),
        "not_before": link["not_before"],
        "expires_at": link["expires_at"],
        "depth_left": max(0, link["depth_left"] - 1),
    }
    inside["resources"] = [name or "a" for name in inside["resources"]]
    astray = draw(st.sampled_from([*[None] * 8, *sorted(inside)]))
    return inside | ({astray: draw(LINKS)[astray]} if astray else {})


def _some(items, *, least=0):
    return st.lists(st.sampled_from(items), min_size=least, max_size=3) if items else st.just([])


@given(st.data(), st.integers(1, 5))
@settings(max_examples=300)
def test_what_a_chain_allows_each_of_its_links_allows(data, length):
    links = [data.draw(LINKS) | {"depth_left": 4}]
    while len(links) < length:
        links.append(narrowed(data.draw, links[-1]))
    chain, last = chain_of(links), links[-1]
    asked = (
        data.draw(st.sampled_from(last["commands"])),
        data.draw(st.none() | NAMES | st.sampled_from(last["predicates"] or ["a"])),
        data.draw(st.none() | st.integers(0, 4)),
        data.draw(st.none() | RESOURCES | st.sampled_from(last["resources"] or ["a"])),
        data.draw(st.integers(2, 5)),
    )
    decision = check(chain, *asked)
    event(f"{length} links: {decision.code or 'allowed'}")
    if decision.allowed:
        for end in range(1, length):
            assert check(chain[:end], *asked).allowed


@given(LINKS, LINKS, st.tuples(COMMANDS, NAMES, st.integers(0, 4), RESOURCES, st.integers(0, 9)))
@settings(max_examples=300)
def test_a_child_that_is_wider_is_never_allowed_anything(parent, child, asked):
    chain = chain_of([parent, child])
    try:
        attenuates(chain[1], chain[0])
    except CapError:
        assert check(chain, *asked).code == "not-attenuated"
    else:
        assert check(chain, *asked).code != "not-attenuated"
