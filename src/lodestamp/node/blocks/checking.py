"""Checking content without believing anyone: a DAG, a range of it, or the file it came from."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from lodestamp.core.content import (
    PROFILES,
    ContentPath,
    Defect,
    Get,
    check,
    resolve,
    slices,
    stat,
)
from lodestamp.core.encoding import Cid
from lodestamp.core.verdict import Status
from lodestamp.errors import BlockMismatch, BlockMissing
from lodestamp.node.blocks.adder import Adder
from lodestamp.node.progress import Progress


@dataclass(frozen=True, slots=True)
class Checked:
    """What was found of a root: whole, damaged, or not all there; `profile` that of the file."""

    cid: Cid
    status: Status
    blocks: int = 0
    bytes: int = 0
    missing: tuple[Cid, ...] = ()
    defects: tuple[Defect, ...] = ()
    profile: str | None = None

    @property
    def exit_code(self) -> int:
        """0 established, 1 refuted, 2 unknown."""
        return {Status.ESTABLISHED: 0, Status.REFUTED: 1, Status.UNKNOWN: 2}[self.status]

    def as_json(self) -> dict[str, object]:
        """Return the object of ``content verify --json``."""
        return {
            "cid": str(self.cid),
            "verdict": str(self.status),
            "blocks": self.blocks,
            "bytes": self.bytes,
            "missing": [str(cid) for cid in self.missing],
            "defects": [
                {"cid": str(each.cid), "code": each.code, "detail": each.detail}
                for each in self.defects
            ],
            "profile": self.profile,
        }


def check_dag(get: Get, path: ContentPath, *, strict: bool = False) -> Checked:
    """Check every block below what a path leads to; PathError when it leads nowhere."""

    def work() -> Checked:
        cid = resolve(get, path.root, path.segments).cid
        report = check(get, cid, strict=strict)
        status = Status.ESTABLISHED
        if report.missing:
            status = Status.UNKNOWN
        if report.defects:
            status = Status.REFUTED
        return Checked(cid, status, report.blocks, report.bytes, report.missing, report.defects)

    return _judged(path.root, work)


def check_range(get: Get, path: ContentPath, within: Callable[[int], tuple[int, int]]) -> Checked:
    """Check bytes of a file, and no block beyond those needed.

    `within` is given the file's size and returns start and end, the end not included.
    """

    def work() -> Checked:
        cid = resolve(get, path.root, path.segments).cid
        start, end = within(stat(get, cid).size)
        blocks = slices.extract(get, path.root, path.segments, start, end)
        proved = slices.verify(blocks, path.root, path.segments, start, end)
        return Checked(cid, Status.ESTABLISHED, len(blocks), len(proved.data))

    return _judged(path.root, work)


def check_against(cid: Cid, path: Path, progress: Progress | None = None) -> Checked:
    """Try every profile on a file or folder and name the one that gives this CID (R61)."""
    for profile in PROFILES.values():
        for added in Adder(None, profile).add([path], progress):
            root = added.root
            if root.cid == cid:
                return Checked(
                    cid, Status.ESTABLISHED, root.blocks, root.size, profile=profile.name
                )
    detail = f"no named profile gives this CID to {path}"
    return Checked(cid, Status.REFUTED, defects=(Defect(cid, "block.mismatch", detail),))


def _judged(root: Cid, work: Callable[[], Checked]) -> Checked:
    """Turn a damaged or missing block into the verdict it is."""
    try:
        return work()
    except BlockMismatch as error:
        defect = Defect(Cid.parse(error.cid), error.code, error.message)
        return Checked(root, Status.REFUTED, defects=(defect,))
    except BlockMissing as error:
        return Checked(root, Status.UNKNOWN, missing=(Cid.parse(error.cid),))
