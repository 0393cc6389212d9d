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
    headers: Annotated[
        Path | None,
        typer.Option(
            "--headers", metavar="FILE", help="Bitcoin's headers, raw, from the genesis block on."
        ),
    ] = None,
    network: Annotated[
        str | None,
        typer.Option(
            "--network", metavar="N", help="Anchors there count too: testnet4, signet, regtest."
        ),
    ] = None,
    strict: Annotated[
        bool, typer.Option("--strict", help="Nothing self-asserted stands: keys must be pinned.")
    ] = False,
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
            headers=headers,
            network=network,
            strict=strict,
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
    raw: Annotated[
        bool, typer.Option("--raw", help="The file's own members and bytes, nothing decoded.")
    ] = False,
    as_json: Json = False,
) -> None:
    """Tell what a proof file says, section by section, without judging it.

    Example: lodestamp show report.pdf.proof.json
    """
    from lodestamp.faces.cli.description import describe, print_description  # noqa: PLC0415
    from lodestamp.node.verifying import read_proof  # noqa: PLC0415

    document = read_proof(proof)
    if as_json:
        print_json(describe(document))
    else:
        print_description(document, raw=raw)
