"""`tessera` commands about who is who: stewards' decisions, unmerge, holds, the past of ids, unload. Thin."""

from datetime import datetime
from typing import Annotated

import typer

from orchestration.cli.identity_runs import Who, Why, Yes, follow, home, identity

commands = typer.Typer()
decide = typer.Typer(no_args_is_help=True, help="Steward decisions about two records; they outrank the model for good.")
commands.add_typer(decide, name="decide")
commands.add_typer(identity, name="identity")


def _record(kind: str, record: str, other: str, *, who: str, why: str) -> None:
    from orchestration.identity import decisions
    from orchestration.warehouse import engine

    with engine.writing_state(home()) as con:
        is_new = decisions.record(con, record, other, decision=kind, who=who, why=why)
    typer.echo("decided; the next run applies it" if is_new else "that stands already; nothing was changed")


@decide.command()
def must(record: str, other: str, why: Why, who: Who) -> None:
    """Two records are one person."""
    _record("must", record, other, who=who, why=why)


@decide.command()
def cannot(record: str, other: str, why: Why, who: Who) -> None:
    """Two records are two people."""
    _record("cannot", record, other, who=who, why=why)


@decide.command("withdraw")
def decide_withdraw(record: str, other: str, why: Why, who: Who) -> None:
    """End the decision on two records; the model decides again."""
    from orchestration.identity import decisions
    from orchestration.warehouse import engine

    with engine.writing_state(home()) as con:
        was = decisions.withdraw(con, record, other, who=who, why=why)
    typer.echo(f"'{was}' withdrawn; the next run decides by the model")


@decide.command("list")
def decide_list() -> None:
    """Decisions that stand, newest first."""
    from orchestration.identity import decisions
    from orchestration.warehouse import engine

    with engine.writing_state(home()) as con:
        rows = decisions.listed(con)
    for decision, low, high, who, decided_at, why, origin in rows:
        via = "" if origin == "steward" else f" ({origin})"
        typer.echo(f"{decision}{via} {low} {high}: {who}, {decided_at:%Y-%m-%d %H:%M}: {why}")
    if not rows:
        typer.echo("nothing is decided")


@commands.command("who-was")
def who_was(
    name: Annotated[str, typer.Argument(help="Any id a person ever had, or a record id.")],
    as_of: Annotated[
        datetime | None,
        typer.Option(
            formats=["%Y-%m-%d", "%Y-%m-%dT%H:%M", "%Y-%m-%dT%H:%M:%S"],
            help="A business day, or with a time the moment (UTC) of whose knowledge you ask.",
        ),
    ] = None,
) -> None:
    """Who a person or record was at a time, what happened since, and who that is now."""
    from orchestration.identity import history

    # Midnight is a day: nobody asks what was known then.
    is_day = as_of is not None and not (as_of.hour or as_of.minute or as_of.second)
    typer.echo(history.who_was(home(), name, as_of.date() if is_day else as_of))


@commands.command()
def unmerge(
    person: Annotated[str, typer.Argument(help="The person who is two.")],
    records: Annotated[list[str], typer.Argument(help="Records that are somebody else's.")],
    why: Why,
    who: Who,
    yes: Yes = False,
) -> None:
    """Take records away from a person, for good: shows what that changes, asks, and ends with two people."""
    from orchestration.identity import blast_radius
    from orchestration.identity import unmerge as work
    from orchestration.identity.resolve import new_run_id

    settings = home()
    asked = work.prepare(settings, person, records)
    typer.echo(f"{asked.person_id}: {len(asked.leaving)} records leave, {len(asked.staying)} stay")
    typer.echo(blast_radius.measure(settings, asked.change, since_run=asked.since_run).told(with_values=True))
    if not yes:
        typer.confirm("take them apart?", abort=True)
    stays, *became = work.unmerge(settings, asked, who=who, why=why, run_id=new_run_id())
    typer.echo(f"two people now, in identity and profile: {stays} and {', '.join(became)}")
    follow(settings)
    work.verify(settings, asked)
    typer.echo("verified in what is served; the next `tessera run sync` corrects the destinations")


@commands.command()
def hold(
    person: Annotated[str, typer.Argument(help="A person or a record.")], who: Who, why: Why = "no reason given"
) -> None:
    """Stop every send of a person at once, in syncs under way too."""
    from orchestration.identity import holds

    typer.echo(f"{holds.place(home(), person, who=who, why=why)} is on hold: nothing of it is sent")


@commands.command()
def release(person: Annotated[str, typer.Argument(help="A person or a record.")], who: Who) -> None:
    """Let a person's data be sent again."""
    from orchestration.identity import holds

    typer.echo(f"{holds.release(home(), person, who=who)} is released: the next sync sends what is due")


@commands.command()
def unload(
    system: Annotated[str, typer.Argument(help="Name of a source system.")],
    load: Annotated[str | None, typer.Argument(help="A load; without it they are listed.")] = None,
    undo: Annotated[bool, typer.Option("--undo", help="Let an unloaded load count again.")] = False,
) -> None:
    """Undo a landed load: its rows no longer count, and the next run corrects what came of them."""
    from ingestion import unloading

    settings = home()
    if load is None:
        for found in unloading.loads(settings.root, system):
            state = "" if found.is_counted else ", unloaded"
            typer.echo(
                f"{found.load_id}: {found.received_at:%Y-%m-%d %H:%M}, {found.files} files, {found.rows:,} rows{state}"
            )
        return
    found = unloading.unload(settings.root, system, load, undo=undo)
    if undo:
        typer.echo(f"load {load} counts again ({found.rows:,} rows): `tessera run daily` brings its rows back")
    else:
        typer.echo(
            f"load {load} no longer counts ({found.rows:,} rows): `tessera run daily` corrects what came of it; "
            f"`tessera unload {system} {load} --undo` brings it back"
        )
