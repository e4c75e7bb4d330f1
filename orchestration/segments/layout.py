"""Where rules find people and their acts: in the warehouse as it is, or in the snapshot that the last run left.

Both hold the same rows under the same column names; which rows a rule picks is in `compile`. The snapshot counts
people by number, since joining a million texts takes longer than a marketer waits for a preview.
"""

from dataclasses import dataclass
from typing import Any

from sqlglot import exp

from orchestration.segments import catalogue

_OF_PRODUCTS = ("department", "category", "product_type", "brand_type", "manufacturer_id")


@dataclass(frozen=True)
class Layout:
    """`key` names a person; `prefix` is the schema of the snapshot's tables, empty for the warehouse."""

    key: str
    prefix: str = ""

    @property
    def people(self) -> str:
        """The table with a row per person."""
        return self._stored("profile.people")

    def column(self, table: str, name: str) -> exp.Column:
        """A column of `people`, `features` or `scores`; the snapshot has all of them in one table."""
        if self.prefix:
            return exp.column(of_snapshot(table, name), table="people", quoted=True)
        return exp.column(name, table=table, quoted=True)

    def members_of(self, segment: str, model: str | None) -> exp.Select:
        """The people of a list or a dbt model, once each."""
        if self.prefix:
            return exp.select(self.key).from_("sets").where(exp.column("segment").eq(segment))
        return exp.select(self.key).distinct().from_(model or list_table(segment))

    def acts(self, table: str) -> tuple[exp.Select, exp.Column]:
        """Rows of an activity table as alias `acts`, those that belong to somebody; the column that names whom."""
        source: Any = self._lines() if table == catalogue.LINES else exp.to_table(self._stored(table)).as_("acts")
        rows = exp.select().from_(source)
        if self.prefix:
            return rows, exp.column(self.key, table="acts")
        owners = rows.join("identity.person_records as owners", on="acts.record_id = owners.record_id")
        return owners, exp.column(self.key, table="owners")

    def _lines(self) -> exp.Subquery:
        named = (f"products.{name}" for name in _OF_PRODUCTS)
        lines, products = self._stored("conformed.order_lines"), self._stored("conformed.products")
        if not self.prefix:
            chosen = exp.select("lines.*", *named).from_(f"{lines} as lines")
            same = "lines.product_id = products.product_id"
            return chosen.join(f"{products} as products", on=same, join_type="left").subquery("acts")
        chosen = exp.select("lines.*", "products.product_id", *named).from_(f"{lines} as lines")
        # Every line has a product here, so that a filter on products is applied before people are counted.
        return chosen.join(f"{products} as products", on="lines.product = products.product").subquery("acts")

    def _stored(self, table: str) -> str:
        return f"{self.prefix}{table.rpartition('.')[2]}" if self.prefix else table


WAREHOUSE = Layout("person_id")
SNAPSHOT = Layout("number", "snapshot.main.")


def of_snapshot(table: str, name: str) -> str:
    """What a column of `people`, `features` or `scores` is called in the snapshot."""
    return name if table == "people" else f"{table}_{name}"


def list_table(segment: str) -> str:
    """The temporary table that holds the people of a list while its segment is evaluated."""
    return f"list_of_{segment}"
