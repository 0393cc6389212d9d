"""Open Publish once more, slowly and apart: btclib cuts and hashes, everything is counted anew.

Nothing of the product is imported. It follows the strict profile for P2PKH inputs, keeps only the
list of what happened, and adds all of it up again whenever a balance is asked for.
"""

from __future__ import annotations

import json
import re
import zlib
from hashlib import new, sha256
from io import BytesIO

from btclib.script.sig_hash import legacy
from btclib.tx.tx import Tx
from coincurve import PublicKey

WHOLE = 10**8


class SlowEngine:
    """The list of what happened, in order."""

    def __init__(self) -> None:
        self.height = 0
        self.txs: dict[str, Tx] = {}
        self.registered: list[tuple] = []  # height, index, txid, sha1, owner
        self.transfers: list[tuple] = []  # height, index, txid, sha1, seller, buyer, value, sat
        self.tips: list[tuple] = []  # height, index, txid, sha1, amount, destination, sources
        self.payments: list[tuple] = []

    def connect(self, raw: bytes) -> None:
        """Judge a block: all hearts on what was before, then each carrier."""
        self.height += 1
        stream = BytesIO(raw[80:])
        count = stream.read(1)[0]
        assert count < 0xFD
        txs = [Tx.parse(stream) for _ in range(count)]
        assert stream.read() == b""
        self.txs.update({tx.id.hex(): tx for tx in txs})
        flows = [self._flow(at, tx) for at, tx in enumerate(txs)]
        for kind, flow in filter(None, flows):
            (self.tips if kind == "tip" else self.payments).append(flow)
        for at, tx in enumerate(txs):
            self._carrier(at, tx)

    def table(self, asset: str, height: int | None = None) -> dict[bytes, int]:
        """Add up everything that moved."""
        top = self.height if height is None else height
        table: dict[bytes, int] = {}
        for at, _, _, name, owner in self.registered:
            if name == asset and at <= top:
                table[owner] = WHOLE
        for at, _, _, name, seller, buyer, value, _ in self.transfers:
            if name == asset and at <= top:
                table[seller] -= value
                table[buyer] = table.get(buyer, 0) + value
        return table

    def dividends(self, asset: str) -> tuple[dict, dict, dict]:
        """The float view, the published one exactly, and what is owed: term by term."""
        registrant = next(owner for *_, name, owner in self.registered if name == asset)
        classic: dict[bytes, float] = {}
        exact: dict[bytes, int] = {}
        owed: dict[bytes, int] = {}
        for height, _, _, name, amount, _, _ in self.tips:
            if name != asset:
                continue
            for owner, cap in self.table(asset, height - 1).items():
                sign = -1 if owner == registrant else 1
                term = float(f"{amount * (cap / 1e8):.10f}")
                classic[owner] = classic.get(owner, 0.0) + sign * term
                exact[owner] = exact.get(owner, 0) + sign * amount * cap
                owed[owner] = owed.get(owner, 0) + amount * cap
        for _, _, _, name, amount, destination, _ in self.payments:
            if name != asset:
                continue
            for rows, paid in ((classic, amount), (exact, amount * WHOLE)):
                rows[destination] = rows.get(destination, 0) - paid
                rows[registrant] = rows.get(registrant, 0) + paid
            owed[destination] = owed.get(destination, 0) - amount * WHOLE
        if owed:
            owed[registrant] = -sum(n for owner, n in owed.items() if owner != registrant)
        return classic, exact, owed

    def _flow(self, at: int, tx: Tx):
        hearts = [s[5:] for s in map(script, tx.vout) if len(s) == 25 and s[2:5] == b"\xe2\x99\xa5"]
        if not hearts or not any(s[:1] == b"\x6a" for s in map(script, tx.vout)):
            return None
        asset = hearts[-1].hex()
        known = [owner for *_, name, owner in self.registered if name == asset]
        if not known:
            return None
        sources = [owner for owner in owners(tx) if owner]
        paid = [(script(out), out.value) for out in tx.vout if bears_owner(script(out))]
        foreign = [owner for owner, _ in paid if owner not in sources]
        if not foreign:
            return None
        to = foreign[0]
        amount = sum(value for owner, value in paid if owner == to)
        row = (self.height, at, tx.id.hex(), asset, amount, to, tuple(sources))
        if amount < 1:
            return None
        if to == known[0]:
            return "tip", row
        if sources[:1] == known and self.table(asset, self.height - 1).get(to, 0) > 0:
            return "payment", row
        return None

    def _carrier(self, at: int, tx: Tx) -> None:
        text = self._text(tx)
        try:
            op = json.loads(text) if text is not None else None
        except ValueError:
            return
        if not isinstance(op, dict) or not re.fullmatch("[0-9a-f]{40}", str(op.get("sha1"))):
            return
        place = (self.height, at, tx.id.hex(), op["sha1"])
        known = any(name == op["sha1"] for *_, name, _ in self.registered)
        signers = owners(tx)
        if op.get("op") == "r" and not known and signers[0]:
            self.registered.append((*place, signers[0]))
        if op.get("op") == "t" and known:
            self._transfer(place, op.get("value"), tx, signers)

    def _transfer(self, place, value, tx: Tx, signers) -> None:
        if isinstance(value, (bool, str)) or value is None or value != int(value):
            return
        returns = [script(out)[:1] == b"\x6a" for out in tx.vout] + [False] * 3
        if not (returns[0] or returns[2]) or len(tx.vout) < 3:
            return
        payment = tx.vout[0 if returns[2] else 2]
        seller = script(payment)
        others = {owner for owner in signers if owner not in (None, seller)}
        if seller not in signers or len(others) != 1 or not 1 <= value < WHOLE:
            return
        if self.table(place[3]).get(seller, 0) > value:
            self.transfers.append((*place, seller, others.pop(), int(value), payment.value))

    def _text(self, tx: Tx) -> str | None:
        payloads = pushed(tx)
        if not payloads or payloads[-1][:2] != b"\x1f\x00" or not payloads[-1][2]:
            return None
        total = payloads[-1][2]
        for _ in range(total - 1):
            tx = self.txs[tx.vin[-1].prev_out.tx_id.hex()]
            payloads += pushed(tx)
        if len(payloads) != payloads[0][2]:
            return None
        return zlib.decompress(payloads[0][3:80] + b"".join(payloads[1:]), -15).decode()


def script(out) -> bytes:
    return out.script_pub_key.script


def pushed(tx: Tx) -> list[bytes]:
    """What the OP_RETURN outputs push, the last output first; direct pushes and PUSHDATA1 only."""
    found = []
    for out in reversed(tx.vout):
        spk = script(out)
        if spk[:1] == b"\x6a":
            found.append(spk[3:] if spk[1:2] == b"\x4c" else spk[2:])
    return found


def bears_owner(spk: bytes) -> bool:
    p2pkh = len(spk) == 25 and spk[:3] == b"\x76\xa9\x14" and spk[-2:] == b"\x88\xac"
    return p2pkh or (len(spk) == 23 and spk[:2] == b"\xa9\x14" and spk[-1:] == b"\x87")


def owners(tx: Tx) -> list[bytes | None]:
    """Who signed each input as P2PKH with SIGHASH_ALL."""
    return [owner(tx, at) for at in range(len(tx.vin))]


def owner(tx: Tx, at: int) -> bytes | None:
    sig_script = tx.vin[at].script_sig
    if not sig_script or tx.is_coinbase:
        return None
    size = sig_script[0]
    sig, key = sig_script[1 : 1 + size], sig_script[2 + size :]
    if sig[-1:] != b"\x01":
        return None
    spk = b"\x76\xa9\x14" + new("ripemd160", sha256(key).digest()).digest() + b"\x88\xac"
    digest = legacy(spk, tx, at, 1)
    return spk if PublicKey(key).verify(sig[:-1], digest, hasher=None) else None
