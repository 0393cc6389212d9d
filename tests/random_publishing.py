"""Random chains of Open Publish: most of what is done in them holds, and the rest is odd."""

from __future__ import annotations

from hypothesis import strategies as st

from lodestamp.core.ownership import ASSET_UNITS
from publishing import PEOPLE, Press, raw_chain

WHO = st.integers(0, len(PEOPLE) - 1)
OTHERS = st.integers(1, len(PEOPLE) - 1)
WORK = st.sampled_from([0, 0, 0, 0, 0, 0, 1, 2])
"""Work 0 is registered by person 0 in the first block, so most of what is done concerns it."""
SIGNERS = st.lists(st.one_of(WHO, WHO, WHO, st.none()), min_size=1, max_size=3)
VALUES = st.one_of(
    st.integers(1, 30_000_000),
    st.sampled_from([1, 2, 5.0, 49_999_999, 50_000_000, ASSET_UNITS - 1, ASSET_UNITS, 0, "5"]),
)
CROWDS = st.sampled_from([[1, 0, 2], [1, 1, 0], [3, None, 0], [0, 1, 2]])
AMOUNTS = st.one_of(st.integers(1, 100_000), st.just(0))
PAID = st.lists(st.tuples(AMOUNTS, st.one_of(WHO, WHO, st.none())), max_size=3)
PLAIN = (
    st.tuples(st.just("sale"), WORK, VALUES, st.sampled_from([0, 0, 0, 1, 2]), WHO),
    st.tuples(st.just("sale"), st.just(0), st.integers(1, 9_000_000), st.just(0), OTHERS),
    st.tuples(st.just("flow"), WORK, OTHERS, AMOUNTS, st.just(0)),
    st.tuples(st.just("flow"), WORK, st.just(0), AMOUNTS, OTHERS),
)
ODD = (
    st.tuples(st.just("register"), st.one_of(WHO, st.none()), WORK, st.sampled_from([0, 40, 200])),
    st.tuples(st.just("transfer"), WORK, VALUES, WHO, SIGNERS, st.sampled_from(["A", "B", "bad"])),
    st.tuples(st.just("transfer"), WORK, VALUES, st.just(0), CROWDS, st.just("A")),
    st.tuples(st.just("heart"), WORK, SIGNERS, PAID),
    st.tuples(st.just("forged"), WORK, WHO),
)
ACTS = st.lists(st.one_of(*PLAIN, *PLAIN, *ODD), min_size=1, max_size=6)
BLOCKS = st.lists(ACTS, min_size=3, max_size=8)


def chain_of(blocks) -> list[bytes]:
    """Raw blocks in which all this is done; the first one registers a work, so that it begins."""
    press = Press()
    return raw_chain(
        [
            press.register(0, 0),
            *([tx for act in acts for tx in _act(press, act)] for acts in blocks),
        ]
    )


def _act(press: Press, action):
    kind, *rest = action
    if kind == "register":
        who, work, size = rest
        title = "".join(chr(33 + n * n % 90) for n in range(size))
        return press.register(who, work, title=title)
    if kind == "transfer":
        work, value, seller, signers, layout = rest
        return press.transfer(work, value, seller, signers, layout=layout)
    if kind == "sale":
        work, value, seller, buyer = rest
        return press.transfer(work, value, seller, [buyer, seller])
    if kind == "flow":
        work, payer, amount, paid = rest
        return press.heart(work, [payer], [(amount, paid)])
    return getattr(press, kind)(*rest)
