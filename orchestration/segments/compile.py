"""Rules to SQL: a syntax tree, never text put together. Which values are allowed was settled in `check`.

One query evaluates any number of segments: a row per person, a column per expression. Every activity table is read
once, however many clauses count its rows; a table that no clause looks at is not read. Which people an exclusion or a
priority takes away is in `members`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from sqlglot import exp

from orchestration.segments import catalogue, rules
from orchestration.segments.comparing import comparison, literal, sure
from orchestration.segments.declaration import SegmentDocument
from orchestration.segments.layout import WAREHOUSE, Layout

# Strictly later, so that no act is its own successor.
_FOLLOWS = "firsts.person_id = seconds.person_id and firsts.moment < seconds.moment"
_FEWEST_DAYS = "min(date_diff('day', firsts.moment, seconds.moment)) as days_between"
# With more, asking every row whether any of them counts it costs more than counting it.
_FEW_MEASURES = 4


@dataclass
class Evaluation:
    """What a query over people must bring along: tables per person, numbers from activity tables, and sequences."""

    as_of: date
    segments: Mapping[str, SegmentDocument]
    layout: Layout = WAREHOUSE
    tables: list[str] = field(default_factory=list)
    sets: dict[str, str | None] = field(default_factory=dict)
    measures: dict[str, list[exp.Expression]] = field(default_factory=dict)
    sequences: list[exp.Select] = field(default_factory=list)

    def column(self, table: str, name: str) -> exp.Column:
        """A column of `people`, `features` or `scores`."""
        if table != "people" and not self.layout.prefix and table not in self.tables:
            self.tables.append(table)
        return self.layout.column(table, name)

    def set(self, segment: str, model: str | None) -> exp.Column:
        """The column that is null unless the person is on the list, or in the model, of a segment."""
        self.sets[segment] = model
        return exp.column(self.layout.key, table=f"set_{segment}")

    def sequence(self, fewest_days: exp.Select) -> exp.Column:
        """The column that holds the days between two acts of each person; equal sequences are computed once."""
        if fewest_days not in self.sequences:
            self.sequences.append(fewest_days)
        return exp.column("days_between", table=f"sequence_{self.sequences.index(fewest_days)}")

    def measure(self, table: str, aggregate: exp.Expression) -> exp.Column:
        """The column that holds `aggregate` of each person's rows of `table`; equal ones are computed once."""
        known = self.measures.setdefault(table, [])
        if aggregate not in known:
            known.append(aggregate)
        return exp.column(f"m{known.index(aggregate)}", table=_facts(table))


def _facts(table: str) -> str:
    return f"facts_of_{table.replace('.', '_')}"


def condition(clause: Any, evaluation: Evaluation) -> exp.Expression:
    """The clause as a condition over aliases `people`, `features` and the evaluation's facts; never unknown."""
    match clause:
        case rules.And() | rules.Or():
            joined = exp.and_ if isinstance(clause, rules.And) else exp.or_
            return joined(*(condition(part, evaluation) for part in clause.clauses))
        case rules.Not():
            return exp.not_(condition(clause.clause, evaluation))
        case rules.InSegment():
            return exp.paren(condition(evaluation.segments[clause.segment].definition, evaluation))
        case rules.InList() if clause.has_ended(evaluation.as_of):
            return exp.false()
        case rules.InList() | rules.InModel():
            return exp.not_(value(clause, evaluation).is_(exp.null()))
        case rules.Comparison():
            return sure(comparison(value(clause, evaluation), clause, evaluation.as_of, _type(clause)))
    return _behaved(clause, evaluation)


def _type(clause: rules.Comparison) -> str:
    kind = rules.kind(clause)
    return catalogue.read().of(kind)[getattr(clause, kind)]


def _behaved(clause: Any, evaluation: Evaluation) -> exp.Expression:
    fact = value(clause, evaluation)
    match clause:
        case rules.Did() if clause.at_most is not None:
            return exp.LTE(this=fact, expression=exp.convert(clause.at_most))
        case rules.Did():
            return exp.GTE(this=fact, expression=exp.convert(clause.at_least or 1))
        case rules.DidNot():
            return exp.EQ(this=fact, expression=exp.convert(0))
        case rules.First() | rules.Last():
            edge = literal(rules.DaysAgo(days_ago=clause.within_days or clause.not_within_days), evaluation.as_of)
            operator = exp.GT if clause.within_days else exp.LTE
            return sure(operator(this=fact, expression=edge))
    return sure(exp.LTE(this=fact, expression=exp.convert(clause.within_days)))


def value(clause: Any, evaluation: Evaluation) -> exp.Expression:
    """What a clause without inner clauses looks at: the column, the count, the day, the days between two acts."""
    match clause:
        case rules.Attribute():
            return evaluation.column("people", clause.attribute)
        case rules.Feature():
            return evaluation.column("features", clause.feature)
        case rules.Score():
            return evaluation.column("scores", clause.score)
        case rules.InList():
            return evaluation.set(clause.segment, None)
        case rules.InModel():
            return evaluation.set(clause.segment, clause.table)
        case rules.Did() | rules.DidNot():
            act = clause.did if isinstance(clause, rules.Did) else clause.did_not
            rows = _rows(act, clause.where, evaluation.as_of, clause.within_days)
            table = catalogue.ACTIVITIES[act].table
            count = exp.Filter(this=exp.Count(this=exp.Star()), expression=exp.Where(this=rows))
            return exp.func("coalesce", evaluation.measure(table, count), exp.convert(0))
        case rules.First() | rules.Last():
            act = clause.first if isinstance(clause, rules.First) else clause.last
            activity = catalogue.ACTIVITIES[act]
            edge = exp.Min if isinstance(clause, rules.First) else exp.Max
            day = edge(this=exp.cast(exp.column(activity.day, table="acts"), "date"))
            rows = _rows(act, clause.where, evaluation.as_of, None)
            return evaluation.measure(activity.table, exp.Filter(this=day, expression=exp.Where(this=rows)))
        case rules.Sequence():
            return evaluation.sequence(_sequence(clause, evaluation))
        case rules.InSegment():
            return exp.null()
    raise TypeError(f"{type(clause).__name__} looks at nothing itself")


def _rows(act: str, where: rules.Filters, as_of: date, within_days: int | None) -> exp.Expression:
    """The condition on alias `acts` that picks the rows of an act."""
    activity = catalogue.ACTIVITIES[act]
    day = exp.cast(exp.column(activity.day, table="acts"), "date")
    parts: list[exp.Expression] = [
        exp.column(name, table="acts").eq(exp.Literal.string(only)) for name, only in activity.only.items()
    ]
    parts += [
        comparison(exp.column(name, table="acts", quoted=True), compared, as_of, activity.columns[name])
        for name, compared in where.items()
    ]
    if within_days:
        parts.append(exp.GT(this=day, expression=literal(rules.DaysAgo(days_ago=within_days), as_of)))
    parts.append(exp.LTE(this=day, expression=literal(as_of, as_of)))
    return exp.and_(*parts)


def _sequence(clause: rules.Sequence, evaluation: Evaluation) -> exp.Select:
    """The fewest days from the first act to the next second one, per person. Columns person_id, days_between."""
    halves = []
    for step in clause.sequence:
        activity = catalogue.ACTIVITIES[step.did]
        # What comes after an act of the last days is itself of the last days.
        rows = _rows(step.did, step.where, evaluation.as_of, clause.in_last_days)
        moment = exp.cast(exp.column(activity.moment, table="acts"), "timestamp")
        acts, person = evaluation.layout.acts(activity.table, [rows, moment])
        halves.append(acts.select(person.as_("person_id"), moment.as_("moment")).where(rows))
    first, second = halves
    # Second acts of people without a first one would only be sorted in vain.
    second = exp.select("*").from_(second.subquery("acts")).where("person_id in (select person_id from firsts)")
    nearest = exp.select(f"firsts.person_id as {evaluation.layout.key}", _FEWEST_DAYS, dialect="duckdb").from_("firsts")
    nearest = nearest.with_("firsts", as_=first, materialized=True)
    return nearest.join(second.subquery("seconds"), on=_FOLLOWS, join_type="asof").group_by("firsts.person_id")


def query(columns: Mapping[str, exp.Expression], evaluation: Evaluation, only: str | None = None) -> exp.Select:
    """One row per person: the layout's key and the given expressions, whose facts the evaluation collected.

    With `only`, a table or query with that key, no more than these people are looked at.
    """
    layout = evaluation.layout
    selected = exp.select(
        f"people.{layout.key}", *(exp.alias_(made, name, quoted=True) for name, made in columns.items())
    ).from_(f"{layout.people} as people")
    if only:
        selected = selected.where(_among(exp.column(layout.key, table="people"), only))
    for table in evaluation.tables:
        on = exp.column("person_id", table="people").eq(exp.column("person_id", table=table))
        selected = selected.join(f"{table}.people as {table}", on=on, join_type="left")
    for table, measures in evaluation.measures.items():
        selected = _joined(selected, _counted(table, measures, layout, only), _facts(table), layout.key)
    for number, sequence in enumerate(evaluation.sequences):
        selected = _joined(selected, sequence, f"sequence_{number}", layout.key)
    for segment, model in evaluation.sets.items():
        selected = _joined(selected, layout.members_of(segment, model), f"set_{segment}", layout.key)
    return selected


def _counted(table: str, measures: list[exp.Expression], layout: Layout, only: str | None) -> exp.Select:
    """The measures of an activity table, a row per person."""
    acts, person = layout.acts(table, measures)
    # One alone needs no filter of its own: only its rows are read.
    counted = measures if len(measures) > 1 else [made.this for made in measures]
    facts = acts.select(person, *(exp.alias_(made, f"m{number}") for number, made in enumerate(counted)))
    if len(measures) <= _FEW_MEASURES:
        facts = facts.where(exp.or_(*(made.expression.this for made in measures)))
    return (facts.where(_among(person, only)) if only else facts).group_by(person)


def _among(person: exp.Expression, only: str) -> exp.Expression:
    return exp.In(this=person, query=exp.select(person.name).from_(only).subquery())


def _joined(selected: exp.Select, subquery: exp.Select, name: str, key: str) -> exp.Select:
    on = exp.column(key, table="people").eq(exp.column(key, table=name))
    return selected.join(subquery.subquery(name), on=on, join_type="left")
