"""One resolution of any table: read, find roles, solve, give ids, write; `link_table` is the whole of it.

What is told while it runs goes through the caller's `Teller`; what a figure looks like belongs to `report`.
"""

import json
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol

import duckdb

from orchestration.identity import model
from orchestration.identity.any_table import answer, assignment, contacts, facts, report, seeds
from orchestration.identity.any_table.roles import Guess
from orchestration.identity.solve import solve
from orchestration.warehouse import answers, workspace
from orchestration.warehouse.files import Column, TableError, read_table

EVERY_SOURCE = "all"


class Teller(Protocol):
    """Where progress is shown."""

    def roles(self, guesses: list[Guess]) -> None: ...

    def say(self, text: str) -> None: ...


@dataclass(frozen=True)
class Request:
    """What to link and how: see the options of `tessera link`."""

    input: Path
    output: Path
    columns: list[str] = field(default_factory=list)
    source_column: str | None = None
    duplicate_free: list[str] = field(default_factory=list)
    seed_ids: Path | None = None
    report: Path | None = None


def link_table(request: Request, teller: Teller) -> dict[str, Any]:
    """Write the output and the report of a request; returns the figures of the run. Raises TableError."""
    started = time.monotonic()
    answers.check(request.output, request.input, _report_path(request))
    with workspace.opened() as (con, scratch):
        guesses, inputs = _prepare(con, request, teller, scratch)
        duplicate_free = _duplicate_free(request, inputs.sources)
        seconds = {"read": _since(started)}
        teller.say(f"linking {inputs.tables['contacts'].num_rows:,} records")
        solved, figures = _solve(con, inputs, scratch / "model.json", duplicate_free)
        seed_table = "own.seeds" if request.seed_ids else None
        figures["ids"] = answer.give_ids(con, solved.get("partition"), solved.get("links"), seed_table)
        keys = assignment.assigned(guesses).get("record_id")
        answer.write(con, request.output, f"raw.{keys[0].at}" if keys else "row_no")
        figures |= answer.sizes(con)
        figures["seconds"] = seconds | figures["seconds"] | {"total": _since(started)}
        figures |= {"warnings": _warnings(guesses, inputs, figures), "input": str(request.input)}
        report.write(con, _report_path(request), guesses, inputs, figures)
    return figures | {"report": str(_report_path(request))}


def _since(started: float) -> float:
    return round(time.monotonic() - started, 2)


def _report_path(request: Request) -> Path:
    return request.report or request.output.with_suffix(".html")


def _prepare(
    con: duckdb.DuckDBPyConnection, request: Request, teller: Teller, scratch: Path
) -> tuple[list[Guess], contacts.Inputs]:
    # A schema of its own: what the engine calls its tables is the engine's matter.
    con.execute("create schema own")
    columns = read_table(con, request.input, "own.raw", scratch)
    texts = ", ".join(f"{column.text()} as {column.at}" for column in columns)
    con.execute(f"create or replace table own.given as select row_no, {texts} from own.raw order by row_no")
    guesses = guess(con, request, columns)
    teller.roles(guesses)
    roles = assignment.assigned(guesses)
    if not set(roles) - {"record_id", "source"}:
        raise TableError(
            f"{request.input}: no column says anything about a person; say which is which with --columns role=column"
        )
    if "record_id" not in roles:
        teller.say("no column is a record id: records are called by their row number, from 1")
    if request.seed_ids:
        seeds.read_partition(con, request.seed_ids, "own.seeds", scratch)
    return guesses, contacts.make_inputs(con, "own.given", roles, request.input)


def guess(con: duckdb.DuckDBPyConnection, request: Request, columns: list[Column]) -> list[Guess]:
    """Roles of the columns of table `own.given`, with what the request says about them."""
    said = request.columns + ([f"source={request.source_column}"] if request.source_column else [])
    guesses = assignment.guess_roles(columns, facts.column_facts(con, "own.given", "own.given", columns))
    return assignment.overridden(guesses, said, request.input)


def _duplicate_free(request: Request, sources: list[str]) -> frozenset[str]:
    if request.duplicate_free == [EVERY_SOURCE]:
        return frozenset(source for source in sources if source is not None)
    unknown = [source for source in request.duplicate_free if source not in sources]
    if unknown:
        known = ", ".join(str(source) for source in sources[:20])
        raise TableError(f"--duplicate-free: there is no source '{unknown[0]}' in {request.input}; sources: {known}")
    return frozenset(request.duplicate_free)


def _solve(
    con: duckdb.DuckDBPyConnection, inputs: contacts.Inputs, model_path: Path, duplicate_free: frozenset[str]
) -> tuple[dict[str, Any], dict[str, Any]]:
    """Partition and links, and figures with the trained model; nothing where no two records can be compared."""
    if not inputs.is_comparable:
        return {}, {
            "pairs_scored": 0,
            "skipped_identifiers": 0,
            "seconds": {},
            "model_version": model.VERSION,
            "model": {},
        }
    solved, figures = solve(con, inputs.tables, model_path=model_path, duplicate_free=duplicate_free)
    return solved, figures | {"model": json.loads(model_path.read_text(encoding="utf-8"))}


def _warnings(guesses: list[Guess], inputs: contacts.Inputs, figures: dict[str, Any]) -> list[str]:
    empty = [guess.column.name for guess in guesses if not guess.share_filled]
    told = [f"no value in any row of: {', '.join(empty)}"] if empty else []
    if figures["skipped_identifiers"]:
        told.append(
            f"{figures['skipped_identifiers']:,} values say little by themselves: too many records or people share them"
        )
    return told + inputs.warnings
