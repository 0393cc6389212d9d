"""Writing a result where the caller asked for it: whole or not at all."""

from __future__ import annotations

import os
from pathlib import Path

from lodestamp.errors import InputError, StoreError


def refuse_existing(path: Path) -> None:
    """Refuse to overwrite a regular file; InputError ``exists``."""
    if path.is_file():
        raise InputError(f"{path} exists", code="exists", hint="--force overwrites it")


def write_whole(path: Path, data: bytes, *, force: bool) -> None:
    """Write a file under a temporary name, sync it, and move it into place.

    Something that is no regular file, such as /dev/stdout, is written to directly. InputError
    ``exists`` without `force`; StoreError when the file system refuses.
    """
    try:
        if path.exists() and not path.is_file():
            path.write_bytes(data)
            return
        temporary = path.with_name(f".{path.name}.{os.getpid()}")
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            if not force:
                os.link(temporary, path)  # fails where the name was taken meanwhile
            else:
                temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except FileExistsError:
        refuse_existing(path)
        raise StoreError(f"{path}: the name is taken", code="io") from None
    except OSError as error:
        raise StoreError(f"cannot write {path}: {error.strerror}", code="io") from error
