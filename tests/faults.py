"""A file layer that fails: files cut short, full disks, and disks that take nothing."""

from __future__ import annotations

import os
import resource
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

SECTOR = 512
"""What a disk writes whole; a torn write ends at a multiple of it."""


@contextmanager
def disk_full_at(size: int) -> Iterator[None]:
    """Let no file of this process grow beyond so many bytes: what fits is written, then EFBIG."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


@contextmanager
def replaced_by(device: str, flags: int, path: Path) -> Iterator[int]:
    """Put a device in the place of a file wherever this process has it open; yield how often.

    ``/proc/self/mem`` is a dying disk, which answers a write at its beginning with EIO;
    ``/dev/full`` one without room (ENOSPC); a device opened to be read one that takes no write
    (EBADF); ``/dev/zero`` one that takes writes and fails when it is to make them durable (EINVAL
    from fsync). The file must be empty: what is read comes from the device, too.
    """
    kept = {}
    fault = os.open(device, flags)
    for each in list(Path("/proc/self/fd").iterdir()):
        descriptor = int(each.name)
        if os.path.realpath(each) == str(path):
            kept[descriptor] = os.dup(descriptor)
            os.dup2(fault, descriptor)
    os.close(fault)
    try:
        yield len(kept)
    finally:
        for descriptor, saved in kept.items():
            os.dup2(saved, descriptor)
            os.close(saved)
