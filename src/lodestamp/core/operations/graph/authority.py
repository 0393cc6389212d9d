"""Who had the right to what: the layers of state below refutation (operations spec §7).

An operation's *standing* is the status it has before anything refutes it: valid, or what its author
lacked. It is judged from the bottom up: which key speaks for whom (`identities`), whether the chain
of its author forks (`chains`), which revocations have effect, which grants are good, and last
whether the author is a root or acts under a capability that covers what was done, at its time, with
no revocation before it (S21 to S24, S31). No layer looks at one above it, so each has one answer.

A judgement looks at a `Horizon`: the whole view, or the past of one operation, which tells whether
an attested claim was valid when it was attested (S25).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Final

from lodestamp.core.keys import KeyEvent, is_did
from lodestamp.core.operations.attenuation import attenuates
from lodestamp.core.operations.caps import Cap
from lodestamp.core.operations.envelope import Operation
from lodestamp.core.operations.graph.ancestry import Ancestry
from lodestamp.core.operations.graph.chains import Chains
from lodestamp.core.operations.graph.columns import UNKNOWN, Columns, Position
from lodestamp.core.operations.graph.grants import Granted, Grants
from lodestamp.core.operations.graph.horizon import Horizon
from lodestamp.core.operations.graph.identities import Identities
from lodestamp.core.operations.graph.positions import Positions
from lodestamp.core.operations.graph.scope import FAULTS, attested_fault, scope_fault
from lodestamp.core.operations.graph.status import (
    ATTESTATION,
    CONFIRM,
    GRANT,
    KEY,
    RECEIPT,
    REFUTATION,
    REVOCATION,
    Status,
)
from lodestamp.core.operations.limits import CHAIN_MAX
from lodestamp.errors import CapError

GRANT_SKEW_S: Final = 120
"""How far a capability may begin after the time its grant gives (S21)."""
OFFLINE_GRACE_S: Final = 86_400
"""How long after a capability's end a ledger may still place what was done under it (S22)."""

Read = Callable[[int], Operation | None]


class Authority:
    """Judges the standing of every operation in the columns."""

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
        self._named: dict[int, str] = {}
        self._columns = columns
        self._read = read
        self._attested_under = attested_under
        self._grant_codes: dict[int, str] = {}
        self._barred: dict[int, set[int]] = {}

    # What is noted

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
            self.identities.add(index, event)
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

    def observe(self, index: int) -> int | None:
        """Note whose the newest operation is; return its chain's number if others must be judged.

        An operation that continues a fork which nobody confirmed concerns nobody else.
        """
        chain = self.chains.observe(index)
        if chain is None:
            return None
        barred = self._barred.get(chain)
        confirmed = chain in self.confirms
        if barred is not None and not confirmed and self.chains.continues(chain, index):
            barred.add(index)
            return None
        return chain

    def forget(self) -> None:
        """Drop what was derived: something that others depend on has come."""
        self._grant_codes.clear()
        self._barred.clear()

    def named(self, index: int) -> str | None:
        """Return the id of the capability that the body of an operation speaks of."""
        return self._named.get(index)

    # What is judged

    def judge(self, index: int) -> tuple[Status, str]:
        """Return an operation's standing, and the code of what it lacks; ``""`` for nothing."""
        kind = self._columns.kinds[index]
        code = self.code(index, self.whole)
        if not code:
            revoked = kind == GRANT and self.revocations_of(index)
            return (Status.REVOKED if revoked else Status.VALID), ""
        if kind == REFUTATION and code != "equivocation":
            return Status.INEFFECTIVE, code
        if code == "source-invalid":
            return Status.SOURCE_INVALID, ""
        return Status.UNAUTHORISED, code

    def code(self, index: int, horizon: Horizon) -> str:
        """Return the code of what an operation lacks, as far as the horizon shows."""
        kind = self._columns.kinds[index]
        if kind == GRANT:
            return self._grant(index, horizon)
        if kind == KEY:
            return self._key(index)
        if kind == CONFIRM:
            return self._confirm(index, horizon)
        if self._is_barred(index, horizon):
            return "equivocation"
        if kind == REFUTATION:
            return self._refutation(index, horizon)
        if kind == REVOCATION:
            return "" if self._may_revoke(index, horizon) else "may-not-revoke"
        if kind == ATTESTATION:
            return self._attestation(index, horizon)
        if kind == RECEIPT:
            return self._receipt(index)
        return self._acting(index, horizon)

    def is_root(self, author: str, index: int, horizon: Horizon) -> bool:
        """Tell whether an author speaks for a root of this log in an operation."""
        if author in self.root_keys:
            return True
        identities = self.identities
        return any(
            did in self.root_dids and identities.in_force(did, index, horizon) == author
            for did in identities.dids_of(author)  # type: ignore[arg-type]  # a key id is a text
        )

    def is_plain(self, chain: int) -> bool:
        """Tell whether all of a chain stands by its author alone: a root for ever, unforked."""
        author = self._columns.chain_table[chain].author
        return author in self.root_keys and chain not in self.chains.forked

    def links_of(self, index: int) -> list[Granted]:
        """Return the chain of capabilities that an operation rests on, nearest first."""
        kind = self._columns.kinds[index]
        if kind == GRANT:
            return self.grants.chain(self.grants.carried(index)[0].cap_id)
        cap_id = self._columns.cap_of(index)
        return [] if cap_id is None else self.grants.chain(cap_id)

    def revocations_of(self, index: int) -> list[int]:
        """Return the effective revocations of any link of what a grant carries."""
        found = {by for link in self.links_of(index) for by in link.revocations}
        return sorted(by for by in found if not self.code(by, self.whole))

    def _author(self, index: int) -> str:
        return self._columns.chain_of(index).author

    def _speaks(self, author: str, principal: str, index: int, horizon: Horizon) -> bool:
        return self.identities.speaks_for(author, principal, index, horizon)  # type: ignore[arg-type]

    def _is_barred(self, index: int, horizon: Horizon) -> bool:
        chain = self._columns.chains[index]
        if chain not in self.chains.forked:
            return False
        if horizon.end is not None:
            keeps = self._keeps(chain, horizon)
            return index in self.chains.barred(chain, keeps, horizon.holds)
        if chain not in self._barred:
            self._barred[chain] = self.chains.barred(chain, self._keeps(chain, horizon))
        return index in self._barred[chain]

    def _keeps(self, chain: int, horizon: Horizon) -> list[int]:
        return [
            keep
            for index, keep in self.confirms.get(chain, ())
            if horizon.holds(index) and not self._confirm(index, horizon)
        ]

    def _key(self, index: int) -> str:
        event = self.key_events.get(index)
        stands = event is not None and self._author(index) == event.key.key_id
        return "" if event and stands and self.identities.stands(index, event) else "key-event"

    def _confirm(self, index: int, horizon: Horizon) -> str:
        keep = self._columns.sources_of(index)[0]
        named = self.confirms.get(self._columns.chains[keep], ())
        root = self.is_root(self._author(index), index, horizon)
        return "" if root and (index, keep) in named else "no-authority"

    def _acting(self, index: int, horizon: Horizon) -> str:
        """Check a root, or a capability that covers what was done (S22, S23, S31)."""
        author = self._author(index)
        if self.is_root(author, index, horizon):
            return ""
        cap_id = self._columns.cap_of(index)
        if cap_id is None:
            return "no-authority"
        return self._scope(index) or self._under(cap_id, index, horizon, holder=author)

    def _scope(self, index: int) -> str:
        """Return what the document of a capability says of an operation; that never changes."""
        cached = self._columns.faults[index]
        if cached != UNKNOWN:
            return FAULTS[cached]
        fault, final = scope_fault(index, self._columns, self.grants, self._read)
        if final:
            self._columns.faults[index] = FAULTS.index(fault)
        return fault

    def _under(self, cap_id: str, index: int, horizon: Horizon, *, holder: str | None) -> str:
        """Check that a capability holds in an operation, and that `holder` is its audience."""
        links = self.grants.chain(cap_id)
        if not links or not self._is_good(links[0], index, horizon):
            return "chain-broken"
        cap = links[0].cap
        if cap and holder and not self._speaks(holder, cap.audience, index, horizon):
            return "no-authority"
        position = horizon.position(index)
        for link in links:
            if position and link.cap and _too_late(position, link.cap):
                return "expired"
            if any(self._counts(by, index, horizon) for by in link.revocations):
                return "revoked"
        return ""

    def _counts(self, by: int, index: int, horizon: Horizon) -> bool:
        """Tell whether a revocation counts against an operation, and has effect (S31, S24)."""
        held = horizon.holds(by) and horizon.is_revoked(index, by)
        return held and not self.code(by, horizon)

    def _is_good(self, granted: Granted, index: int, horizon: Horizon) -> bool:
        return any(
            horizon.precedes(grant, index) and not self._grant(grant, horizon)
            for grant in granted.grants
        )

    def _grant(self, index: int, horizon: Horizon) -> str:
        if horizon.end is not None:
            return self._grant_code(index, horizon)
        if index not in self._grant_codes:
            self._grant_codes[index] = self._grant_code(index, horizon)
        return self._grant_codes[index]

    def _grant_code(self, index: int, horizon: Horizon) -> str:
        """Check a grant (S21); one that passes on acts under the very capability it passes on."""
        if self._is_barred(index, horizon):
            return "equivocation"
        cap, fault = self.grants.carried(index)
        author = self._author(index)
        if fault:
            return fault
        if author != cap.issuer:
            return "bad-issuer"
        if cap.not_before > self._columns.times[index] + GRANT_SKEW_S:
            return "not-yet-valid"
        root = self.is_root(author, index, horizon)
        if cap.parent is None:
            speaks = root and self._speaks(author, cap.subject, index, horizon)
            return "" if speaks else "bad-issuer"
        links = self.grants.chain(cap.cap_id)
        if len(links) > CHAIN_MAX:
            return "chain-too-long"
        parent = links[1].cap if len(links) > 1 else None
        if parent is None or not self._is_good(links[1], index, horizon):
            return "chain-broken"
        try:
            attenuates(
                cap, parent, speaks_for=lambda key, who: self._speaks(key, who, index, horizon)
            )
        except CapError as error:
            return error.code
        if root:
            return ""
        if self._columns.cap_of(index) != cap.parent:
            return "no-authority"
        return self._acting(index, horizon)

    def _may_revoke(self, index: int, horizon: Horizon) -> bool:
        """Tell whether a revocation has effect (S24); it never depends on another revocation."""
        author = self._author(index)
        if self.is_root(author, index, horizon):
            return True
        links = self.grants.chain(self._named[index]) if index in self._named else []
        for place, link in enumerate(links):
            cap = link.cap
            if cap is None or not any(map(horizon.holds, link.grants)):
                return False
            above = links[place + 1].cap if place + 1 < len(links) else None
            principal = above.audience if above else cap.subject
            if author == cap.issuer or self._speaks(author, principal, index, horizon):
                return True
            if place == 0 and cap.v == 2 and self._speaks(author, cap.audience, index, horizon):
                return True
        return False

    def _refutation(self, index: int, horizon: Horizon) -> str:
        """Check who may refute: a root, the target's author, a capability for it (S14)."""
        target = self._columns.sources_of(index)[0]
        if self._author(index) == self._author(target):
            return ""
        code = self._acting(index, horizon)
        return "may-not-refute" if code == "no-authority" else code

    def _attestation(self, index: int, horizon: Horizon) -> str:
        code = self._acting(index, horizon)
        cached = self._columns.attested[index]
        if cached == UNKNOWN:
            fault, final = attested_fault(index, self._columns, self.grants, self._read)
            if final:
                if not fault and not self._was_valid(self._columns.sources_of(index)[0], index):
                    fault = "source-invalid"
                self._columns.attested[index] = FAULTS.index(fault)
        else:
            fault = FAULTS[cached]
        if code or (fault and fault != "source-invalid"):
            return code or fault
        return self._under(self._named[index], index, horizon, holder=None) or fault

    def _receipt(self, index: int) -> str:
        """Check a receipt: the audience's, of an effective revocation of that capability (S29)."""
        if index not in self._named:
            return "purged"
        revocation = self._columns.sources_of(index)[0]
        granted = self.grants.of(self._named[index])
        if granted.cap is None or revocation not in granted.revocations:
            return "bad-receipt"
        author = self._author(index)
        if not self._speaks(author, granted.cap.audience, index, self.whole):
            return "bad-receipt"
        return "bad-receipt" if self.code(revocation, self.whole) else ""

    # What was valid in an operation's past (S25)

    def _was_valid(self, claim: int, at: int) -> bool:
        """Tell whether a claim was valid in the past of the operation at leaf `at`."""
        horizon = self.whole.before(at)
        seen, waiting = {claim}, [claim]
        while waiting:
            index = waiting.pop()
            if self._was_refuted(index, horizon):
                return False
            if not self.is_plain(self._columns.chains[index]) and self.code(index, horizon):
                return False
            fresh = set(self._columns.sources_of(index)) - seen
            seen |= fresh
            waiting += fresh
        return True

    def _was_refuted(self, index: int, horizon: Horizon) -> bool:
        """Tell whether an effective refutation in the horizon targets an operation (S12, S13)."""
        if index not in self.refuters:
            return False
        found, waiting = [], [index]
        while waiting:
            for refuter in self.refuters.get(waiting.pop(), ()):
                if horizon.holds(refuter):
                    found.append(refuter)
                    waiting.append(refuter)
        refuted: set[int] = set()
        for refuter in sorted(found, reverse=True):
            if refuter not in refuted and not self.code(refuter, horizon):
                refuted.add(self._columns.sources_of(refuter)[0])
        return index in refuted


def _too_late(position: Position, cap: Cap) -> bool:
    """Tell whether the ledger placed something too long after a capability's end (S22)."""
    return position.block_time // 1000 > cap.expires_at + OFFLINE_GRACE_S
