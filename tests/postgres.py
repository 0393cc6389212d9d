"""A PostgreSQL server of the test's own, in a temporary folder, ended by its process id."""

from __future__ import annotations

import contextlib
import itertools
import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from conftest import REQUIRED

DEBIANS = Path("/usr/lib/postgresql")
"""Where Debian puts each version's programs."""


def postgres_programs() -> Path:
    """Return the folder of `initdb` and `postgres`: LODESTAMP_POSTGRES, else Debian's newest.

    Absent: skip, or fail where `postgres` is required.
    """
    named = os.environ.get("LODESTAMP_POSTGRES")
    if named:
        assert (Path(named) / "initdb").is_file(), "LODESTAMP_POSTGRES holds no initdb"
        return Path(named)
    found = sorted(DEBIANS.glob("*/bin/initdb"), key=lambda path: float(path.parts[-3]))
    if found:
        return found[-1].parent
    reason = "PostgreSQL is absent: name the folder of its programs by LODESTAMP_POSTGRES"
    if "postgres" in REQUIRED:
        pytest.fail(reason)
    pytest.skip(reason)


class PostgresServer:
    """A running server; each `database()` is a new, empty one."""

    def __init__(self, folder: Path, user: str) -> None:
        self.folder = folder
        self.user = user
        self._numbers = itertools.count(1)

    def database(self) -> str:
        """Make a database and return its URL."""
        name = f"own{next(self._numbers)}"
        with self.connect() as connection:
            connection.execute(f"CREATE DATABASE {name}")
        return f"postgresql+psycopg://{self.user}@/{name}?host={self.folder}"

    def connect(self, name: str = "postgres"):
        """Connect as the tests do, beside the product."""
        return psycopg.connect(host=str(self.folder), user=self.user, dbname=name, autocommit=True)


@contextlib.contextmanager
def postgres_server() -> Iterator[PostgresServer]:
    """Run a server while the tests need it. It refuses to run as root, so `postgres` runs it."""
    programs = postgres_programs()
    account = pwd.getpwnam("postgres") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())
    folder = Path(tempfile.mkdtemp(prefix="pg"))
    options = {"cwd": folder}
    if os.geteuid() == 0:
        os.chown(folder, account.pw_uid, account.pw_gid)
        options |= {"user": account.pw_uid, "group": account.pw_gid, "extra_groups": []}
    try:
        made = subprocess.run(
            [programs / "initdb", "-D", folder / "d", "-U", account.pw_name, "-A", "trust", "-N"],
            capture_output=True,
            check=False,
            **options,
        )
        assert made.returncode == 0, made.stderr.decode()
        with _running(programs, folder, options):
            server = PostgresServer(folder, account.pw_name)
            _until_ready(server)
            yield server
    finally:
        shutil.rmtree(folder)


@contextlib.contextmanager
def _running(programs: Path, folder: Path, options) -> Iterator[None]:
    command = [programs / "postgres", "-D", folder / "d", "-k", folder, "-c", "listen_addresses="]
    command += ["-c", "fsync=off", "-c", "max_connections=30", "-c", "shared_buffers=16MB"]
    with (folder / "output").open("wb") as output:
        process = subprocess.Popen(command, stdout=output, stderr=output, **options)
    try:
        yield
    finally:
        process.send_signal(signal.SIGINT)  # a fast shutdown: nobody is waited for
        try:
            process.wait(20)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()


def _until_ready(server: PostgresServer, seconds: float = 30) -> None:
    deadline = time.monotonic() + seconds
    while True:
        try:
            server.connect().close()
        except psycopg.OperationalError:
            if time.monotonic() > deadline:
                pytest.fail((server.folder / "output").read_text("utf-8", "replace")[-2000:])
            time.sleep(0.1)
        else:
            return
