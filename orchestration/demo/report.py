"""What the demo says at its end: a page of figures, each read from the warehouse, the ledgers or the truth.

No figure is computed here that a stage does not also keep.
"""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from ingestion import quarantine
from orchestration import report
from orchestration.demo.evaluate import evaluate
from orchestration.jobs import Outcome
from orchestration.settings import Settings
from orchestration.warehouse import engine

Rows = list[tuple[Any, ...]]


def _table(title: str, columns: list[str], rows: Rows) -> Table:
    table = Table(title=title, title_justify="left", title_style="bold", show_edge=False, pad_edge=False)
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right")
    for row in rows:
        table.add_row(*(f"{value:,}" if isinstance(value, int) else str(value) for value in row))
    return table


def _sources(settings: Settings) -> Table:
    rows = []
    with engine.memory(settings) as con:
        for folder in sorted(path for path in settings.landing.iterdir() if (path / "batches").is_dir()):
            landed, bad = con.execute(
                "select sum(landed), sum(quarantined) from read_parquet(?, union_by_name = true)",
                [f"{folder}/batches/*.parquet"],
            ).fetchall()[0]
            rows.append((folder.name, int(landed or 0), int(bad or 0)))
    return _table("Records per source, all landings", ["source", "landed", "quarantined"], rows)


def _people(settings: Settings, figures: dict[str, Any]) -> Table:
    rows = [*report.people(settings), ("true people behind those profiles", figures["true_people"])]
    return _table(f"People, business day {report.business_day(settings)}", ["", "count"], rows)


def _quality(figures: dict[str, Any]) -> list[Table]:
    methods = [
        (name, *(f"{figures[key][metric]:.3f}" for metric in ("precision", "recall", "pair_f1", "bcubed_f1")))
        for name, key in (("Tessera", "tessera"), ("exact keys", "exact_keys"), ("bare Splink", "bare_splink"))
        if key in figures
    ]
    cases = figures["trap_cases"]["tessera"]
    traps = [(trap, cases[trap]["count_cases"], f"{share:.1%}") for trap, share in sorted(figures["traps"].items())]
    return [
        _table("Match quality against the generated truth", ["", "precision", "recall", "pair F1", "B-cubed"], methods),
        _table("Traps: people who are easily mixed up", ["trap", "cases", "told apart or joined rightly"], traps),
    ]


def _segments(settings: Settings) -> Table:
    rows = report.rows(
        settings,
        "select segment, count(*) from segments.membership where left_date is null group by 1 order by 2 desc",
    )
    return _table("Segments", ["segment", "people"], rows)


def _syncs(settings: Settings, run_id: str) -> Table:
    rows = report.rows(
        settings,
        "select sync, destination, count_acknowledged, count_unchanged, count_held, count_rejected "
        f"from state.activation.runs where run_id = '{run_id}' order by all",
    )
    return _table("Syncs of this run", ["sync", "destination", "written", "unchanged", "held", "rejected"], rows)


def _quarantine(settings: Settings) -> Table:
    rows = [(f"{row.system}/{row.resource}: {row.reason}", row.count) for row in quarantine.list_rows(settings.root)]
    totals: Counter[str] = Counter()
    for reason, count in rows:
        totals[reason] += count
    shown = totals.most_common(12)
    if rest := totals.total() - sum(count for _, count in shown):
        shown.append((f"{len(totals) - len(shown)} other reasons", rest))
    return _table("Quarantine (tessera quarantine list names file and line)", ["reason", "rows"], shown)


def evaluation_text(settings: Settings, truth: Path, *, as_json: bool) -> str:
    """The evaluation as text, or as JSON."""
    figures = evaluate(truth, settings)
    if as_json:
        return json.dumps(figures, indent=2, default=str)
    console = Console(width=110)
    with console.capture() as captured:
        for table in _quality(figures):
            console.print(table)
    return captured.get()


def print_summary(settings: Settings, outcome: Outcome, *, truth: Path) -> None:
    """The page a demo ends with."""
    console = Console(width=110)
    console.print()
    figures = evaluate(truth, settings)
    tables = [_sources(settings), _quarantine(settings), _people(settings, figures), *_quality(figures)]
    for table in (*tables, _segments(settings), _syncs(settings, outcome.run_id)):
        console.print(table)
        console.print()
    console.print(outcome.summary())
    is_new = outcome.run_id in str((settings.published / "marts.duckdb").resolve())
    told = "published anew" if is_new else "as published before: no mart changed"
    console.print(f"marts for BI: {settings.published / 'marts.duckdb'} (and Parquet beside it), {told}")
    console.print("the same in the Dagster UI: make dev, then http://127.0.0.1:3000")
