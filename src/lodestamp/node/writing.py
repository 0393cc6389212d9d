"""What every verb that records something stands on."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import Future
from dataclasses import fields
from typing import TypeVar

from lodestamp.core.encoding import JsonObject
from lodestamp.core.keys import KeyId
from lodestamp.node.live_graph import LiveGraph
from lodestamp.node.questions import Questions
from lodestamp.node.recorder import Authorship, Private, Recorded, Recorder

_Told = TypeVar("_Told")
_Wider = TypeVar("_Wider", bound=Recorded)


class Writing(Questions):
    """A log that can be asked and written to."""

    _recorder: Recorder
    _live: LiveGraph

    @property
    def key_id(self) -> KeyId:
        """The key that signs what this node records."""
        return self._recorder.authorship.signer.key_id

    def _author(
        self,
        type_: str,
        body: JsonObject,
        *,
        by: Authorship | None = None,
        private: Private | None = None,
    ) -> Future[Recorded]:
        return self._recorder.author(type_, body, by=by, private=private or Private())


def widened(kind: Callable[..., _Wider], recorded: Recorded, **more: object) -> _Wider:
    """Return what was recorded with what else there is to say of it."""
    told = {each.name: getattr(recorded, each.name) for each in fields(Recorded)}
    return kind(**told, **more)


def then(future: Future[Recorded], tell: Callable[[Recorded], _Told]) -> Future[_Told]:
    """Return a future of what `tell` makes of another's result; it must not wait."""
    following: Future[_Told] = Future()
    following.set_running_or_notify_cancel()

    def resolve(done: Future[Recorded]) -> None:
        try:
            told = tell(done.result())
        except BaseException as error:  # noqa: BLE001  whoever waits must hear of it
            following.set_exception(error)
        else:
            following.set_result(told)

    future.add_done_callback(resolve)
    return following
