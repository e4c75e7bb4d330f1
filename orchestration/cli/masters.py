"""`tessera masters`: who decides each attribute, and what contradicts that. Thin."""

from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()

Check = Annotated[bool, typer.Option("--check", help="Trace the dbt models too; exit 2 if anything is wrong.")]
Against = Annotated[
    Path | None,
    typer.Option(exists=True, dir_okay=False, help="The registry as it was; with --check, its history must be kept."),
]


@commands.command()
def masters(check: Check = False, against: Against = None) -> None:
    """Who decides each attribute, where it is read from and written to; what contradicts that."""
    from orchestration.activation.masters import telling

    if against and not check:
        raise typer.BadParameter("compares while checking: add --check", param_hint="--against")
    found = telling.declared()
    problems = telling.checked(against) if check else [str(problem) for problem in found.problems]
    if not check:
        typer.echo("\n".join(telling.table(found)))
    for problem in problems:
        typer.echo(problem, err=True)
    typer.echo(f"{len(problems)} to mend" if problems else "every attribute has one master", err=bool(problems))
    raise typer.Exit(2 if problems and check else 0)
