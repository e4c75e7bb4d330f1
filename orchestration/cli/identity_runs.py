"""`tessera identity ...`: holds, plans that wait, runs, retraining and rollback. Thin."""

import getpass
import json
from typing import Annotated, Any

import typer

identity = typer.Typer(
    no_args_is_help=True, help="Runs of identity: plans that wait, retraining, rollback; who is held."
)


def user() -> str:
    """Who is at the terminal, as far as the system knows."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "unknown"


Why = Annotated[str, typer.Option("--why", help="The reason, for whoever asks later.")]
Who = Annotated[str, typer.Option("--who", help="Whose decision it is.", default_factory=user)]
Yes = Annotated[bool, typer.Option("--yes", help="Do not ask.")]
RunId = Annotated[str | None, typer.Argument(help="Its run; may be left out when only one waits.")]


def home() -> Any:
    """The settings of the environment, their home prepared."""
    from orchestration.home import opened

    return opened()


def follow(settings: Any) -> None:
    """Bring what hangs on the partition in line with it: profiles to marts; sends nothing. Exits 1 when it did not."""
    from orchestration.jobs import run_job
    from orchestration.report import business_day

    outcome = run_job(settings, "after_identity", as_of=business_day(settings))
    typer.echo(outcome.summary())
    if not outcome.success:
        raise typer.Exit(1)


@identity.command("holds")
def identity_holds() -> None:
    """Who is on hold, since when and why."""
    from orchestration.identity import holds
    from orchestration.warehouse import engine

    with engine.writing_state(home()) as con:
        rows = holds.standing(con)
    for person, held, held_at, who, why in rows:
        was = "" if person == held else f" (held as {held})"
        typer.echo(f"{person}{was}: {who}, {held_at:%Y-%m-%d %H:%M}: {why}")
    if not rows:
        typer.echo("nobody is on hold")


@identity.command("plans")
def identity_plans(count: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 10) -> None:
    """What the last runs would have changed, and what became of that."""
    from orchestration.identity import plans, state
    from orchestration.warehouse import engine

    with engine.writing_state(home()) as con:
        state.create_tables(con)
        for plan in plans.newest(con, count):
            typer.echo(plan.told())


@identity.command("runs")
def identity_runs(count: Annotated[int, typer.Option(min=1, help="How many, newest first.")] = 10) -> None:
    """Runs that were applied: what `rollback --to` and `who-was` can go back to."""
    from orchestration.identity import history, state
    from orchestration.warehouse import engine

    with engine.writing_state(home()) as con:
        state.create_tables(con)
        for run, action, why in history.runs(con, count):
            typer.echo(f"{run}: {action}{f', {why}' if why else ''}")


@identity.command("retrain")
def identity_retrain(
    who: Who, apply: Annotated[bool, typer.Option("--apply", help="Apply it, do not only show it.")] = False
) -> None:
    """Train the model anew and show what its people would change; nothing is applied without --apply."""
    from orchestration.identity import blast_radius, plans, resolve
    from orchestration.identity.apply import Change
    from orchestration.landing.business_day import latest_business_day

    settings, run_id = home(), resolve.new_run_id()
    resolve.resolve(
        settings, as_of=latest_business_day(settings), run_id=run_id, retrain=True, is_proposal=True, who=who
    )
    typer.echo(blast_radius.measure(settings, Change(**plans.stored(settings, run_id))).told())
    if apply:
        _promoted(settings, run_id, who)
    else:
        typer.echo(f"nothing was applied: `tessera identity promote {run_id}` does, `discard` lets it go")


@identity.command("promote")
def identity_promote(who: Who, run: RunId = None) -> None:
    """Apply a plan that waits, or end a rollback; then bring profiles to marts in line."""
    _promoted(home(), run, who)


def _promoted(settings: Any, run_id: str | None, who: str) -> None:
    from orchestration.identity import resolve

    figures = resolve.promote(settings, run_id, who=who)
    typer.echo(f"applied: {json.dumps(figures['churn'])}")
    follow(settings)


@identity.command("discard")
def identity_discard(who: Who, run: RunId = None) -> None:
    """Let a plan that waits go."""
    from orchestration.identity import resolve

    typer.echo(f"{resolve.discard(home(), run, who=who).run_id} is discarded; the next run plans anew")


@identity.command("rollback")
def identity_rollback(
    to: Annotated[str, typer.Option("--to", help="A run of `tessera identity runs`.")],
    why: Why,
    who: Who,
    yes: Yes = False,
) -> None:
    """Serve the people of an earlier run again; ordinary runs change nothing until `tessera identity promote`."""
    from orchestration.identity import blast_radius
    from orchestration.identity import rollback as work
    from orchestration.identity.resolve import new_run_id

    settings = home()
    change, target = work.prepare(settings, to)
    typer.echo(f"back to {target}; records that came later become people of their own")
    typer.echo(blast_radius.measure(settings, change).told())
    if not yes:
        typer.confirm("serve it again?", abort=True)
    applied = work.rollback(settings, to, who=who, why=why, run_id=new_run_id())
    typer.echo(f"done: {applied.churn.told()}\n{applied.plan.what_to_do()}")
    follow(settings)
