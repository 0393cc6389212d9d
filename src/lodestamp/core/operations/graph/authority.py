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

from lodestamp.core.operations.attenuation import attenuates
from lodestamp.core.operations.caps import Cap
from lodestamp.core.operations.graph.ancestry import Ancestry
from lodestamp.core.operations.graph.columns import UNKNOWN, Columns, Position, Read
from lodestamp.core.operations.graph.grants import Granted
from lodestamp.core.operations.graph.horizon import Horizon
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
from lodestamp.core.operations.graph.testimony import Testimony
from lodestamp.core.operations.limits import CHAIN_MAX
from lodestamp.errors import CapError

GRANT_SKEW_S: Final = 120
"""How far a capability may begin after the time its grant gives (S21)."""
OFFLINE_GRACE_S: Final = 86_400
"""How long after a capability's end a ledger may still place what was done under it (S22)."""

_DECIDING: Final = frozenset({REVOCATION, CONFIRM})


class Authority(Testimony):
    """Judges the standing of every operation in the columns."""

    def __init__(
        self,
        columns: Columns,
        ancestry: Ancestry,
        read: Read,
        attested_under: Callable[[int], str | None],
        roots: Iterable[str],
    ) -> None:
        super().__init__(columns, ancestry, read, attested_under, roots)
        self._grant_codes: dict[int, str] = {}
        self._effective: dict[str, list[int]] = {}
        self._barred: dict[int, set[int]] = {}

    def observe(self, index: int) -> int | None:
        """Note whose the newest operation is; return its chain's number if others must be judged.

        An operation that continues a fork which nobody confirmed concerns nobody else.
        """
        chain = self.chains.observe(index)
        if chain is None:
            return None
        later = self.chains.joins(chain, index)
        if later is None or chain in self.confirms:
            return chain
        if later and chain in self._barred:
            self._barred[chain].add(index)
        return None

    def decides(self, index: int) -> bool:
        """Tell whether the standing of others may depend on the newest operation.

        What a stranger writes about a capability or an identity decides nothing, so it costs
        nothing.
        """
        kind = self._columns.kinds[index]
        if kind == GRANT:
            named = self.named(index)
            first = named is not None and len(self.grants.of(named).grants) == 1
            return first or not self._grant_code(index, self.whole)
        if kind == KEY:
            shown = self.key_events[index].key.key_id
            return index in self.disputing or bool(self.grants.waiting_for(shown))
        return kind in _DECIDING and not self.code(index, self.whole)

    def revoke(self, index: int) -> None:
        """Take in an effective revocation: it decides over nothing but grants and their use."""
        self._grant_codes.clear()
        known = self._effective.get(self._named.get(index, ""))
        if known is not None and index not in known:
            known.append(index)

    def forget(self) -> None:
        """Drop what was derived: something that others depend on has come."""
        self._grant_codes.clear()
        self._effective.clear()
        self._barred.clear()

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

    def links_of(self, index: int) -> list[Granted]:
        """Return the chain of capabilities that an operation rests on, nearest first."""
        kind = self._columns.kinds[index]
        if kind == GRANT:
            return self.grants.chain(self.grants.carried(index)[0].cap_id)
        cap_id = self._columns.cap_of(index)
        return [] if cap_id is None else self.grants.chain(cap_id)

    def revocations_of(self, index: int) -> list[int]:
        """Return the effective revocations of any link of what a grant carries."""
        return sorted({by for link in self.links_of(index) for by in self._revoking(link)})

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
        stands = event is not None and self.author(index) == event.key.key_id
        return "" if event and stands and self.identities.stands(index, event) else "key-event"

    def _confirm(self, index: int, horizon: Horizon) -> str:
        keep = self._columns.sources_of(index)[0]
        named = self.confirms.get(self._columns.chains[keep], ())
        root = self.is_root(self.author(index), index, horizon)
        return "" if root and (index, keep) in named else "no-authority"

    def _acting(self, index: int, horizon: Horizon) -> str:
        """Check a root, or a capability that covers what was done (S22, S23, S31)."""
        author = self.author(index)
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
        if cap and holder and not self.speaks(holder, cap.audience, index, horizon):
            return "no-authority"
        position = horizon.position(index)
        for link in links:
            if position and link.cap and _too_late(position, link.cap):
                return "expired"
            known = self._revoking(link) if horizon is self.whole else link.revocations
            if any(self._counts(by, index, horizon) for by in known):
                return "revoked"
        return ""

    def _counts(self, by: int, index: int, horizon: Horizon) -> bool:
        """Tell whether a revocation counts against an operation, and has effect (S31, S24)."""
        held = horizon.holds(by) and horizon.is_revoked(index, by)
        return held and (horizon is self.whole or not self.code(by, horizon))

    def _revoking(self, link: Granted) -> list[int]:
        """Return the revocations of a capability that have effect in the whole view."""
        cap_id = link.cap.cap_id if link.cap else ""
        if cap_id not in self._effective:
            found = [by for by in link.revocations if not self.code(by, self.whole)]
            self._effective[cap_id] = found
        return self._effective[cap_id]

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
        author = self.author(index)
        if fault:
            return fault
        if author != cap.issuer:
            return "bad-issuer"
        if cap.not_before > self._columns.times[index] + GRANT_SKEW_S:
            return "not-yet-valid"
        root = self.is_root(author, index, horizon)
        if cap.parent is None:
            speaks = root and self.speaks(author, cap.subject, index, horizon)
            return "" if speaks else "bad-issuer"
        links = self.grants.chain(cap.cap_id)
        if len(links) > CHAIN_MAX:
            return "chain-too-long"
        parent = links[1].cap if len(links) > 1 else None
        if parent is None or not self._is_good(links[1], index, horizon):
            return "chain-broken"
        try:
            attenuates(
                cap, parent, speaks_for=lambda key, who: self.speaks(key, who, index, horizon)
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
        author = self.author(index)
        if self.is_root(author, index, horizon):
            return True
        links = self.grants.chain(self._named[index]) if index in self._named else []
        for place, link in enumerate(links):
            cap = link.cap
            if cap is None or not any(map(horizon.holds, link.grants)):
                return False
            above = links[place + 1].cap if place + 1 < len(links) else None
            principal = above.audience if above else cap.subject
            if author == cap.issuer or self.speaks(author, principal, index, horizon):
                return True
            if place == 0 and cap.v == 2 and self.speaks(author, cap.audience, index, horizon):
                return True
        return False

    def _refutation(self, index: int, horizon: Horizon) -> str:
        """Check who may refute: a root, the target's author, a capability for it (S14)."""
        target = self._columns.sources_of(index)[0]
        if self.author(index) == self.author(target):
            return ""
        code = self._acting(index, horizon)
        return "may-not-refute" if code == "no-authority" else code

    def _attestation(self, index: int, horizon: Horizon) -> str:
        code = self._acting(index, horizon)
        if index not in self._named:
            return code or "purged"
        fault = self._repeated(index)
        if code or (fault and fault != "source-invalid"):
            return code or fault
        return self._under(self._named[index], index, horizon, holder=None) or fault

    def _repeated(self, index: int) -> str:
        """Return what is wrong with an attestation by its body, its claim's and its grant (S25)."""
        cached = self._columns.attested[index]
        if cached != UNKNOWN:
            return FAULTS[cached]
        fault, final = attested_fault(index, self._columns, self.grants, self._read)
        if final:
            if not fault and not self._was_valid(self._columns.sources_of(index)[0], index):
                fault = "source-invalid"
            self._columns.attested[index] = FAULTS.index(fault)
        return fault

    def settle(self, index: int) -> tuple[int, int]:
        """Judge now what only bodies tell of an operation; the numbers under which it is kept."""
        columns = self._columns
        if columns.cap_of(index) is not None:
            self._scope(index)
        if columns.kinds[index] == ATTESTATION and index in self._named:
            self._repeated(index)
        return columns.faults[index], columns.attested[index]

    def _receipt(self, index: int) -> str:
        """Check a receipt: the audience's, of an effective revocation of that capability (S29)."""
        if index not in self._named:
            return "purged"
        revocation = self._columns.sources_of(index)[0]
        granted = self.grants.of(self._named[index])
        if granted.cap is None or revocation not in granted.revocations:
            return "bad-receipt"
        author = self.author(index)
        if not self.speaks(author, granted.cap.audience, index, self.whole):
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
