"""The keys and identities of a home: made, shown, rotated, ended (operations spec K6-K9, §12).

An identity is a `did:pn` and its key log, which is in the operations log itself. Its next key is
made beside the first and kept, so that a stolen current key cannot rotate (K8). Every key is on
disk before the operation that names it, so a crash leaves a key too many and never one too few.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Final

from lodestamp.core.keys import (
    KeyEvent,
    KeyId,
    KeyState,
    PublicKey,
    SigningKey,
    did_key_encode,
    is_did,
    next_key_digest,
)
from lodestamp.core.operations import key as key_body
from lodestamp.errors import HomeError, UsageError
from lodestamp.node import recorder
from lodestamp.node.keyring import Keyring
from lodestamp.node.recorder import Authorship, Recorder
from lodestamp.node.storage import Database

_NONCE_SIZE: Final = 16


@dataclass(frozen=True, slots=True)
class Identity:
    """A key, and the identity it speaks for, if any; `index` is that of the last key event."""

    key_id: str | None
    did: str | None
    did_key: str | None
    index: int | None
    aliases: tuple[str, ...] = ()

    def as_json(self) -> dict[str, object]:
        """Return the object of ``--json``."""
        return {
            "key_id": self.key_id,
            "did": self.did,
            "did_key": self.did_key,
            "index": self.index,
            "aliases": list(self.aliases),
        }


class Identities:
    """The identities that a home can speak for."""

    def __init__(
        self,
        database: Database,
        writer: Recorder,
        keyring: Keyring,
        *,
        node: str,
        lock: Callable[[], AbstractContextManager[None]],
    ) -> None:
        """`node` is the label of key operations; `lock` holds the home alone."""
        self._database = database
        self._writer = writer
        self._keyring = keyring
        self._node = node
        self._lock = lock

    def new(
        self,
        *,
        suite: str = "ed25519",
        entity: str = "human",
        owner: str | None = None,
        alias: str | None = None,
    ) -> Identity:
        """Begin an identity with a key in force and the next one kept for its rotation.

        UsageError for an unknown suite or a name that is taken, KeyEventError for an `entity`
        other than human, agent and org or an `owner` that is no DID; else as `Recorder.author`.
        """
        with self._lock():
            current, following = self._keyring.new(suite), self._keyring.new(suite)
            event = KeyEvent.inception(
                entity,
                current.public_key,
                nonce=secrets.token_bytes(_NONCE_SIZE),
                next=next_key_digest(following.key_id),
                owner=owner,
            )
            if alias is not None:
                self._keyring.name(alias, event.did)
        self._record(event, current)
        return self.show(event.did)

    def introduce(self, key: SigningKey) -> None:
        """Make the home's own key known to the log, by the inception of an identity, once.

        Keys of suites whose ids are hashes verify nothing before that (K11). Errors as
        `Recorder.author`.
        """
        with self._database.reading("looking for a key") as connection:
            if recorder.find_public_key(connection, key.key_id) is not None:
                return
        with self._lock():
            following = self._keyring.new(key.public_key.suite)
        event = KeyEvent.inception(
            "human",
            key.public_key,
            nonce=secrets.token_bytes(_NONCE_SIZE),
            next=next_key_digest(following.key_id),
        )
        self._record(event, key)

    def rotate(self, named: str, *, suite: str | None = None) -> Identity:
        """Put the identity's next key in force, and keep a new one after it.

        UsageError for what is no identity, or one that cannot rotate; HomeError ``key-missing``
        when its next key is not in this home.
        """
        with self._lock():  # two rotations from one event would be a fork that nobody can undo
            state = self._state_of(named)
            event = self._last_event(state)
            following = self._following(state)
            if following is None:
                raise UsageError(f"{state.did} promised no next key: it can only be deactivated")
            after = self._keyring.new(suite or following.public_key.suite)
            promise = next_key_digest(after.key_id)
            self._record(event.rotation(following.public_key, next=promise), following)
        return self.show(state.did)

    def deactivate(self, named: str) -> Identity:
        """End an identity for ever; errors as `rotate`."""
        with self._lock():
            state = self._state_of(named)
            event = self._last_event(state)
            signer = self._following(state)
            if signer is None:
                assert state.key is not None  # noqa: S101  `_state_of` refuses what has ended
                signer = self._keyring.find(state.key.key_id)
            self._record(event.deactivation(signer.public_key), signer)
        return self.show(state.did)

    def resolve(self, did: str, at_index: int | None = None) -> KeyState:
        """Return the state of an identity by this log, as of a leaf; KeyEventError if unknown."""
        with self._database.reading("reading a key log") as connection:
            return recorder.read_key_log(connection, did).resolve(did, at_index)

    def show(self, named: str) -> Identity:
        """Return the identity, or the key alone, that a key id, DID or name means."""
        meant = self._keyring.named(named)
        aliases = tuple(
            sorted(alias for alias, target in self._keyring.aliases().items() if target == meant)
        )
        if not is_did(meant):
            key = self._keyring.find(meant)
            return Identity(meant, None, _did_key(key.public_key), None, aliases)
        state = self.resolve(meant)
        if state.key is None:
            return Identity(None, meant, None, state.index, aliases)
        return Identity(state.key.key_id, meant, _did_key(state.key), state.index, aliases)

    def all(self) -> list[Identity]:
        """Return every identity of the log whose key is here, then the keys that have none."""
        with self._database.reading("reading the key logs") as connection:
            dids = recorder.read_dids(connection)
        here = self._keyring.key_ids()
        found = [self.show(did) for did in dids]
        mine = [each for each in found if each.key_id in here]
        taken = {each.key_id for each in mine} | {
            key_id for key_id in here if self._is_promised(key_id, dids)
        }
        return mine + [self.show(key_id) for key_id in here if key_id not in taken]

    def meant(self, named: str) -> str:
        """Return the key id or DID that a key id, a DID or a name means; UsageError if none."""
        return self._keyring.named(named)

    def principal(self, key_id: KeyId) -> str:
        """Return the identity that a key is in force for by this log, else the key id itself."""
        with self._database.reading("reading the key logs") as connection:
            dids = recorder.read_dids(connection)
            for did in dids:
                if recorder.speaks_for(connection, key_id, did):
                    return did
        return key_id

    def signer(self, named: str) -> SigningKey:
        """Return the key that signs for a key id, DID or name: an identity's key in force now."""
        meant = self._keyring.named(named)
        if not is_did(meant):
            return self._keyring.find(meant)
        state = self.resolve(meant)
        if state.key is None:
            raise UsageError(f"{meant} is deactivated", code="deactivated")
        return self._keyring.find(state.key.key_id)

    def _is_promised(self, key_id: KeyId, dids: list[str]) -> bool:
        promise = next_key_digest(key_id)
        return any(self.resolve(did).next == promise for did in dids)

    def _state_of(self, named: str) -> KeyState:
        meant = self._keyring.named(named)
        if not is_did(meant):
            raise UsageError(f"{named[:80]!r} is a key alone, and has no key log")
        state = self.resolve(meant)
        if state.key is None:
            raise UsageError(f"{meant} is deactivated", code="deactivated")
        return state

    def _last_event(self, state: KeyState) -> KeyEvent:
        with self._database.reading("reading a key event") as connection:
            operation = recorder.find_operation(connection, state.op_id).operation
        return KeyEvent.parse(operation.body["event"])

    def _following(self, state: KeyState) -> SigningKey | None:
        """Return the key that the last event promised, None when it promised none."""
        if state.next is None:
            return None
        for key_id in self._keyring.key_ids():
            if next_key_digest(key_id) == state.next:
                return self._keyring.find(key_id)
        hint = "rotate in the home that keeps it, or restore its keys"
        raise HomeError(f"the next key of {state.did} is not here", code="key-missing", hint=hint)

    def _record(self, event: KeyEvent, signer: SigningKey) -> None:
        by = Authorship(signer, self._node)
        self._writer.author("key", key_body(event), by=by).result()


def _did_key(key: PublicKey) -> str | None:
    """Return the key as a did:key; a hybrid one is two keys and has none."""
    return did_key_encode(key) if key.suite != "hybrid" else None
