"""What people and programs ask of a scan, as plain objects: one form for CLI and HTTP (§9).

Ids are hex as people read it, scripts hex, owners addresses of the network. Whatever passes 2^53 is
a decimal string. Every answer names the height it is of and that block's hash (R37).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import isfinite
from typing import Any, Final, Self, TypeVar

from lodestamp.core.bitcoin import NetworkParams, network_named
from lodestamp.core.encoding import INT_MAX
from lodestamp.core.ownership import (
    ASSET_UNITS,
    BlockEffect,
    DividendPayment,
    Operation,
    Owner,
    Registration,
    Rules,
    Tip,
    Transfer,
    balances_hash,
    content_link,
    registration_cid,
)
from lodestamp.errors import HeightUnknown, SourceStale, UsageError, WorkUnknown
from lodestamp.node.scanner.addresses import address_of, owner_of
from lodestamp.node.scanner.asking import formula_of, require_running
from lodestamp.node.scanner.filing import FileDigests
from lodestamp.node.scanner.stores import BlockRow, OperationsStore

Document = dict[str, Any]

_ASKED_MAX: Final = 5
_Answer = TypeVar("_Answer")
_Placed = TypeVar("_Placed", Transfer, Tip, DividendPayment)


class View:
    """A store as it was after one block.

    OwnershipError ``halted`` for a store whose scan was stopped for good: every question is met
    with the reason (R35). HeightUnknown for a block that was not scanned.
    """

    def __init__(self, store: OperationsStore, rules: Rules, row: BlockRow) -> None:
        self._store = store
        self._net: NetworkParams = network_named(rules.network)
        self.rules = rules
        self.row = row

    @classmethod
    def of(cls, store: OperationsStore, *, at: int | None = None, confirmations: int = 1) -> Self:
        """Look at a height, else at the newest block with so many confirmations (R37, R38)."""
        require_running(store)
        rules, tip = store.rules(), store.tip()
        if confirmations < 1:
            raise UsageError("a block has one confirmation at least")
        start = 1 if rules is None else rules.start_height
        highest = start - 1 if tip is None else tip.height
        height = highest - confirmations + 1 if at is None else at
        row = store.block(height)
        if rules is None or row is None:
            raise HeightUnknown(height, start, highest)
        return cls(store, rules, row)

    @property
    def height(self) -> int:
        """The height it is of."""
        return self.row.height

    @property
    def place(self) -> Document:
        """The height and the block hash, which every answer has."""
        return {"height": self.height, "block_hash": _display(self.row.hash)}

    def address(self, owner: Owner) -> str:
        """Return an owner's address."""
        return address_of(owner, self._net)

    def show(self, sha1: str, file: FileDigests | None = None) -> Document:
        """Return everything about a work but what its dividends are; WorkUnknown.

        `link` names the registered digest as the CID of a raw block; it can only be fetched by
        where a file is one such block. With `file` it tells whether that is the work (R50).
        """
        registration = self._registration(sha1)
        return {
            "sha1": sha1,
            **self.place,
            "registration": {
                **self._where(registration),
                "address": self.address(registration.registrant),
                "meta": _plain(dict(registration.meta)),
            },
            "confirmations": self.height - registration.height + 1,
            "transfers": [self._transfer(each) for each in self._transfers(sha1)],
            **self.tips(sha1),
            "holders": self.cap_table(sha1)["holders"],
            "link": self._link(registration, file),
        }

    def cap_table(self, sha1: str) -> Document:
        """Return who holds how much of a work, largest first; WorkUnknown."""
        self._registration(sha1)
        table = self._store.holders(sha1, self.height)
        largest = sorted(table.items(), key=lambda row: (-row[1], row[0]))
        holders = [
            {
                "address": self.address(owner),
                "script": owner.hex(),
                "amount": amount,
                "percent": percent(amount),
            }
            for owner, amount in largest
        ]
        return {"sha1": sha1, **self.place, "holders": holders, "total": sum(table.values())}

    def balances(self, address: str, sha1: str | None = None) -> Document:
        """Return what an address holds, of every work or of one; MalformedAddress."""
        owner = owner_of(address, self._net)
        held = self._store.held_by(owner, self.height)
        if sha1 is not None:
            held = {sha1: self._store.balance(sha1, owner, self.height)}
        rows = [{"sha1": name, "amount": amount} for name, amount in held.items()]
        return {"address": address, **self.place, "balances": rows}

    def tips(self, sha1: str) -> Document:
        """Return the tips and the payments of a work; WorkUnknown."""
        self._registration(sha1)
        return {
            "sha1": sha1,
            **self.place,
            "tips": [self._flow(each) for each in self._tips(sha1)],
            "payments": [self._flow(each) for each in self._payments(sha1)],
        }

    def dividends(self, sha1: str, view: str = "owed_e8") -> Document:
        """Return what each address is due; satoshis as floats, or 1e-8 satoshi as strings.

        UsageError for another view, WorkUnknown, TooLarge.
        """
        formula = formula_of(view)
        registrant = self._registration(sha1).registrant
        due = formula(registrant, self._transfers(sha1), self._tips(sha1), self._payments(sha1))
        named = {
            self.address(owner): amount if isinstance(amount, float) else str(amount)
            for owner, amount in due.items()
        }
        return {"sha1": sha1, **self.place, "view": view, "dividends": named}

    def effects(self) -> Document:
        """Return what this block changed, and what it had that was refused."""
        return effect_document(self._store.effect(self.height), self.address)

    def state_hash(self) -> Document:
        """Return the state hash after this block; at the tip also the hash of all balances."""
        found = {**self.place, "state_hash": self.row.state_hash.hex()}
        tip = self._store.tip()
        if tip is not None and tip.height == self.height:
            found["balances_hash"] = balances_hash(self._store.load_state()).hex()
        return {**found, "rules_id": self.rules.rules_id.hex()}

    def _link(self, registration: Registration, file: FileDigests | None) -> Document:
        raw = registration_cid(registration)
        found: Document = {"raw_cid": None if raw is None else str(raw)}
        if file is None:
            return found
        link = content_link(registration, file.sha1, file.sha256, file.root)
        return {
            **found,
            "root_cid": str(file.root),
            "same_block": link.same_block,
            "sha1_ok": link.sha1_ok,
            "sha256_ok": link.sha256_ok,
            "status": str(link.status),
            "reason": link.reason,
        }

    def _registration(self, sha1: str) -> Registration:
        found = self._store.find_registration(sha1)
        if found is None or found.height > self.height:
            raise WorkUnknown(sha1, self.height)
        return found

    def _transfers(self, sha1: str) -> list[Transfer]:
        return self._until(self._store.find_transfers(sha1))

    def _tips(self, sha1: str) -> list[Tip]:
        return self._until(self._store.find_tips(sha1))

    def _payments(self, sha1: str) -> list[DividendPayment]:
        return self._until(self._store.find_dividend_payments(sha1))

    def _until(self, found: Iterable[_Placed]) -> list[_Placed]:
        return [each for each in found if each.height <= self.height]

    def _where(self, each: Operation | Tip | DividendPayment) -> Document:
        return {"txid": _display(each.txid), "height": each.height, "index": each.tx_index}

    def _transfer(self, transfer: Transfer) -> Document:
        return {**self._where(transfer), **transfer_document(transfer, self.address)}

    def _flow(self, flow: Tip | DividendPayment) -> Document:
        return {**self._where(flow), **flow_document(flow, self.address)}


def answered(
    store: OperationsStore,
    ask: Callable[[View], _Answer],
    *,
    at: int | None,
    confirmations: int = 1,
) -> tuple[View, _Answer]:
    """Ask a view, and once more whenever its block left the chain meanwhile; errors as `View.of`.

    SourceStale when that goes on.
    """
    for _ in range(_ASKED_MAX):
        view = View.of(store, at=at, confirmations=confirmations)
        found = ask(view)
        if store.block(view.height) == view.row:
            return view, found
    raise SourceStale("the chain keeps changing", hint="ask again, with more confirmations")


def percent(amount: int) -> str:
    """Return units of a work as percent, exactly.

    >>> percent(12_500_000), percent(1), percent(100_000_000)
    ('12.5', '0.000001', '100')
    """
    whole, rest = divmod(amount * 100, ASSET_UNITS)
    return f"{whole}.{rest:08d}".rstrip("0").rstrip(".")


def transfer_document(transfer: Transfer, address: Callable[[Owner], str]) -> Document:
    """Return what a transfer moved."""
    return {
        "from": address(transfer.asset_owner),
        "to": address(transfer.bitcoin_owner),
        "value": transfer.asset_value,
        "sat": transfer.bitcoin_value,
        "ttl": transfer.ttl,
    }


def flow_document(flow: Tip | DividendPayment, address: Callable[[Owner], str]) -> Document:
    """Return what a tip or a dividend payment moved."""
    return {
        "amount": flow.amount,
        "to": address(flow.destination),
        "from": [address(each) for each in flow.sources],
    }


def effect_document(effect: BlockEffect, address: Callable[[Owner], str]) -> Document:
    """Return the object of ``ownership effects --json``."""

    def placed(each: Operation | Tip | DividendPayment) -> Document:
        return {"txid": _display(each.txid), "index": each.tx_index, "sha1": each.sha1}

    ops: list[Document] = []
    for op in effect.ops:
        if isinstance(op, Registration):
            ops.append({**placed(op), "op": "r", "address": address(op.registrant)})
        else:
            ops.append({**placed(op), "op": "t", **transfer_document(op, address)})
    return {
        "height": effect.height,
        "block_hash": _display(effect.block_hash),
        "tips": [{**placed(each), **flow_document(each, address)} for each in effect.tips],
        "payments": [{**placed(each), **flow_document(each, address)} for each in effect.payments],
        "ops": ops,
        "rejected": [
            {"txid": _display(txid), "index": index, "reason": reason}
            for txid, index, reason in effect.rejected
        ],
    }


def _plain(value: Any) -> Any:
    """Return what a registration says with each number that JSON readers would lose as text."""
    if isinstance(value, dict):
        return {key: _plain(each) for key, each in value.items()}
    if isinstance(value, list):
        return [_plain(each) for each in value]
    if isinstance(value, int | float) and not abs(value) <= INT_MAX:
        endless = "Infinity" if value > 0 else "-Infinity"
        return str(int(value)) if isfinite(value) else endless
    return value


def _display(internal: bytes) -> str:
    return internal[::-1].hex()
