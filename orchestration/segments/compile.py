"""Rules to SQL: a syntax tree, never text put together. Which values are allowed was settled in `check`.

One query evaluates any number of segments: a row per person, a column per expression. Every activity table is read
once, however many clauses count its rows.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from sqlglot import exp

from orchestration.segments import catalogue, rules
from orchestration.segments.document import SegmentDocument

# Strictly later, so that an act is never its own successor.
_NEXT_SECOND_ACT = (
    "min(case when step = 1 then moment end) over (partition by person_id order by moment "
    "range between interval 1 microsecond following and unbounded following) as next_moment"
)
_FEWEST_DAYS = "min(date_diff('day', moment, next_moment)) as days_between"
_BINARY = {"eq": exp.EQ, "ne": exp.NEQ, "gt": exp.GT, "gte": exp.GTE, "lt": exp.LT, "lte": exp.LTE}


@dataclass
class Evaluation:
    """What a query over people must bring along: numbers per person from activity tables, and sequences."""

    as_of: date
    segments: Mapping[str, SegmentDocument]
    measures: dict[str, list[exp.Expression]] = field(default_factory=dict)
    sequences: list[exp.Select] = field(default_factory=list)

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


def literal(value: Any, as_of: date) -> exp.Expression:
    """A value of a rule as a node of the tree; dates relative to the day of the run become dates."""
    if isinstance(value, rules.DaysAgo):
        value = as_of - timedelta(days=value.days_ago)
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    return exp.convert(value)


def _sure(condition: exp.Expression) -> exp.Expression:
    """True or false, never unknown."""
    return exp.func("coalesce", condition, exp.false())


def comparison(column: exp.Expression, compared: rules.Comparison, as_of: date, kind: str) -> exp.Expression:
    """The comparison of `column`; unknown when the column is null."""
    operator, value = compared.operator, compared.value
    if kind == "date":
        column = exp.cast(column, "date")
    if operator == "is_null":
        is_null = column.is_(exp.null())
        return is_null if value else exp.not_(is_null)
    if operator == "between":
        low, high = (literal(end, as_of) for end in value)
        return exp.Between(this=column, low=low, high=high)
    if operator == "in":
        return exp.In(this=column, expressions=[literal(one, as_of) for one in value])
    if operator == "contains":
        position = exp.StrPosition(this=exp.Lower(this=column), substr=_lower(value))
        return exp.GT(this=position, expression=exp.convert(0))
    if operator == "starts_with":
        return exp.StartsWith(this=exp.Lower(this=column), expression=_lower(value))
    return _BINARY[operator](this=column, expression=literal(value, as_of))


def _lower(value: str) -> exp.Expression:
    return exp.Literal.string(value.lower())


def condition(clause: Any, evaluation: Evaluation) -> exp.Expression:
    """The clause as a condition over aliases `people`, `features` and the evaluation's facts; never unknown."""
    match clause:
        case rules.And() | rules.Or():
            joined = exp.and_ if isinstance(clause, rules.And) else exp.or_
            return joined(*(condition(part, evaluation) for part in clause.clauses))
        case rules.Not():
            return exp.not_(condition(clause.clause, evaluation))
        case rules.InSegment():
            return exp.paren(condition(evaluation.segments[clause.segment].rules, evaluation))
        case rules.Attribute() | rules.Feature():
            return _sure(comparison(value(clause, evaluation), clause, evaluation.as_of, _type(clause)))
    return _behaved(clause, evaluation)


def _type(clause: rules.Attribute | rules.Feature) -> str:
    known = catalogue.read()
    if isinstance(clause, rules.Attribute):
        return known.attributes[clause.attribute]
    return known.features[clause.feature]


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
            return _sure(operator(this=fact, expression=edge))
    return _sure(exp.LTE(this=fact, expression=exp.convert(clause.within_days)))


def value(clause: Any, evaluation: Evaluation) -> exp.Expression:
    """What a clause without inner clauses looks at: the column, the count, the day, the days between two acts."""
    match clause:
        case rules.Attribute():
            return exp.column(clause.attribute, table="people", quoted=True)
        case rules.Feature():
            return exp.column(clause.feature, table="features", quoted=True)
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
            return evaluation.sequence(_sequence(clause, evaluation.as_of))
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


def _acts(table: str) -> exp.Select:
    """Rows of an activity table as alias `acts`, those that belong to a person."""
    source: Any = exp.to_table(table).as_("acts")
    if table == catalogue.LINES:
        named = ("department", "category", "product_type", "brand_type", "manufacturer_id")
        lines = exp.select("lines.*", *(f"products.{name}" for name in named)).from_("conformed.order_lines as lines")
        same_product = "lines.product_id = products.product_id"
        source = lines.join("conformed.products as products", on=same_product, join_type="left").subquery("acts")
    selected = exp.select().from_(source)
    return selected.join("identity.person_records as owners", on="acts.record_id = owners.record_id")


def _sequence(clause: rules.Sequence, as_of: date) -> exp.Select:
    """The fewest days from the first act to the next second one, per person. Columns person_id, days_between."""
    halves = []
    for number, step in enumerate(clause.sequence):
        activity = catalogue.ACTIVITIES[step.did]
        rows = _rows(step.did, step.where, as_of, clause.in_last_days if number == 0 else None)
        moment = exp.cast(exp.column(activity.moment, table="acts"), "timestamp")
        chosen = _acts(activity.table).select("owners.person_id", moment.as_("moment"), exp.convert(number).as_("step"))
        halves.append(chosen.where(rows))
    both = exp.union(*halves, distinct=False).subquery("acts")
    following = exp.select("person_id", "step", "moment", _NEXT_SECOND_ACT, dialect="duckdb").from_(both)
    nearest = exp.select("person_id", _FEWEST_DAYS, dialect="duckdb").from_(following.subquery("acts"))
    return nearest.where("step = 0 and next_moment is not null").group_by("person_id")


def query(columns: Mapping[str, exp.Expression], evaluation: Evaluation) -> exp.Select:
    """One row per person: person_id and the given expressions, whose facts the evaluation collected."""
    selected = exp.select("people.person_id", *(exp.alias_(made, name, quoted=True) for name, made in columns.items()))
    selected = selected.from_("profile.people as people")
    same_person = "people.person_id = features.person_id"
    selected = selected.join("features.people as features", on=same_person, join_type="left")
    for table, measures in evaluation.measures.items():
        facts = _acts(table).select("owners.person_id", *(exp.alias_(made, f"m{i}") for i, made in enumerate(measures)))
        selected = _joined(selected, facts.group_by("owners.person_id"), _facts(table))
    for number, sequence in enumerate(evaluation.sequences):
        selected = _joined(selected, sequence, f"sequence_{number}")
    return selected


def _joined(selected: exp.Select, subquery: exp.Select, name: str) -> exp.Select:
    on = exp.column("person_id", table="people").eq(exp.column("person_id", table=name))
    return selected.join(subquery.subquery(name), on=on, join_type="left")


def membership_query(documents: list[SegmentDocument], everything: list[SegmentDocument], as_of: date) -> str:
    """SQL of one row per person: person_id and a boolean per document, `s0` for the first.

    `everything` holds every segment that a rule may name.
    """
    evaluation = Evaluation(as_of, {segment.name: segment for segment in everything})
    columns = {f"s{i}": condition(segment.rules, evaluation) for i, segment in enumerate(documents)}
    return query(columns, evaluation).sql(dialect="duckdb")
