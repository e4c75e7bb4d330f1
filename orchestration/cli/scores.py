"""`tessera clv` and `tessera propensity`: scores from a table of one's own, with the report that says what they are
worth. Thin.
"""

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer

commands = typer.Typer()
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
