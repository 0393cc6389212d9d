"""Reading the sections of a proof file that carry its checkpoint further: `ledger`, `anchors` (§9).

Only shapes are read here. Whether a path leads anywhere is for the legs to say.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Final

from lodestamp.core.encoding import JsonObject, JsonValue
from lodestamp.core.proof.anchor import Anchor, AnchorChain, AnchorCovenant, AnchorKind
from lodestamp.core.proof.model import (
    ANCHORS_MAX,
    CHAIN_TRANSACTIONS_MAX,
    NETWORKS,
    SKIPS_MAX,
    Ledger,
    LedgerResult,
)
from lodestamp.core.proof.run import run_length
from lodestamp.core.proof.sections import reader, refuse
from lodestamp.errors import LimitExceeded, MalformedBlock

_KINDS: Final = tuple(AnchorKind)
_ENGINES: Final = ("embedded", "cometbft")
_LEDGER_REQUIRED: Final = frozenset(
    {
        "chain",
        "count",
        "engine",
        "finality",
        "header",
        "height",
        "index",
        "path",
        "transaction",
    }
)
_HASH_SIZE: Final = 32


def read_ledger(section: JsonObject) -> Ledger:
    """Read `ledger`."""
    at = "/ledger"
    reader.members(section, at, _LEDGER_REQUIRED, frozenset({"result", "skips"}))
    return Ledger(
        engine=reader.choice(section["engine"], f"{at}/engine", _ENGINES),
        chain=reader.text(section["chain"], f"{at}/chain"),
        height=reader.count(section["height"], f"{at}/height"),
        transaction=reader.base64(section["transaction"], f"{at}/transaction"),
        index=reader.count(section["index"], f"{at}/index"),
        count=reader.count(section["count"], f"{at}/count"),
        path=reader.base64(section["path"], f"{at}/path"),
        header=reader.object(section["header"], f"{at}/header"),
        finality=reader.object(section["finality"], f"{at}/finality"),
        result=_read_result(section["result"]) if "result" in section else None,
        skips=(
            reader.objects(section["skips"], f"{at}/skips", SKIPS_MAX, minimum=1)
            if "skips" in section
            else ()
        ),
    )


def _read_result(value: JsonValue) -> LedgerResult:
    at = "/ledger/result"
    section = reader.object(value, at)
    reader.members(section, at, frozenset({"code", "data", "path"}))
    return LedgerResult(
        code=reader.count(section["code"], f"{at}/code"),
        returned=reader.base64(section["data"], f"{at}/data"),
        path=reader.base64(section["path"], f"{at}/path"),
    )


def read_anchors(value: JsonValue) -> tuple[Anchor, ...]:
    """Read `anchors`: they ascend by network, height (pending ones first) and path."""
    sections = reader.objects(value, "/anchors", ANCHORS_MAX, minimum=1)
    anchors = tuple(_read_anchor(each, f"/anchors/{at}") for at, each in enumerate(sections))
    if any(first.order >= second.order for first, second in pairwise(anchors)):
        refuse("not_canonical", "anchors ascend by network, height, path, each once", "/anchors")
    return anchors


def _read_anchor(section: JsonObject, at: str) -> Anchor:
    optional = frozenset({"chain", "headers", "height"})
    reader.members(section, at, frozenset({"kind", "network", "ots"}), optional)
    kind = AnchorKind(reader.choice(section["kind"], f"{at}/kind", _KINDS))
    if ("height" in section) != ("headers" in section):
        missing = "headers" if "height" in section else "height"
        refuse("missing_member", f"height and headers come together; no {missing}", at)
    if ("chain" in section) != (kind is AnchorKind.CHAIN):
        reason = "unknown_member" if "chain" in section else "missing_member"
        refuse(reason, "chain comes with the kind chain, and with no other", at)
    ots = reader.base64(section["ots"], f"{at}/ots")
    if not ots:
        refuse("bad_type", "an empty timestamp", f"{at}/ots")
    return Anchor(
        kind=kind,
        network=reader.choice(section["network"], f"{at}/network", NETWORKS),
        ots=ots,
        height=reader.count(section["height"], f"{at}/height") if "height" in section else None,
        headers=_read_run(section["headers"], f"{at}/headers") if "headers" in section else None,
        chain=_read_chain(section["chain"], f"{at}/chain") if "chain" in section else None,
    )


def _read_run(value: JsonValue, at: str) -> bytes:
    run = reader.base64(value, at)
    try:
        run_length(run)
    except MalformedBlock as error:
        refuse("bad_type", error.message, at)
    except LimitExceeded as error:
        refuse("limit", error.message, at)
    return run


def _read_chain(value: JsonValue, at: str) -> AnchorChain:
    section = reader.object(value, at)
    reader.members(section, at, frozenset({"covenant", "genesis_txid", "state_before"}))
    txid = reader.hash_text(section["genesis_txid"], f"{at}/genesis_txid")
    return AnchorChain(
        genesis_txid=bytes.fromhex(txid)[::-1],
        state_before=reader.base64(section["state_before"], f"{at}/state_before", _HASH_SIZE),
        covenant=_read_covenant(section["covenant"], f"{at}/covenant"),
    )


def _read_covenant(value: JsonValue, at: str) -> AnchorCovenant:
    section = reader.object(value, at)
    reader.members(section, at, frozenset({"leaf", "roots", "transactions"}), frozenset({"r"}))
    maximum = CHAIN_TRANSACTIONS_MAX
    transactions = reader.array(section["transactions"], f"{at}/transactions", maximum, minimum=1)
    roots = reader.array(section["roots"], f"{at}/roots", maximum)
    if len(roots) != len(transactions) - 1:
        refuse("bad_type", "a root for each transaction after the genesis, no more", f"{at}/roots")
    return AnchorCovenant(
        leaf=reader.base64(section["leaf"], f"{at}/leaf"),
        transactions=tuple(
            reader.base64(each, f"{at}/transactions/{place}")
            for place, each in enumerate(transactions)
        ),
        roots=tuple(
            reader.base64(each, f"{at}/roots/{place}", _HASH_SIZE)
            for place, each in enumerate(roots)
        ),
        r=reader.base64(section["r"], f"{at}/r", _HASH_SIZE) if "r" in section else None,
    )
