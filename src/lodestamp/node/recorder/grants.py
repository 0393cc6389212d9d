"""Reading grants and what was said under them: chains, revocations, attestations, notices.

A grant is the issuer's own: a cap that a stranger put into a grant operation is not one (S21).
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from sqlalchemy import Connection, func, select

from lodestamp.core.encoding import Digest, address_of_digest, digest_of_address, parse_canonical
from lodestamp.core.keys import KeyId, PublicKey, is_did
from lodestamp.core.operations import (
    CHAIN_MAX,
    Cap,
    Operation,
    check_chain,
    parse_cap,
    parse_op,
    verify_cap,
)
from lodestamp.errors import CapError, InputError, KeyEventError, LogCorrupt
from lodestamp.node.recorder import tables
from lodestamp.node.recorder.key_logs import read_key_log


@dataclass(frozen=True, slots=True)
class GrantChain:
    """Capabilities from the root to the one that is used, and the leaves of their grants."""

    caps: tuple[Cap, ...]
    seqs: tuple[int, ...]

    @property
    def cap(self) -> Cap:
        """The capability that is used."""
        return self.caps[-1]


def read_chain(connection: Connection, cap_id: str, roots: Iterable[str]) -> GrantChain:
    """Return the chain of a capability whose links and signatures hold, from one of the roots.

    CapError when the log holds no such grant, or the chain does not stand (`check_chain`,
    `verify_cap`); ``bad-issuer`` when it begins at none of the roots. Time, scope and revocations
    are for the caller.
    """
    caps: list[Cap] = []
    seqs: list[int] = []
    wanted: str | None = cap_id
    while wanted is not None:
        if len(caps) == CHAIN_MAX:
            raise CapError("chain-too-long", f"more than {CHAIN_MAX} links")
        cap, seq = _read_grant(connection, wanted)
        verify_cap(cap, lambda key_id: find_public_key(connection, key_id))
        caps.insert(0, cap)
        seqs.insert(0, seq)
        wanted = cap.parent
    check_chain(caps, speaks_for=lambda key, who: speaks_for(connection, key, who))
    if not any(speaks_for(connection, caps[0].issuer, root) for root in roots):
        raise CapError("bad-issuer", f"{caps[0].issuer} is no root here", link=0)
    return GrantChain(tuple(caps), tuple(seqs))


def _read_grant(connection: Connection, cap_id: str) -> tuple[Cap, int]:
    column = tables.cap.c
    query = (
        select(column.body, column.grant_seq)
        .join(tables.operation, tables.operation.c.seq == column.grant_seq)
        .where(
            column.cap_id == digest_of_address(cap_id),
            column.issuer_id == tables.operation.c.author_id,
        )
        .order_by(column.grant_seq)
        .limit(1)
    )
    row = connection.execute(query).one_or_none()
    if row is None:
        raise CapError("chain-broken", f"this log holds no grant of {cap_id}")
    try:
        return parse_cap(parse_canonical(row.body)), row.grant_seq
    except InputError as error:
        raise LogCorrupt(f"the stored capability {cap_id}: {error.message}") from error


def find_public_key(connection: Connection, key_id: KeyId) -> PublicKey | None:
    """Return the key that a key event of this log gives to an id."""
    query = select(tables.key_event.c.pub).where(tables.key_event.c.key_id == key_id).limit(1)
    raw: bytes | None = connection.execute(query).scalar()
    return None if raw is None else PublicKey(key_id.partition(":")[0], raw)


def speaks_for(connection: Connection, key_id: KeyId, principal: str) -> bool:
    """Tell whether a key is this principal, or the key in force of this DID (K8)."""
    if key_id == principal or not is_did(principal):
        return key_id == principal
    try:
        key = read_key_log(connection, principal).resolve(principal).key
    except KeyEventError:
        return False
    return key is not None and key.key_id == key_id


def revocations_of(connection: Connection, chain: GrantChain, roots: Iterable[str]) -> list[int]:
    """Return the leaves of revocations that count against a link of this chain (S24)."""
    allowed: set[str] = set(roots)
    found: list[int] = []
    for cap in chain.caps:
        allowed.add(cap.issuer)
        own = allowed | ({cap.audience} if cap.v == 2 else set())
        query = (
            select(tables.revocation.c.seq, tables.author.c.text)
            .join(tables.operation, tables.operation.c.seq == tables.revocation.c.seq)
            .join(tables.author, tables.author.c.id == tables.operation.c.author_id)
            .where(tables.revocation.c.cap_id == digest_of_address(cap.cap_id))
        )
        found += [
            row.seq
            for row in connection.execute(query)
            if any(speaks_for(connection, KeyId(row.text), who) for who in own)
        ]
    return sorted(found)


def said_under(connection: Connection, cap: Cap) -> list[int]:
    """Return the leaves of the issuer's attestations under a capability, with its notices of them.

    Also the receipts of the capability's own audience. In log order.
    """
    under = digest_of_address(cap.cap_id)
    attested = _attested(connection, under, cap.issuer)
    op_ids = set(map(address_of_digest, attested.values()))
    notices = [
        seq for seq, op in _notices(connection, cap.issuer) if op.body["attestation_op"] in op_ids
    ]
    receipts = [
        seq
        for seq, author in _receipts(connection, under)
        if speaks_for(connection, author, cap.audience)
    ]
    return sorted({*attested, *notices, *receipts})


def key_events_for(connection: Connection, key_ids: Iterable[str]) -> list[int]:
    """Return the leaves of the key events of every DID that had one of these keys."""
    column = tables.key_event.c
    dids = select(column.did).where(column.key_id.in_(sorted(set(key_ids))))
    query = select(column.seq).where(column.did.in_(dids)).order_by(column.seq)
    return list(connection.execute(query).scalars())


def _attested(connection: Connection, under: bytes, author: str) -> dict[int, Digest]:
    column = tables.attestation.c
    query = (
        select(column.seq, tables.operation.c.op_id)
        .join(tables.operation, tables.operation.c.seq == column.seq)
        .join(tables.author, tables.author.c.id == tables.operation.c.author_id)
        .where(column.cap_id == under, tables.author.c.text == author)
    )
    return {row.seq: Digest(row.op_id) for row in connection.execute(query)}


def _receipts(connection: Connection, under: bytes) -> list[tuple[int, KeyId]]:
    column = tables.receipt.c
    query = (
        select(column.seq, tables.author.c.text)
        .join(tables.operation, tables.operation.c.seq == column.seq)
        .join(tables.author, tables.author.c.id == tables.operation.c.author_id)
        .where(column.cap_id == under)
    )
    return [(row.seq, KeyId(row.text)) for row in connection.execute(query)]


def count_receipts(connection: Connection, cap_id: str) -> int:
    """Return how many receipts the log holds under a capability, of whomever."""
    column = tables.receipt.c
    query = select(func.count()).where(column.cap_id == digest_of_address(cap_id))
    return connection.execute(query).scalar_one()


def _notices(connection: Connection, author: str) -> list[tuple[int, Operation]]:
    column = tables.operation.c
    query = (
        select(column.seq, column.raw)
        .join(tables.author, tables.author.c.id == column.author_id)
        .where(column.type == "notice", tables.author.c.text == author)
    )
    return [(row.seq, parse_op(row.raw)) for row in connection.execute(query)]
