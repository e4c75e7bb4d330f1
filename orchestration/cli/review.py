"""`tessera review`: the queue of uncertain pairs as a sheet for a steward, and the answers back. Thin."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.identity_runs import Who, home

app = typer.Typer(no_args_is_help=True, help="Pairs that a steward should look at: export a sheet, import the answers.")


@app.command()
def export(file: Annotated[Path, typer.Argument(help="The CSV to write; it holds personal values.")]) -> None:
    """Write the most uncertain pairs side by side, with an empty column `answer`."""
    from orchestration.identity.review import sheet

    count = sheet.export(home(), file)
    typer.echo(f"{count} pairs in {file}: fill the column `answer` with same, different or unsure, then import it")


@app.command("labels")
def listed() -> None:
    """Answers that count, newest first."""
    from orchestration.identity.review import labels
    from orchestration.warehouse import engine

    with engine.writing_state(home()) as con:
        rows = labels.listed(con)
    for answer, low, high, who, labelled_at in rows:
        typer.echo(f"{answer} {low} {high}: {who}, {labelled_at:%Y-%m-%d %H:%M}")
    if not rows:
        typer.echo("nothing is answered")


@app.command()
def withdraw(record: str, other: str, who: Who) -> None:
    """Take an answer back; a decision made of it stays until `tessera decide withdraw`."""
    from orchestration.identity.review import labels
    from orchestration.warehouse import engine

    with engine.writing_state(home()) as con:
        was = labels.withdraw(con, record, other, who=who)
    typer.echo(f"'{was}' withdrawn; the next run measures without it")


@app.command("import")
def take_in(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="The sheet with answers.")],
    who: Who,
    decide: Annotated[bool, typer.Option("--decide", help="Make each same or different a steward decision.")] = False,
) -> None:
    """Keep the answers as labels that measure the model; all of the file or nothing."""
    from orchestration.identity.review import sheet

    count, decided = sheet.take_in(home(), file, who=who, decide=decide)
    typer.echo(f"{count} new labels; the next run measures by them")
    if decide:
        typer.echo(f"{decided} new decisions; the next run applies them")
