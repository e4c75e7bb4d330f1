"""`tessera profile` and `tessera profiles`: golden values of one person, or of all, now or on a day. Thin."""

from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.identity_runs import home

commands = typer.Typer()
Day = Annotated[datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="A past day; without it now.")]


@commands.command()
def profile(
    name: Annotated[str, typer.Argument(help="A record, or a person by any id it ever had.")],
    as_of: Day = None,
    show_values: Annotated[bool, typer.Option("--show-values", help="Show personal values instead of masks.")] = False,
) -> None:
    """The golden values of a person with the rule and record behind each, now or as of any day."""
    from orchestration.profile import history

    typer.echo(history.text(home(), name, as_of.date() if as_of else None, show_values=show_values))


@commands.command()
def profiles(
    output: Annotated[Path, typer.Argument(metavar="FILE", help="Parquet or CSV: one row per person of that day.")],
    as_of: Day = None,
) -> None:
    """All golden profiles as of a day, in one file."""
    from orchestration.profile import history

    typer.echo(f"{history.write(home(), as_of.date() if as_of else None, output):,} people: {output}")
