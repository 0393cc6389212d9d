"""Patterns: which operations a flow runs and what binds its content (flows spec R42, R44).

>>> sorted(STANDARD_WORKFLOWS)
['content_addressing_with_covenant', 'merkle_proof_verification', 'script_introspection_pattern']
>>> Pattern.parse(STANDARD_WORKFLOWS["merkle_proof_verification"]).covenant is None
True
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from types import MappingProxyType
from typing import Any, Final, Self, cast

from lodestamp.core.encoding import (
    JsonObject,
    JsonValue,
    base64_decode,
    base64_encode,
    canonical_json,
)
from lodestamp.core.flows.limits import (
    BATCH_MAX,
    CHALLENGES_MAX,
    PATTERN_OPERATIONS_MAX,
    PATTERN_SIZE_MAX,
    PROOF_DEPTH_MAX,
)
from lodestamp.errors import (
    ConcatTooLong,
    EncodingError,
    LimitExceeded,
    MalformedPattern,
    UnknownOperation,
)

ELEMENT_MAX: Final = 520
"""Bytes of one stack element of a script (BIP-342); nothing longer can be joined."""
AMOUNT_MAX: Final = 100_000_000
"""Satoshis a covenant output may hold: it binds content and is no place to keep money."""
DEFAULT_AMOUNT: Final = 20_000
"""Satoshis: enough for every kind's spend at some 40 satoshis per virtual byte."""
_CID_SIZE: Final = 36
_CONDITIONS: Final = frozenset(
    {"requires_ipfs_reference", "op_cat_validation", "template_enforcement"}
)
_SCRIPTS: Final = frozenset({"OP_CHECKSIG", "OP_CHECKTEMPLATEVERIFY"})
_MODES: Final = frozenset({"auto", "bytes", "digest"})
_is_requirement: Final = re.compile(
    r"mutants_refused|spv|confirmations:[1-9][0-9]{0,3}|header_work:[1-9][0-9]{0,2}"
).fullmatch
_is_hash: Final = re.compile("[0-9a-f]{64}").fullmatch
_is_cid_text: Final = re.compile("[A-Za-z0-9]{1,200}").fullmatch
_PATTERN_KEYS: Final = frozenset({"description", "op_cat_operations", "bitcoin_covenant"})
_COVENANT_KEYS: Final = frozenset(
    {
        "amount",
        "challenges",
        "leaf_mode",
        "spending_conditions",
        "validation_requirements",
        "validation_script",
    }
)
_OPERATION_KEYS: Final[Mapping[str, tuple[frozenset[str], frozenset[str]]]] = MappingProxyType(
    {
        "content_concat": (frozenset({"data"}), frozenset({"data"})),
        "hash_chain": (frozenset({"elements"}), frozenset({"elements"})),
        "merkle_proof": (frozenset(), frozenset({"elements", "root", "batch"})),
        "script_introspection": (frozenset({"script_data"}), frozenset({"script_data"})),
    }
)
"""Each operation's keys: those it must have, and those it may have."""
_ALIASES: Final = MappingProxyType({"concat": "content_concat"})

STANDARD_WORKFLOWS: Final[Mapping[str, JsonObject]] = MappingProxyType(
    {
        "content_addressing_with_covenant": {
            "description": "Address content, run its operations, and lock a coin with its bytes.",
            "op_cat_operations": [
                {"type": "content_concat", "data": "STARLIGHT_OP_CAT"},
                {"type": "hash_chain", "elements": ["validation", "covenant"]},
            ],
            "bitcoin_covenant": {
                "spending_conditions": ["requires_ipfs_reference", "op_cat_validation"],
                "validation_requirements": ["mutants_refused", "confirmations:1", "spv"],
                "validation_script": "OP_CHECKSIG",
            },
        },
        "merkle_proof_verification": {
            "description": "Show that content is a member of the packet's batch.",
            "op_cat_operations": [{"type": "merkle_proof"}],
        },
        "script_introspection_pattern": {
            "description": "Force what the spend of a coin publishes.",
            "op_cat_operations": [
                {"type": "script_introspection", "script_data": "COVENANT_CONTEXT"}
            ],
            "bitcoin_covenant": {
                "spending_conditions": ["template_enforcement"],
                "validation_requirements": ["mutants_refused", "confirmations:1", "spv"],
                "validation_script": "OP_CHECKTEMPLATEVERIFY",
            },
        },
    }
)
"""The patterns every store begins with, as they are registered."""


@dataclass(frozen=True, slots=True)
class CovenantTerms:
    """How the content is bound, and what must hold of that (R44).

    `amount` is in satoshis per output; `challenges` the leaves of a large file that are bound;
    `leaf_mode` is ``auto``, ``bytes`` or ``digest`` (R43).
    """

    validation_script: str = "OP_CHECKSIG"
    spending_conditions: tuple[str, ...] = ()
    validation_requirements: tuple[str, ...] = ()
    amount: int = DEFAULT_AMOUNT
    challenges: int = 1
    leaf_mode: str = "auto"

    @property
    def confirmations(self) -> int:
        """Blocks that must stand upon funding and spend, their own included; at least one."""
        return max(1, self._number("confirmations"))

    @property
    def header_work(self) -> int:
        """The power of two of cumulative work that is asked for; 0 for none."""
        return self._number("header_work")

    def _number(self, name: str) -> int:
        asked = [each.partition(":") for each in self.validation_requirements]
        return max((int(number) for what, _, number in asked if what == name), default=0)

    def as_json(self) -> JsonObject:
        """Return the member ``bitcoin_covenant``."""
        return {
            "amount": self.amount,
            "challenges": self.challenges,
            "leaf_mode": self.leaf_mode,
            "spending_conditions": list[JsonValue](self.spending_conditions),
            "validation_requirements": list[JsonValue](self.validation_requirements),
            "validation_script": self.validation_script,
        }


@dataclass(frozen=True, slots=True)
class Pattern:
    """Operations in order, and the terms of the covenant if there is one; closed schema."""

    operations: tuple[JsonObject, ...]
    covenant: CovenantTerms | None = None
    description: str = ""

    @classmethod
    def parse(cls, config: Mapping[str, Any]) -> Self:
        """Read a pattern; bytes may be bytes or ``{"base64": …}``.

        MalformedPattern for an unknown key, condition, requirement or script, or another kind of
        value; UnknownOperation for another type of operation; ConcatTooLong for data that cannot
        be joined even to a CID; LimitExceeded over 64 operations or 64 KiB.
        """
        found = _closed("a pattern", config, frozenset({"op_cat_operations"}), _PATTERN_KEYS)
        operations = _list("op_cat_operations", found["op_cat_operations"])
        if len(operations) > PATTERN_OPERATIONS_MAX:
            raise LimitExceeded("a pattern's operations", PATTERN_OPERATIONS_MAX, len(operations))
        covenant = found.get("bitcoin_covenant")
        description = found.get("description", "")
        if not isinstance(description, str):
            raise MalformedPattern("description is a text")
        pattern = cls(
            tuple(_operation(each) for each in operations),
            None if covenant is None else _terms(covenant),
            description,
        )
        pattern._require_sense()
        try:
            size = len(canonical_json(pattern.as_json()))
        except EncodingError as error:
            raise MalformedPattern(error.message) from error
        if size > PATTERN_SIZE_MAX:
            raise LimitExceeded("a pattern", PATTERN_SIZE_MAX, size)
        return pattern

    def _require_sense(self) -> None:
        """Refuse what could be registered and never hold."""
        kinds = [str(each["type"]) for each in self.operations]
        terms = self.covenant
        if terms is None:
            return
        needs = {
            "template_enforcement": "script_introspection" in kinds,
            "op_cat_validation": bool(kinds),
            "requires_ipfs_reference": not {"script_introspection", "merkle_proof"} & {*kinds},
        }
        for condition in terms.spending_conditions:
            if not needs[condition]:
                raise MalformedPattern(f"nothing in the pattern could enforce {condition}")
        introspections = kinds.count("script_introspection")
        if terms.validation_script == "OP_CHECKTEMPLATEVERIFY" and not introspections:
            raise MalformedPattern("a template needs a script_introspection to force")
        if introspections > 1 or (introspections and "merkle_proof" in kinds):
            raise MalformedPattern("one coin is bound by one introspection or one Merkle proof")
        if kinds.count("merkle_proof") > 1:
            raise MalformedPattern("one coin is bound by one Merkle proof")

    def as_json(self) -> JsonObject:
        """Return the pattern as it is stored; `parse` reads it back."""
        told: JsonObject = {"op_cat_operations": [dict(each) for each in self.operations]}
        if self.covenant is not None:
            told["bitcoin_covenant"] = self.covenant.as_json()
        if self.description:
            told["description"] = self.description
        return told

    @property
    def digest(self) -> bytes:
        """The SHA-256 of its canonical bytes."""
        return sha256(canonical_json(self.as_json())).digest()


def bytes_of(value: object) -> bytes:
    """Return the bytes a text (as UTF-8), bytes, or ``{"base64": …}`` stand for (R42)."""
    try:
        if isinstance(value, str):
            return value.encode("utf-8")
        if isinstance(value, bytes):
            return value
        if isinstance(value, Mapping) and set(value) == {"base64"}:
            text = value["base64"]
            if isinstance(text, str):
                return base64_decode(text)
    except (UnicodeEncodeError, EncodingError):
        pass
    raise MalformedPattern('bytes are a text, bytes, or {"base64": …}')


def _spelled(value: object) -> JsonValue:
    """Return bytes as JSON has them; a text stays one."""
    raw = bytes_of(value)
    return value if isinstance(value, str) else {"base64": base64_encode(raw)}


def _operation(value: object) -> JsonObject:
    if not isinstance(value, Mapping) or not isinstance(value.get("type"), str):
        raise MalformedPattern("an operation is an object with a type")
    kind = _ALIASES.get(value["type"], value["type"])
    if kind not in _OPERATION_KEYS:
        known = ", ".join(_OPERATION_KEYS)
        message = f"there is no operation {value['type'][:40]!r} in a flow; there are {known}"
        raise UnknownOperation(message, code="unknown-operation-type")
    must, may = _OPERATION_KEYS[kind]
    found = _closed(kind, value, must | {"type"}, may | {"type"})
    if kind == "content_concat":
        raw = bytes_of(found["data"])
        if len(raw) > ELEMENT_MAX - _CID_SIZE:
            raise ConcatTooLong(ELEMENT_MAX, _CID_SIZE + len(raw))
        return {"type": kind, "data": _spelled(found["data"])}
    if kind == "hash_chain":
        elements = _list("elements", found["elements"])
        for each in elements:
            _require_joinable(each, ELEMENT_MAX - 32)
        return {"type": kind, "elements": [_spelled(each) for each in elements]}
    if kind == "script_introspection":
        bytes_of(found["script_data"])
        return {"type": kind, "script_data": _spelled(found["script_data"])}
    return _membership(found)


def _require_joinable(value: object, maximum: int) -> None:
    size = len(bytes_of(value))
    if size > maximum:
        raise ConcatTooLong(maximum, size)


def _membership(found: Mapping[str, Any]) -> JsonObject:
    given = set(found) - {"type"}
    if given == {"elements", "root"}:
        elements = [
            _closed("a sibling", each, frozenset({"hash", "side"}), frozenset({"hash", "side"}))
            for each in _list("elements", found["elements"])
        ]
        if len(elements) > PROOF_DEPTH_MAX:
            raise LimitExceeded("a Merkle proof's siblings", PROOF_DEPTH_MAX, len(elements))
        for each in elements:
            if not isinstance(each["hash"], str) or not _is_hash(each["hash"]):
                raise MalformedPattern("a sibling's hash has 64 hexadecimal digits")
            if each["side"] not in ("left", "right"):
                raise MalformedPattern("a sibling stands left or right")
        if not isinstance(found["root"], str) or not _is_hash(found["root"]):
            raise MalformedPattern("a root has 64 hexadecimal digits")
        siblings = cast("list[JsonValue]", [dict(each) for each in elements])
        return {"type": "merkle_proof", "elements": siblings, "root": found["root"]}
    if given == {"batch"}:
        return {"type": "merkle_proof", "batch": batch_of(found["batch"])}
    if given:
        raise MalformedPattern("a Merkle proof has siblings and a root, or a batch")
    return {"type": "merkle_proof"}


def batch_of(value: object) -> list[JsonValue]:
    """Return a batch of CIDs as texts; MalformedPattern for anything else."""
    batch = _list("a batch", value)
    if not 0 < len(batch) <= BATCH_MAX:
        raise LimitExceeded("a batch", BATCH_MAX, len(batch))
    if not all(isinstance(each, str) and _is_cid_text(each) for each in batch):
        raise MalformedPattern("a batch is a list of CIDs")
    return list(batch)


def _terms(value: object) -> CovenantTerms:
    found = _closed("bitcoin_covenant", value, frozenset(), _COVENANT_KEYS)
    script = found.get("validation_script", "OP_CHECKSIG")
    conditions = _names(found, "spending_conditions", lambda each: each in _CONDITIONS)
    requirements = _names(found, "validation_requirements", _is_requirement)
    if script not in _SCRIPTS:
        raise MalformedPattern(f"validation_script is one of {', '.join(sorted(_SCRIPTS))}")
    mode = found.get("leaf_mode", "auto")
    if mode not in _MODES:
        raise MalformedPattern(f"leaf_mode is one of {', '.join(sorted(_MODES))}")
    return CovenantTerms(
        script,
        conditions,
        requirements,
        _whole(found.get("amount", DEFAULT_AMOUNT), "amount", 1_000, AMOUNT_MAX),
        _whole(found.get("challenges", 1), "challenges", 1, CHALLENGES_MAX),
        mode,
    )


def _names(found: Mapping[str, Any], key: str, known: Any) -> tuple[str, ...]:
    names = _list(key, found.get(key, []))
    for each in names:
        if not isinstance(each, str) or not known(each):
            raise MalformedPattern(f"{key}: {str(each)[:40]!r} is none that is enforced here")
    if len(set(names)) != len(names):
        raise MalformedPattern(f"{key}: one stands twice")
    return tuple(names)


def _whole(value: object, what: str, low: int, high: int) -> int:
    if type(value) is not int or not low <= value <= high:
        raise MalformedPattern(f"{what} is a number from {low:,} to {high:,}")
    return value


def _list(what: str, value: object) -> Sequence[Any]:
    if not isinstance(value, list | tuple):
        raise MalformedPattern(f"{what} is a list")
    return value


def _closed(
    what: str, value: object, must: frozenset[str], may: frozenset[str]
) -> Mapping[str, Any]:
    if not isinstance(value, Mapping):
        raise MalformedPattern(f"{what} is an object")
    unknown, missing = set(value) - may, must - set(value)
    if unknown or missing:
        message = f"{what}: unknown {sorted(map(str, unknown))}, missing {sorted(missing)}"
        raise MalformedPattern(message)
    return value
