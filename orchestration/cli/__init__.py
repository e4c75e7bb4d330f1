"""`tessera`: a thin command line over what the assets call. Each command imports what it needs, so help is quick."""

import sys
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from orchestration.cli import link, review
from orchestration.cli.explain import commands as explain_commands
from orchestration.cli.identity import commands as identity_commands
from orchestration.cli.masters import commands as master_commands
from orchestration.cli.profile import commands as profile_commands
from orchestration.cli.run_options import AsOf, reaching_sources
from orchestration.cli.scores import commands as score_commands
from orchestration.cli.sync import commands as sync_commands

app = typer.Typer(
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    help="Tessera, a customer data platform in your own warehouse.",
)
quarantine = typer.Typer(no_args_is_help=True, help="Rows that broke their contract: see them, land them once mended.")
segment = typer.Typer(no_args_is_help=True, help="Segments: which there are; preview a document before it is used.")
contracts = typer.Typer(no_args_is_help=True, help="Data contracts and what is generated from them.")
app.add_typer(quarantine, name="quarantine")
app.add_typer(segment, name="segment")
app.add_typer(contracts, name="contracts")
app.add_typer(identity_commands)
app.add_typer(explain_commands)
app.add_typer(profile_commands)
app.add_typer(score_commands)
app.add_typer(master_commands)
app.add_typer(sync_commands)
app.add_typer(link.app, name="link")
app.add_typer(review.app, name="review")

Json = Annotated[bool, typer.Option("--json", help="Machine-readable output.")]


def _settings():
    from orchestration.home import opened

    return opened()


@app.command()
def demo(
    people: Annotated[int, typer.Option(min=10, help="How many people to generate.")] = 10_000,
    seed: Annotated[int, typer.Option(help="Same seed, same population.")] = 1,
) -> None:
    """Generate a population, run the whole flow on it, and say what came out."""
    from orchestration.demo.run import run_demo

    raise typer.Exit(run_demo(_settings(), people=people, seed=seed))


@app.command()
def generate(
    people: Annotated[int, typer.Option(min=10, help="How many people.")],
    out: Annotated[Path, typer.Option(help="Folder to write `drops/`, `api/` and `truth/` into.")],
    seed: Annotated[int, typer.Option(help="Same seed, same population.")] = 1,
    until: Annotated[
        datetime | None, typer.Option(formats=["%Y-%m-%d"], help="Withhold every day after this one.")
    ] = None,
) -> None:
    """Write a generated population with real shopping behaviour, as its sources would deliver it."""
    from orchestration.demo.generate import generate as write

    for name, value in write(people, seed, out, until=until.date() if until else None).items():
        typer.echo(f"{name}: {value}")


@app.command()
def run(
    job: Annotated[
        str,
        typer.Argument(
            help="daily: landing to marts, sends nothing. hourly: landing to profiles. sync: sends. everything: all."
        ),
    ] = "daily",
    as_of: AsOf = None,
) -> None:
    """Run a job in this process; it shows in the UI like any other run."""
    from orchestration.jobs import run_job
    from orchestration.landing.drops import nobodys_folders
    from orchestration.report import summary

    settings = _settings()
    with reaching_sources(settings):
        outcome = run_job(settings, job, as_of=as_of.date() if as_of else None)
    for told in (*nobodys_folders(settings), summary(settings), outcome.summary()):
        typer.echo(told)
    raise typer.Exit(0 if outcome.healthy else 1)


@app.command()
def dev(
    host: str = "127.0.0.1",
    port: int = 3000,
) -> None:
    """Open the Dagster UI on this home."""
    from orchestration.home import serve_ui

    settings = _settings()
    with reaching_sources(settings):
        raise typer.Exit(serve_ui(settings, host=host, port=port))


@app.command()
def env() -> None:
    """Print the variables that plain `dagster` and `dbt` commands need:  eval "$(tessera env)"."""
    import shlex

    from orchestration.home import variables

    for name, value in variables(_settings()).items():
        typer.echo(f"export {name}={shlex.quote(value)}")


@app.command()
def land(system: Annotated[str, typer.Argument(help="Name of a source system, for example receipts.")]) -> None:
    """Land what a source has that is new. Touches nothing else."""
    from data_contracts.contract import load
    from orchestration.landing.intake import take_in

    settings = _settings()
    with reaching_sources(settings):
        intake = take_in(settings, load(system), log=partial(typer.echo, err=True))
    typer.echo(intake.summary())
    raise typer.Exit(0 if intake.healthy else 1)


@app.command()
def evaluate(
    truth: Annotated[Path, typer.Option(help="Folder with the generated truth.")],
    as_json: Json = False,
) -> None:
    """Compare the people found with the generated truth, beside two baselines."""
    from orchestration.demo.report import evaluation_text

    typer.echo(evaluation_text(_settings(), truth, as_json=as_json))


@app.command()
def publish() -> None:
    """Publish the marts again."""
    from orchestration.warehouse.publish import publish as release

    # A name of its own: the current release is read while the next one is written.
    made = release(_settings(), f"manual-{datetime.now():%Y%m%d%H%M%S}")
    for mart, count in made["rows"].items():
        typer.echo(f"{mart}: {count:,} rows")
    told = "nothing changed since" if made["is_unchanged"] else "now"
    typer.echo(f"{made['path']}: {told} {made['release']}, {made['seconds']:.1f} s")


@app.command("why-segment")
def why_segment(person_id: str, segment_name: str) -> None:
    """Each clause of a segment's rules with this person's value, what else decides, why the person came and left."""
    from orchestration.segments.explain import why_text

    typer.echo(why_text(_settings(), person_id, segment_name))


@segment.command("preview")
def segment_preview(file: Annotated[Path, typer.Argument(exists=True, dir_okay=False)]) -> None:
    """Size, reach, overlap, breakdown and masked examples of a segment document; writes nothing."""
    from orchestration.segments.telling import preview_text

    typer.echo(preview_text(_settings(), file))


@segment.command("list")
def segment_list() -> None:
    """Every segment with kind, status, size and who approved it; documents that cannot be used."""
    from orchestration.segments.telling import list_text

    typer.echo(list_text(_settings()))


@quarantine.command("list")
def quarantine_list(system: Annotated[str | None, typer.Argument(help="One system; all without it.")] = None) -> None:
    """Quarantined rows by file, line and reason."""
    from orchestration.landing.quarantine import list_text

    typer.echo(list_text(_settings(), system))


@quarantine.command("replay")
def quarantine_replay(
    system: Annotated[str, typer.Argument(help="Name of a source system.")],
    resource: Annotated[str | None, typer.Option(help="One table of it.")] = None,
) -> None:
    """Judge quarantined rows again by the contract as it is now; those that pass land once."""
    from orchestration.landing.quarantine import replay_text

    typer.echo(replay_text(_settings(), system, resource))


@contracts.command("write")
def contracts_write() -> None:
    """Write the dbt sources that follow from the contracts."""
    from data_contracts.dbt_sources import write_all
    from orchestration.settings import PROJECT_ROOT

    for path in write_all(PROJECT_ROOT / "dbt_project"):
        typer.echo(path)


@contracts.command("check")
def contracts_check() -> None:
    """Read every contract and every document; fail where one is wrong or what is generated from it is stale."""
    from orchestration.checks import check_project

    findings = check_project()
    for finding in findings:
        typer.echo(finding, err=True)
    typer.echo("contracts and documents are sound" if not findings else f"{len(findings)} to mend")
    raise typer.Exit(1 if findings else 0)


def main() -> None:
    """Entry point: known failures become one clear message and an exit code, the rest a traceback."""
    try:
        app()
    except Exception as error:
        from orchestration.errors import explain, is_expected

        if not is_expected(error):
            raise
        typer.echo(explain(error), err=True)
        sys.exit(3)
