"""Verbs that read proofs: `verify` judges, `show` only tells."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from lodestamp.faces.cli.exits import print_json
from lodestamp.faces.cli.options import Json
from lodestamp.faces.cli.progress import progress_bar


def verify(
    proof: Annotated[Path, typer.Argument(metavar="PROOF", help="A .proof.json or .tlog-proof.")],
    content: Annotated[
        Path | None,
        typer.Argument(
            metavar="CONTENT", help="What the proof is about; of a .tlog-proof the operation."
        ),
    ] = None,
    *,
    without_content: Annotated[
        bool, typer.Option("--without-content", help="Judge without the content.")
    ] = False,
    trust: Annotated[
        Path | None, typer.Option("--trust", metavar="FILE", help="The keys you trust (JSON).")
    ] = None,
    require: Annotated[
        list[str] | None,
        typer.Option("--require", metavar="LEG", help="A leg that must be established."),
    ] = None,
    as_json: Json = False,
) -> int:
    """Check a proof, offline, leg by leg. Exit: 0 established, 1 refuted, 2 unknown.

    Example: lodestamp verify report.pdf.proof.json report.pdf
    """
    import lodestamp  # noqa: PLC0415

    with progress_bar("reading the content") as bar:
        verdict = lodestamp.verify(
            proof,
            content,
            trust,
            without_content=without_content,
            require=require or (),
            progress=bar,
        )
    if as_json:
        print_json(verdict.as_json())
    else:
        from lodestamp.faces.cli.words import print_verdict  # noqa: PLC0415

        print_verdict(proof, verdict)
    return verdict.exit_code


def show(
    proof: Annotated[Path, typer.Argument(metavar="PROOF", help="A .proof.json file.")],
    *,
    as_json: Json = False,
) -> None:
    """Tell what a proof file says, section by section, without judging it.

    Example: lodestamp show report.pdf.proof.json
    """
    from lodestamp.faces.cli.words import describe, print_description  # noqa: PLC0415
    from lodestamp.node.verifying import read_proof  # noqa: PLC0415

    document = read_proof(proof)
    if as_json:
        print_json(describe(document))
    else:
        print_description(document)
