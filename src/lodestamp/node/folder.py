"""The home folder: where it is, what it holds, and who may enter it first.

::

    config.toml    the settings: see `configuration`
    keys/          author.key, log.key and others, mode 0600
    lodestamp.db   the log, and the index of the blocks
    blocks/        the blocks of content that was added
    checkpoint     the newest checkpoint this home has published
    chain/         the Bitcoin simulator's file, and the cookie of its RPC
    audits/        how far logs of others were followed: see `following`
    ownership.db   what the scanner found, with its companions
"""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, Self

import platformdirs

from lodestamp.core.transparency import NOTE_SIZE_MAX
from lodestamp.errors import HomeError
from lodestamp.node.configuration import DEFAULT_NODE, Configuration, parse_configuration
from lodestamp.node.whole import read_bounded, write_whole

ENVIRONMENT: Final = "LODESTAMP_HOME"
CONFIG_SIZE_MAX: Final = 64 << 10
"""Bytes of ``config.toml``; it is written by hand."""
_OTHERS_MADE: Final = frozenset({"audits", "chain", "config.toml", "keys"})
"""What a folder may hold before it is a home."""
_FIRST_CONFIG: Final = (
    f'# The label this home puts on its own operations.\nnode = "{DEFAULT_NODE}"\n'
)


@dataclass(frozen=True, slots=True)
class HomeFolder:
    """A folder that is, or may become, a home."""

    path: Path

    @classmethod
    def locate(cls, named: str | os.PathLike[str] | None) -> Self:
        """Return the named folder, else LODESTAMP_HOME, else the platform's data folder."""
        if named is None:
            named = os.environ.get(ENVIRONMENT) or platformdirs.user_data_path("lodestamp")
        if not os.fspath(named):
            raise HomeError("a home has a name", code="not-a-home")
        try:
            return cls(Path(named).expanduser().absolute())  # a later chdir must not move it
        except RuntimeError as error:
            raise HomeError(f"{named}: {error}", code="not-a-home") from error

    @property
    def database(self) -> Path:
        """The log's database."""
        return self.path / "lodestamp.db"

    @property
    def blocks(self) -> Path:
        """The folder of the block store."""
        return self.path / "blocks"

    @property
    def ownership(self) -> Path:
        """The scanner's database."""
        return self.path / "ownership.db"

    @property
    def ownership_url(self) -> str:
        """The URL of the scanner's database."""
        return f"sqlite:///{self.ownership}"

    @property
    def keys(self) -> Path:
        """The folder of private keys."""
        return self.path / "keys"

    @property
    def checkpoint(self) -> Path:
        """The newest checkpoint this home has published."""
        return self.path / "checkpoint"

    @property
    def exists(self) -> bool:
        """Whether a home has been made here, even if its database is gone."""
        return self.database.exists() or self.checkpoint.exists()

    @contextmanager
    def entering(self, *, create: bool) -> Iterator[None]:
        """Hold the folder alone while it is opened or made.

        HomeError ``no-home`` when it is absent and may not be made, ``not-a-home`` when the folder
        holds something else, ``no-rights`` when it cannot be entered or written.
        """
        descriptor = self._enter(create=create)
        try:
            yield
        finally:
            os.close(descriptor)

    def _enter(self, *, create: bool) -> int:
        """Return the folder's descriptor, locked; closing it lets the next one in."""
        with ExitStack() as stack:
            try:
                self._make_folder(create=create)
                descriptor = os.open(self.path, os.O_RDONLY | os.O_DIRECTORY)
                stack.callback(os.close, descriptor)
                fcntl.flock(descriptor, fcntl.LOCK_EX)
                self._adopt(create=create)
            except (OSError, ValueError) as error:  # a ValueError: a NUL or a surrogate in the name
                raise HomeError(
                    f"{self.path}: {getattr(error, 'strerror', None) or error}",
                    code="no-rights",
                    hint="give --home a folder you may write to",
                ) from error
            stack.pop_all()
        return descriptor

    def _make_folder(self, *, create: bool) -> None:
        if self.path.exists():  # asked first: a neighbour may make the folder at this instant
            if self.path.is_dir():
                return
            raise HomeError(f"{self.path} is not a folder", code="not-a-home")
        if not create:
            raise self._no_home()
        self.path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def _adopt(self, *, create: bool) -> None:
        """Refuse a folder of other things; under the lock, or another maker would be a stranger."""
        if self.exists:
            return
        found = (entry.name for entry in self.path.iterdir())
        strangers = [
            name
            for name in found
            if name not in _OTHERS_MADE and not name.startswith(self.ownership.name)
        ]
        if strangers:
            raise HomeError(
                f"{self.path} holds other files and no log",
                code="not-a-home",
                hint="give --home an empty or a new folder",
            )
        if not create:
            raise self._no_home()
        self.path.chmod(0o700)

    def _no_home(self) -> HomeError:
        hint = "`lodestamp init` makes one"
        return HomeError(f"there is no home at {self.path}", code="no-home", hint=hint)

    def configuration(self) -> Configuration:
        """Read ``config.toml``, written on first use; HomeError ``config`` when it is not valid."""
        path = self.path / "config.toml"
        try:
            if not path.exists():
                path.write_text(_FIRST_CONFIG, "utf-8")
            data = read_bounded(path, CONFIG_SIZE_MAX)
        except OSError as error:
            raise HomeError(f"{path}: {error.strerror}", code="no-rights") from error
        if data is None:
            raise HomeError(f"{path} has more than {CONFIG_SIZE_MAX:,} bytes", code="config")
        return parse_configuration(str(path), data)

    def published(self) -> bytes | None:
        """Return the newest checkpoint this home has published, if any."""
        try:
            note = read_bounded(self.checkpoint, NOTE_SIZE_MAX)
        except FileNotFoundError:
            return None
        except OSError as error:
            message = f"{self.checkpoint}: {error.strerror}"
            raise HomeError(message, code="no-rights") from error
        return b"" if note is None else note  # what is larger than any note is none

    def publish(self, note: bytes) -> None:
        """Replace the published checkpoint.

        The file is a witness against a database that falls back to an older state. It is replaced
        whole and not synced: after a power cut it may be an older checkpoint, which is weaker and
        still true. A disk too full for it must not undo what was already acknowledged.
        """
        with suppress(OSError):
            write_whole(self.checkpoint, note, sync=False)
