"""What operations say that others are judged by: keys, capabilities, chains, refutations."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from lodestamp.core.keys import KeyEvent, is_did
from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.graph.ancestry import Ancestry
from lodestamp.core.operations.graph.chains import Chains
from lodestamp.core.operations.graph.columns import Columns, Read
from lodestamp.core.operations.graph.grants import Grants
from lodestamp.core.operations.graph.horizon import Horizon
from lodestamp.core.operations.graph.identities import Identities
from lodestamp.core.operations.graph.positions import Positions
from lodestamp.core.operations.graph.status import (
    ATTESTATION,
    CONFIRM,
    GRANT,
    KEY,
    RECEIPT,
    REFUTATION,
    REVOCATION,
)


class Testimony:
    """Everything noted of the operations in the columns, and who the roots are."""

    def __init__(
        self,
        columns: Columns,
        ancestry: Ancestry,
        read: Read,
        attested_under: Callable[[int], str | None],
        roots: Iterable[str],
    ) -> None:
        named = frozenset(roots)
        self.root_keys = frozenset(root for root in named if not is_did(root))
        self.root_dids = named - self.root_keys
        self.positions = Positions()
        self.whole = Horizon(ancestry, self.positions)
        self.identities = Identities(self.whole)
        self.grants = Grants(self.identities.keys)
        self.chains = Chains(columns, ancestry)
        self.refuters: dict[int, list[int]] = {}
        self.confirms: dict[int, list[tuple[int, int]]] = {}
        """For each chain the confirmations: their leaf, and that of what they keep."""
        self.key_events: dict[int, KeyEvent] = {}
        self.disputing: set[int] = set()
        """The key events that came beside or before others of their DID."""
        self._named: dict[int, str] = {}
        self._columns = columns
        self._read = read
        self._attested_under = attested_under

    def note(self, index: int, op: Operation | None) -> None:
        """Note what an operation says of capabilities, keys and chains; None when purged."""
        columns = self._columns
        cap_id = columns.cap_of(index)
        if cap_id is not None:
            self.grants.of(cap_id).acting.append(index)
        kind = columns.kinds[index]
        if kind == REFUTATION:
            self.refuters.setdefault(columns.sources_of(index)[0], []).append(index)
        elif kind in {GRANT, REVOCATION, ATTESTATION, RECEIPT} and op is not None:
            cap_id = self.grants.add(index, op)
            if cap_id is not None:
                self._named[index] = cap_id
        elif kind == ATTESTATION and (under := self._attested_under(index)) is not None:
            self.grants.of(under).attestations.append(index)
            self._named[index] = under
        elif kind == KEY and op is not None:
            event = KeyEvent.parse(op.body["event"])
            self.key_events[index] = event
            if self.identities.add(index, event):
                self.disputing.add(index)
        elif kind == CONFIRM and op is not None:
            keep = columns.sources_of(index)[0]
            kept = columns.chain_of(keep)
            if (kept.author, kept.node) == (op.body["author"], op.body["node"]):
                self.confirms.setdefault(columns.chains[keep], []).append((index, keep))

    def note_all(self) -> None:
        """Note every operation of the columns at once."""
        columns = self._columns
        self.chains.observe_all()
        for index, (kind, cap) in enumerate(zip(columns.kinds, columns.caps, strict=True)):
            if kind >= GRANT:
                self.note(index, self._read(index))
            elif kind == REFUTATION or cap:
                self.note(index, None)

    def named(self, index: int) -> str | None:
        """Return the id of the capability that the body of an operation speaks of."""
        return self._named.get(index)

    def is_root(self, author: str, index: int, horizon: Horizon) -> bool:
        """Tell whether an author speaks for a root of this log in an operation."""
        if author in self.root_keys:
            return True
        identities = self.identities
        return any(
            did in self.root_dids and identities.in_force(did, index, horizon) == author
            for did in identities.dids_of(author)  # type: ignore[arg-type]  # a key id is a text
        )

    def is_principal(self, did: str) -> bool:
        """Tell whether anybody's standing may depend on who speaks for a DID."""
        return did in self.root_dids or did in self.grants.principals

    def is_plain(self, chain: int) -> bool:
        """Tell whether all of a chain stands by its author alone: a root for ever, unforked."""
        author = self._columns.chain_table[chain].author
        return author in self.root_keys and chain not in self.chains.forked

    def author(self, index: int) -> str:
        """Return the key id that signed the operation at a leaf."""
        return self._columns.chain_of(index).author

    def speaks(self, author: str, principal: str, index: int, horizon: Horizon) -> bool:
        """Tell whether an author is a principal, or speaks for it in an operation."""
        return self.identities.speaks_for(author, principal, index, horizon)  # type: ignore[arg-type]
