"""`tessera link`: any person table resolved; `tessera link compare`: two answers side by side."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperGroup

if TYPE_CHECKING:
    from orchestration.identity.any_table.compare import Example
    from orchestration.identity.any_table.roles import Guess

_TABLE = "table"


class _TableByDefault(TyperGroup):
    """`tessera link FILE ...` is `tessera link table FILE ...`; a file called `compare` is written ./compare."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        if args and args[0] not in self.commands:
            args = [_TABLE, *args]
        return super().parse_args(ctx, args)


app = typer.Typer(
    cls=_TableByDefault,
    no_args_is_help=True,
    help="Resolve any person table, without labels: tessera link INPUT OUTPUT (see tessera link table --help).",
)

Columns = Annotated[
    list[str] | None,
    typer.Option(
        "--columns",
        metavar="ROLE=COLUMN,...",
        help="Say which column is what where the guess is wrong: first_name=name. `role=`: no column; `ignore=column`.",
    ),
]
Json = Annotated[bool, typer.Option("--json", help="Machine-readable figures on standard output.")]


@app.command(_TABLE)
def table(
    input_file: Annotated[Path, typer.Argument(metavar="INPUT", help="Parquet or CSV, one row a record.")],
    output: Annotated[
        Path, typer.Argument(metavar="OUTPUT", help="Parquet or CSV: record_id, person_id, match_confidence.")
    ],
    *,
    columns: Columns = None,
    source_column: Annotated[
        str | None, typer.Option("--source-column", help="Column that says which system a record is from.")
    ] = None,
    duplicate_free: Annotated[
        str, typer.Option("--duplicate-free", help="Sources in which nobody is twice: crm,shop; `all` for every one.")
    ] = "",
    seed_ids: Annotated[
        Path | None,
        typer.Option("--seed-ids", help="File with record_id and person_id of the system you leave: its ids live on."),
    ] = None,
    report: Annotated[Path | None, typer.Option("--report", help="HTML report; OUTPUT with .html without it.")] = None,
    as_json: Json = False,
) -> None:
    """Who is who in a table: writes a person id for every record, and a report that shows why.

    Two answers side by side: tessera link compare A B.
    """
    from orchestration.identity.any_table.run import Request, link_table

    figures = link_table(
        Request(
            input=input_file,
            output=output,
            columns=columns or [],
            source_column=source_column,
            duplicate_free=[name.strip() for name in duplicate_free.split(",") if name.strip()],
            seed_ids=seed_ids,
            report=report,
        ),
        _Screen(),
    )
    trained = figures.pop("model")
    typer.echo(json.dumps(figures, default=str) if as_json else _summary(output, figures, trained))


@app.command("compare")
def compare_partitions(
    a: Annotated[Path, typer.Argument(help="Partition as it was: record_id, person_id.")],
    b: Annotated[Path, typer.Argument(help="Partition as it is now.")],
    *,
    records: Annotated[
        Path | None, typer.Option("--records", help="The table that was linked, to show and explain examples.")
    ] = None,
    columns: Columns = None,
    examples: Annotated[int, typer.Option(min=0, help="Examples of each kind.")] = 5,
    listed: Annotated[
        Path | None, typer.Option("--list", help="Write every record of every difference to this Parquet or CSV file.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Where two partitions differ: people merged, split, moved; with examples."""
    from orchestration.identity.any_table.compare import compare

    counts, found = compare(a, b, records=records, columns=columns, examples=examples, listed=listed)
    if as_json:
        typer.echo(json.dumps(counts | {"examples": [example.__dict__ for example in found]}, default=str))
        return
    _show_comparison(counts, found)


class _Screen:
    """Progress on standard error: standard output is for figures."""

    def roles(self, guesses: "list[Guess]") -> None:
        from rich.console import Console
        from rich.markup import escape
        from rich.table import Table

        shown = Table(show_edge=False, pad_edge=False, header_style="bold")
        for heading, justify in (("column", "left"), ("role", "left"), ("filled", "right"), ("why", "left")):
            shown.add_column(heading, justify=justify)
        for guess in guesses:
            role = guess.role or "-"
            shown.add_row(escape(guess.column.name), role, f"{guess.share_filled:.0%}", escape(guess.why))
        console = Console(stderr=True)
        console.print(shown)
        console.print("wrong? say so with --columns role=column", style="dim")

    def say(self, text: str) -> None:
        typer.echo(text, err=True)


def _summary(output: Path, figures: dict[str, Any], trained: dict[str, Any]) -> str:
    surplus = figures["records"] - figures["people"]
    lines = [
        f"{figures['records']:,} records are {figures['people']:,} people: {surplus:,} records "
        f"({surplus / max(figures['records'], 1):.1%}) are of somebody who has one already; "
        f"largest person {figures['largest_person']:,} records; {figures['seconds']['total']:.0f} s"
    ]
    if figures["ids"]["kept"]:
        lines.append(f"{figures['ids']['kept']:,} people keep an id they had, {figures['ids']['new']:,} have a new one")
    from orchestration.identity import thresholds

    judged = thresholds.estimates(trained)
    if judged:
        without = ", ".join(f"{at:.0%} without {field.replace('_', ' ')}" for field, at, *_ in judged[:3])
        lines.append(f"estimated pair F1, each time judged by the field left out: {without}; with all of them better")
    elif trained and not trained["is_trained"]:
        lines.append("too few records to learn from: weights are those usual for people, and no quality is estimated")
    lines += [f"note: {warning}" for warning in figures["warnings"]]
    return "\n".join([*lines, f"{output}, report {figures['report']}"])


def _show_comparison(counts: dict[str, Any], found: "list[Example]") -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(width=None if Console().is_terminal else 160)
    console.print(
        f"{counts['records_in_both']:,} records in both ({counts['records_only_in_a']:,} only in A, "
        f"{counts['records_only_in_b']:,} only in B); people: {counts['people_a']:,} in A, "
        f"{counts['people_b']:,} in B, {counts['people_the_same']:,} with the same records",
        highlight=False,
    )
    console.print(
        f"pairs of records: {counts['pairs_a']:,} in A, {counts['pairs_b']:,} in B, "
        f"{counts['pairs_in_both']:,} in both; agreement (F1) {counts['pair_agreement']:.4f}; "
        f"B keeps {counts['share_of_a_kept']:.1%} of A's, "
        f"A knew {counts['share_of_b_known']:.1%} of B's",
        highlight=False,
    )
    meaning = {"merged": "people of A are one in B", "split": "one of A is several in B", "moved": "regrouped"}
    for kind, told in meaning.items():
        console.print(
            f"{kind}: {counts[kind]['cases']:,} cases, {counts[kind]['records']:,} records ({told})", highlight=False
        )
    for example in found:
        shown = Table(
            title=escape(f"{example.kind}: {example.count_a} in A, {example.count_b} in B. {example.why}".strip()),
            title_justify="left", show_edge=False, pad_edge=False, title_style="bold",
        )  # fmt: skip
        for heading in ("A", "B", "record", *example.columns):
            shown.add_column(escape(heading))
        for row in example.records:
            shown.add_row(*("" if value is None else escape(str(value)) for value in row))
        console.print()
        console.print(shown)
