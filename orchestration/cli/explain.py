"""`tessera why` and `tessera why-not`: the evidence for and against two records being one person. Thin."""

from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli.identity_runs import home

commands = typer.Typer()

ShowValues = Annotated[bool, typer.Option("--show-values", help="Show personal values instead of masks.")]
Html = Annotated[Path | None, typer.Option("--html", help="Write the evidence as a picture into this file.")]


@commands.command()
def why(
    name: Annotated[str, typer.Argument(help="A record, or a person by any id it ever had.")],
    other: Annotated[str | None, typer.Argument(help="Another; without it, what holds the person together.")] = None,
    show_values: ShowValues = False,
    html: Html = None,
) -> None:
    """Why two records are one person: evidence by field, the links between them, what decided it."""
    from orchestration.identity.explain import person, words

    if other is None:
        if html:
            raise typer.BadParameter("a picture is of two records: name another one", param_hint="--html")
        typer.echo("\n".join(words.person_lines(person.read(home(), name), show_values=show_values)))
        return
    _pair(name, other, show_values=show_values, html=html)


@commands.command("why-not")
def why_not(name: str, other: str, show_values: ShowValues = False, html: Html = None) -> None:
    """Why two records or people are not one person, and what their weight would be."""
    _pair(name, other, show_values=show_values, html=html)


def _pair(name: str, other: str, *, show_values: bool, html: Path | None) -> None:
    from orchestration.identity.explain import pair, waterfall, words

    told = pair.explain(home(), name, other)
    typer.echo("\n".join(words.lines(told, show_values=show_values)))
    if html:
        waterfall.write(html, told, show_values=show_values)
        typer.echo(f"the picture: {html}")
