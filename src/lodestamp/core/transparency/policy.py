r"""Policies: which logs and witnesses are trusted, and how many of them it takes (R21).

The text is that of C2SP tlog-policy: one definition a line, words parted by spaces or tabs, lines
that begin with ``#`` are comments. A group counts as a witness once enough of its members do.

>>> from lodestamp.core.transparency.vkey import ED25519_COSIGNATURE, VerifierKey
>>> key = VerifierKey("witness.example/w1", ED25519_COSIGNATURE, bytes(32))
>>> policy = parse_policy(f"witness W1 {key}\nquorum W1\n")
>>> quorum_met(policy, {"W1"}), quorum_met(policy, ())
(True, False)
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from lodestamp.core.transparency.cosign import COSIGNATURE_TYPES, Cosignature
from lodestamp.core.transparency.vkey import (
    ED25519_NOTE,
    MLDSA44_COSIGNATURE,
    VerifierKey,
    parse_vkey,
)
from lodestamp.errors import BadNote, TrustError

POLICY_SIZE_MAX: Final = 1 << 20
"""Characters of a policy: 256 post-quantum keys of 1.8 KB each, and room for comments."""

POLICY_ENTRIES_MAX: Final = 256
"""Logs, witnesses, and groups, of each; the format asks for at least 32."""

NO_QUORUM: Final = "none"
"""The one name that is defined beforehand: a quorum that asks for nobody."""

_LOG_TYPES: Final = frozenset({ED25519_NOTE, MLDSA44_COSIGNATURE})
_find_control: Final = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]").search
_words: Final = re.compile(r"[^ \t]+").findall
_is_count: Final = re.compile(r"[1-9][0-9]{0,3}").fullmatch


@dataclass(frozen=True, slots=True)
class PolicyLog:
    """A log that is trusted, and where it is found."""

    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyWitness:
    """A witness under the name the policy gives it, and where it takes checkpoints."""

    name: str
    vkey: VerifierKey
    url: str | None = None


@dataclass(frozen=True, slots=True)
class PolicyGroup:
    """Members, each a witness or a group defined before, of which `threshold` must have cosigned.

    The threshold is between 1 and the number of members.
    """

    name: str
    threshold: int
    members: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Policy:
    """A policy as values, in the order of its text; `quorum` is None where nobody is asked for."""

    logs: tuple[PolicyLog, ...]
    witnesses: tuple[PolicyWitness, ...]
    groups: tuple[PolicyGroup, ...]
    quorum: str | None

    def cosigners(self, cosignatures: Iterable[Cosignature]) -> frozenset[str]:
        """Return the names of the witnesses that verified cosignatures are of."""
        signed = {(each.name, each.key_id) for each in cosignatures}
        return frozenset(
            witness.name
            for witness in self.witnesses
            if (witness.vkey.name, witness.vkey.key_id) in signed
        )

    @property
    def witness_keys(self) -> tuple[VerifierKey, ...]:
        """The keys of its witnesses."""
        return tuple(witness.vkey for witness in self.witnesses)


def quorum_met(policy: Policy, names: Iterable[str]) -> bool:
    """Tell whether these witnesses, by their names in the policy, are enough for its quorum."""
    given = frozenset(names)
    met = {witness.name for witness in policy.witnesses if witness.name in given}
    for group in policy.groups:
        if sum(member in met for member in group.members) >= group.threshold:
            met.add(group.name)
    return policy.quorum is None or policy.quorum in met


def threshold_policy(threshold: int, vkeys: Iterable[VerifierKey]) -> Policy:
    """Return the policy that asks for any `threshold` of these witnesses, named by their vkeys.

    TrustError ``bad-policy`` for a threshold outside 1 to their number, a public key given twice, a
    key of another type, or more than 256 of them.
    """
    reader = _Reader()
    for vkey in vkeys:
        reader.add_witness([vkey.text(), vkey.text()])
    members = [witness.name for witness in reader.witnesses]
    reader.add_group(["quorum", str(threshold), *members])
    return reader.policy("quorum")


def parse_policy(text: str) -> Policy:
    """Read the text of a policy; TrustError ``bad-policy`` for anything else, saying which line.

    A name is defined once, before its use, and is a member of at most one group; no public key is
    that of two logs or of two witnesses; there is exactly one quorum. Limits of our own: 1 MiB, and
    256 logs, witnesses and groups of each.
    """
    if len(text) > POLICY_SIZE_MAX:
        raise _refused(f"{len(text):,} characters, more than {POLICY_SIZE_MAX:,}")
    reader = _Reader()
    quorum: str | None = None
    for number, line in enumerate(text.split("\n"), start=1):
        if _find_control(line):
            raise _refused(f"line {number} holds a control character")
        words = _words(line)
        if not words or words[0].startswith("#"):
            continue
        try:
            if words[0] == "quorum":
                if quorum is not None:
                    raise _refused("there is a quorum already")
                quorum = reader.quorum(words[1:])
            else:
                reader.add(words[0], words[1:])
        except (TrustError, BadNote) as error:
            raise _refused(f"line {number}: {error.message}") from None
    if quorum is None:
        raise _refused("it names no quorum")
    return reader.policy(quorum)


class _Reader:
    """What the lines so far have defined."""

    def __init__(self) -> None:
        self.logs: list[PolicyLog] = []
        self.witnesses: list[PolicyWitness] = []
        self._groups: list[PolicyGroup] = []
        self._defined: set[str] = set()
        self._members: set[str] = set()
        self._keys: set[tuple[str, bytes]] = set()

    def add(self, kind: str, words: list[str]) -> None:
        add = {"log": self.add_log, "witness": self.add_witness, "group": self.add_group}.get(kind)
        if add is None:
            raise _refused(f"{kind[:80]!r} begins no definition")
        add(words)

    def add_log(self, words: list[str]) -> None:
        if len(words) not in (1, 2):
            raise _refused("a log is defined by `log VKEY [URL]`")
        vkey = self._key("log", words[0], _LOG_TYPES)
        _require_room(self.logs)
        self.logs.append(PolicyLog(vkey, *words[1:]))

    def add_witness(self, words: list[str]) -> None:
        if len(words) not in (2, 3):
            raise _refused("a witness is defined by `witness NAME VKEY [URL]`")
        self._define(words[0])
        vkey = self._key("witness", words[1], COSIGNATURE_TYPES)
        _require_room(self.witnesses)
        self.witnesses.append(PolicyWitness(words[0], vkey, *words[2:]))

    def add_group(self, words: list[str]) -> None:
        if len(words) < 3:
            raise _refused("a group is defined by `group NAME K|any|all NAME...`")
        name, count, *members = words
        for member in members:
            if member not in self._defined:
                raise _refused(f"{member[:80]!r} is not defined above")
            if member in self._members:
                raise _refused(f"{member[:80]!r} is a member already")
            self._members.add(member)
        self._define(name)
        numbers = {"any": 1, "all": len(members)}
        if count not in numbers and not _is_count(count):
            raise _refused(f"{count[:80]!r} is no number of members, and not any or all")
        threshold = numbers[count] if count in numbers else int(count)
        if not 1 <= threshold <= len(members):
            raise _refused(f"{threshold} of {len(members)} members are never there")
        _require_room(self._groups)
        self._groups.append(PolicyGroup(name, threshold, tuple(members)))

    def quorum(self, words: list[str]) -> str:
        if len(words) != 1:
            raise _refused("a quorum is `quorum NAME` or `quorum none`")
        if words[0] != NO_QUORUM and words[0] not in self._defined:
            raise _refused(f"{words[0][:80]!r} is not defined above")
        return words[0]

    def policy(self, quorum: str) -> Policy:
        return Policy(
            tuple(self.logs),
            tuple(self.witnesses),
            tuple(self._groups),
            None if quorum == NO_QUORUM else quorum,
        )

    def _define(self, name: str) -> None:
        if name == NO_QUORUM or name in self._defined:
            raise _refused(f"{name[:80]!r} is defined already")
        self._defined.add(name)

    def _key(self, role: str, text: str, types: frozenset[int]) -> VerifierKey:
        vkey = parse_vkey(text)
        if vkey.key_type not in types:
            raise _refused(f"a {role} has no key of type {vkey.key_type:02x}")
        if (role, vkey.public) in self._keys:
            raise _refused(f"the public key of {vkey.name} is that of another {role}")
        self._keys.add((role, vkey.public))
        return vkey


def _require_room(entries: Sequence[object]) -> None:
    if len(entries) == POLICY_ENTRIES_MAX:
        raise _refused(f"more than {POLICY_ENTRIES_MAX} of one kind")


def _refused(reason: str) -> TrustError:
    return TrustError(f"not a policy: {reason}", code="bad-policy")
