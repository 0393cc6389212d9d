"""What a store says of itself: its schema, its rules, why it halted (`own_meta`)."""

from __future__ import annotations

from sqlalchemy import Connection, delete, insert, select

from lodestamp.core.ownership import Rules
from lodestamp.errors import LogCorrupt
from lodestamp.node.scanner.stores.tables import META


def get(connection: Connection, key: str) -> str | None:
    """Return what is stored under a key; None where nothing is."""
    return connection.execute(select(META.c.value).where(META.c.key == key)).scalar()


def put(connection: Connection, values: dict[str, str | None]) -> None:
    """Set what is known of the store; None takes a value away."""
    connection.execute(delete(META).where(META.c.key.in_(values)))
    rows = [{"key": key, "value": value} for key, value in values.items() if value is not None]
    if rows:
        connection.execute(insert(META), rows)


def get_rules(connection: Connection) -> Rules | None:
    """Return the pinned rules; RulesMismatch for rules that this version does not know."""
    found = get(connection, "rules")
    if found is None:
        return None
    rules = Rules.decode(found.encode())
    if get(connection, "rules_id") != rules.rules_id.hex():
        raise LogCorrupt("the store names rules that it does not hold")
    return rules


def put_rules(connection: Connection, rules: Rules) -> None:
    """Pin the rules of a new store (R23)."""
    put(
        connection,
        {
            "network": rules.network,
            "rules": rules.encode().decode(),
            "rules_id": rules.rules_id.hex(),
            "start_height": str(rules.start_height),
        },
    )
