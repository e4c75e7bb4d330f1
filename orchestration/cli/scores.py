"""`tessera clv` and `tessera propensity`: scores from a table of one's own, with the report that says what they are
worth; `tessera scores`: those of the people in the warehouse. Thin.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()
scores = typer.Typer(no_args_is_help=True, help="Scores of people: how good they are, and training them anew.")
commands.add_typer(scores, name="scores")
Json = Annotated[bool, typer.Option("--json", help="Machine-readable figures on standard output.")]
DateFormat = Annotated[
    str | None, typer.Option("--date-format", help="How dates are written where it cannot be guessed: '%d.%m.%Y'.")
]


@commands.command()
def clv(
    input_file: Annotated[
        Path, typer.Argument(metavar="TRANSACTIONS", help="Parquet or CSV, one row a purchase line.")
    ],
    *,
    customer: Annotated[str, typer.Option("--customer", help="Column that says who bought.")],
    day: Annotated[str, typer.Option("--date", help="Column that says when.")],
    amount: Annotated[str, typer.Option("--amount", help="Column that says for how much; below 0 is returned.")],
    output: Annotated[Path, typer.Option("--out", help="Parquet or CSV: one row per customer known at the cutoff.")],
    horizon_days: Annotated[int, typer.Option("--horizon-days", help="Days after the cutoff to forecast.")],
    cutoff: Annotated[
        datetime | None,
        typer.Option("--cutoff", formats=["%Y-%m-%d"], help="Last day that is known; without it the table's last."),
    ] = None,
    date_format: DateFormat = None,
    as_json: Json = False,
) -> None:
    """What each customer will buy: the chance, purchases and spend of a horizon, beside plain rules, measured."""
    from orchestration.scores import report, value

    found = value.forecast(
        value.Request(input_file, output, customer, day, amount, horizon_days,
                      cutoff.date() if cutoff else None, date_format)
    )  # fmt: skip
    typer.echo(json.dumps(vars(found), default=str) if as_json else report.of_value(found, output))


@commands.command()
def propensity(
    input_file: Annotated[Path, typer.Argument(metavar="TABLE", help="Parquet or CSV, one row a case.")],
    *,
    target: Annotated[str, typer.Option("--target", help="Column with the outcome: two values, empty where unknown.")],
    output: Annotated[Path, typer.Option("--out", help="Parquet or CSV: id, probability, fold, for every row.")],
    day: Annotated[
        str | None, typer.Option("--date", help="Column that says when; models then learn from earlier rows only.")
    ] = None,
    row_id: Annotated[
        str | None, typer.Option("--id", help="Column that says who or what; rows of one id are never apart.")
    ] = None,
    drop: Annotated[list[str] | None, typer.Option("--drop", help="A column to leave out; may be given again.")] = None,
    date_format: DateFormat = None,
    as_json: Json = False,
) -> None:
    """How likely each row is to have an outcome, from its other columns, beside plain rules, measured."""
    from orchestration.scores import propensity as work
    from orchestration.scores import report

    found = work.predict(work.Request(input_file, output, target, day, row_id, tuple(drop or ()), date_format))
    typer.echo(json.dumps(vars(found), default=str) if as_json else report.of_propensity(found, output))


@commands.command()
def features(
    output: Annotated[Path, typer.Argument(metavar="FILE", help="Parquet or CSV: one row per person known by then.")],
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="The day; without it that of the last run.")
    ] = None,
) -> None:
    """The features of people as they were on a day: nothing that came later is in them."""
    from orchestration.cli.identity_runs import home
    from orchestration.features import as_of as then

    day, count = then.write(home(), as_of.date() if as_of else None, output)
    typer.echo(f"{count:,} people as of {day}: {output}")


@scores.command("report")
def told(name: Annotated[str | None, typer.Argument(help="A score; without it all of them.")] = None) -> None:
    """How good each score is beside plain rules, on days that it had not seen."""
    from orchestration.cli.identity_runs import home
    from orchestration.scores.of_people import run, shown

    for score, kept in run.in_use(home(), name).items():
        typer.echo(f"{score}, model {kept.version}: {shown.as_text(kept.learned)}\n")


@scores.command()
def retrain(
    name: Annotated[str | None, typer.Argument(help="A score; without it all of them.")] = None,
    as_of: Annotated[
        datetime | None, typer.Option("--as-of", formats=["%Y-%m-%d"], help="Last day that the models may know.")
    ] = None,
) -> None:
    """Train anew; the new models speak from the next run on."""
    from orchestration.cli.identity_runs import home
    from orchestration.landing.business_day import latest_business_day
    from orchestration.scores.of_people import run, shown

    settings = home()
    day = as_of.date() if as_of else latest_business_day(settings)
    for score, kept in run.retrain(settings, day, "by hand", run.named(name)).items():
        typer.echo(f"{score}, model {kept.version}: {shown.as_text(kept.learned)}\n")
