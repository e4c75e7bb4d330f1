"""What rules may name: attributes, features, scores and activities with their types, from dbt's own declarations.

To offer another column of a person, add it to profile.people, features.people or scores.people; another activity, to
ACTIVITIES below.
"""

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path

import yaml

from orchestration.settings import PROJECT_ROOT

MODELS = PROJECT_ROOT / "dbt_project" / "models"
_KINDS = {"string": "text", "bigint": "number", "double": "number", "boolean": "boolean", "date": "date"}


@dataclass(frozen=True)
class Activity:
    """Acts of people, one per row of `table`; `moment` orders acts, `only` are equalities that define the activity."""

    table: str
    day: str
    moment: str
    columns: dict[str, str]
    only: dict[str, str] = field(default_factory=dict)


_MONEY = ("gross_amount", "discount_amount", "coupon_amount", "net_amount")
_ORDER = {
    **dict.fromkeys(("channel", "store_id", "brand"), "text"),
    **dict.fromkeys((*_MONEY, "count_lines", "count_units"), "number"),
}
_PRODUCT = ("product_id", "department", "category", "product_type", "brand_type", "manufacturer_id")
_LINE = {
    **dict.fromkeys((*_PRODUCT, "channel", "store_id", "brand"), "text"),
    **dict.fromkeys((*_MONEY, "quantity"), "number"),
}
LINES = "order_lines_with_products"

ACTIVITIES = {
    "order": Activity("conformed.orders", "business_date", "ordered_at", _ORDER, {"order_type": "sale"}),
    "return": Activity("conformed.orders", "business_date", "ordered_at", _ORDER, {"order_type": "return"}),
    "purchase": Activity(LINES, "business_date", "ordered_at", _LINE, {"line_type": "sale"}),
    "event": Activity(
        "conformed.events",
        "event_date",
        "occurred_at",
        {
            **dict.fromkeys(("event_type", "event_name", "channel", "brand", "page_path", "product_id"), "text"),
            "search_query": "text",
            "amount": "number",
        },
    ),
    "interaction": Activity(
        "conformed.interactions",
        "event_date",
        "occurred_at",
        {**dict.fromkeys(("interaction_type", "channel", "campaign_id", "brand"), "text"), "value": "number"},
    ),
    "ticket": Activity(
        "conformed.tickets",
        "opened_at",
        "opened_at",
        {**dict.fromkeys(("status", "priority", "channel", "brand"), "text"), "satisfaction_score": "number"},
    ),
    "feedback": Activity(
        "conformed.feedback",
        "feedback_date",
        "occurred_at",
        {
            **dict.fromkeys(("feedback_type", "channel", "language", "topics", "complaint_by", "brand"), "text"),
            "sentiment": "number",
            "is_complaint": "boolean",
        },
    ),
    "redemption": Activity(
        "conformed.coupon_redemptions",
        "business_date",
        "business_date",
        dict.fromkeys(("coupon_upc", "campaign_id", "store_id", "brand"), "text"),
    ),
}


@dataclass(frozen=True)
class Catalogue:
    """Name to type (text, number, boolean, date) of what can be compared, and the activities."""

    attributes: dict[str, str]
    features: dict[str, str]
    scores: dict[str, str]
    activities: dict[str, Activity]

    def of(self, kind: str) -> dict[str, str]:
        """The columns that a clause of the kind (attribute, feature, score) may compare."""
        return {"attribute": self.attributes, "feature": self.features, "score": self.scores}[kind]


@cache
def read(models: Path = MODELS) -> Catalogue:
    """The catalogue of the project's own models; no warehouse is needed."""
    return Catalogue(
        attributes=_columns(models / "profile" / "_profile__models.yml", "profile__people"),
        features=_columns(models / "features" / "_features__models.yml", "features__people"),
        scores=_columns(models / "scores" / "_scores__models.yml", "scores__people"),
        activities=ACTIVITIES,
    )


def _columns(file: Path, model: str) -> dict[str, str]:
    declared = next(entry for entry in yaml.safe_load(file.read_text())["models"] if entry["name"] == model)
    # Which record a golden value comes from is evidence, nothing to select people by.
    named = [column for column in declared["columns"] if not column["name"].endswith("_record_id")]
    return {column["name"]: _kind(column["data_type"]) for column in named}


def _kind(data_type: str) -> str:
    if data_type.startswith("decimal"):
        return "number"
    return "date" if data_type == "timestamp" else _KINDS[data_type]
