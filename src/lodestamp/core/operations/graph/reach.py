"""Whose standing a new operation or a new position may change: as few as that can be.

Most operations change nobody's but their own. A grant or a revocation concerns what speaks of its
capability or of one cut from it; a fork or a confirmation its chain; a key event that is disputed,
or a position of one, everything that does not stand by a root key alone.
"""

from __future__ import annotations

from collections.abc import Iterable
from itertools import chain as joined

from lodestamp.core.operations.graph.authority import Authority
from lodestamp.core.operations.graph.columns import Columns
from lodestamp.core.operations.graph.status import CONFIRM, GRANT, KEY, REVOCATION


class Reach:
    """Tells which operations to judge again."""

    def __init__(self, columns: Columns, authority: Authority) -> None:
        self._columns = columns
        self._authority = authority

    def of_operation(self, index: int, forked: int | None) -> list[int]:
        """Return what the newest operation concerns, itself included, ascending.

        `forked` is its chain, when that forks.
        """
        authority, kind = self._authority, self._columns.kinds[index]
        found = {index}
        if kind == KEY:
            event = authority.key_events[index]
            found.update(self.of_capabilities(authority.grants.waiting_for(event.key.key_id)))
            if index in authority.disputing:
                found.update(authority.identities.leaves_of(event.did))
                if authority.is_principal(event.did):
                    found.update(self.delicate())
        chains = set() if forked is None else {forked}
        if kind == CONFIRM:
            chains.add(self._columns.chains[self._columns.sources_of(index)[0]])
        for chain in chains & authority.chains.forked:
            found.update(self._with_capabilities(authority.chains.members(chain)))
        if authority.decides(index):
            concerned = self._with_capabilities([index])
            found.update(self._revoked_by(index, concerned) if kind == REVOCATION else concerned)
        return sorted(found)

    def of_positions(self, placed: Iterable[range]) -> list[int]:
        """Return what positions of these operations concern, ascending."""
        newly = [n for each in placed for n in each if self._is_delicate(n)]
        if any(self._columns.kinds[index] in {KEY, CONFIRM} for index in newly):
            return self.delicate()
        return sorted(set(newly).union(self._with_capabilities(newly)))

    def of_capabilities(self, cap_ids: Iterable[str]) -> set[int]:
        """Return everything that speaks of these capabilities or of one cut from them."""
        grants = self._authority.grants
        below = set[str]().union(*(grants.below(cap_id) for cap_id in cap_ids))
        return set(joined.from_iterable(grants.of(cap_id).speaking for cap_id in below))

    def _revoked_by(self, index: int, concerned: set[int]) -> Iterable[int]:
        """Return the part of these that a revocation counts against, and their grants (S31).

        It changes nothing of what came before it. That is most of it, and there may be many
        revocations of one capability.
        """
        kinds, counts = self._columns.kinds, self._authority.whole.is_revoked
        grants = [n for n in concerned if kinds[n] == GRANT]
        if any(counts(n, index) for n in grants):
            return concerned  # also what stands on a grant that falls
        rest = (n for n in concerned if kinds[n] not in {GRANT, REVOCATION})
        return [*grants, *(n for n in rest if counts(n, index))]

    def delicate(self) -> list[int]:
        """Return every operation that does not stand by a root key alone, ascending."""
        columns = self._columns
        plain = [self._authority.is_plain(chain) for chain in range(len(columns.chain_table))]
        rows = zip(columns.chains, columns.caps, columns.kinds, strict=True)
        return [
            index
            for index, (chain, cap, kind) in enumerate(rows)
            if cap or kind >= GRANT or not plain[chain]
        ]

    def _is_delicate(self, index: int) -> bool:
        columns = self._columns
        plain = self._authority.is_plain(columns.chains[index])
        return not plain or columns.caps[index] > 0 or columns.kinds[index] >= GRANT

    def _with_capabilities(self, indices: Iterable[int]) -> set[int]:
        found = set(indices)
        named = [
            cap_id
            for index in found
            if self._columns.kinds[index] in {GRANT, REVOCATION}
            if (cap_id := self._authority.named(index)) is not None
        ]
        return found | self.of_capabilities(named)
