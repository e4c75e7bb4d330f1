"""Values of rules and comparisons of columns with them, as nodes of a syntax tree. What is compared is in `compile`."""

from datetime import date, timedelta
from typing import Any

from sqlglot import exp

from orchestration.segments import rules

_BINARY = {"eq": exp.EQ, "ne": exp.NEQ, "gt": exp.GT, "gte": exp.GTE, "lt": exp.LT, "lte": exp.LTE}


def literal(value: Any, as_of: date) -> exp.Expression:
    """A value of a rule as a node of the tree; dates relative to the day of the run become dates."""
    if isinstance(value, rules.DaysAgo):
        value = as_of - timedelta(days=value.days_ago)
    if isinstance(value, date):
        return exp.cast(exp.Literal.string(value.isoformat()), "date")
    return exp.convert(value)


def sure(condition: exp.Expression) -> exp.Expression:
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
