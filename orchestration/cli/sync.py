"""`tessera sync` and `tessera why-sent`: send, adopt, try one row, and why somebody was sent. Thin."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated

import typer

from orchestration.cli.identity_runs import home
from orchestration.cli.run_options import AsOf, reaching_sources

commands = typer.Typer()

Name = Annotated[str, typer.Argument(help="Name of a sync document.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Show the plan, send nothing.")]
Only = Annotated[
    str | None, typer.Option("--only", metavar="KEY", help="Send this row alone; show what goes and comes.")
]
Retry = Annotated[bool, typer.Option("--retry", help="Try refused rows again, unchanged ones too.")]
Adopt = Annotated[bool, typer.Option("--adopt", help="Take over what is there already, by key; write nothing there.")]
AcceptOlder = Annotated[
    bool, typer.Option("--accept-older-ledger", help="Go on with a state file that is older than what was sent.")
]


@commands.command()
def sync(
    name: Name,
    *,
    dry_run: DryRun = False,
    only: Only = None,
    retry: Retry = False,
    adopt: Adopt = False,
    accept_older_ledger: AcceptOlder = False,
    as_of: AsOf = None,
) -> None:
    """Plan, send and record one sync."""
    from orchestration.activation.run import adopt_named, run_named
    from orchestration.activation.scope import Scope

    if adopt and (dry_run or only or retry or accept_older_ledger):
        raise typer.BadParameter("sends nothing and takes everything over: give it alone", param_hint="--adopt")
    settings, day = home(), as_of.date() if as_of else None
    with reaching_sources(settings), _watching(only):
        if adopt:
            typer.echo(adopt_named(settings, name, as_of=day))
            return
        scope = Scope(only, retry, accept_older_ledger)
        result = run_named(settings, name, as_of=day, dry_run=dry_run, scope=scope)
    if only and not dry_run:
        from orchestration.activation.explain import answer_text

        typer.echo(answer_text(settings, name, result.run_id))
    typer.echo(result.summary())
    raise typer.Exit(0 if result.success else 1)


@contextmanager
def _watching(only: str | None) -> Iterator[None]:
    from orchestration.activation import wire

    if only is None:
        yield
        return
    with wire.watched(typer.echo):
        yield


@commands.command("why-sent")
def why_sent(sync_name: str, person_id: str) -> None:
    """Why a person's data was, or was not, sent by a sync."""
    from orchestration.activation.explain import why_text

    typer.echo(why_text(home(), sync_name, person_id))
