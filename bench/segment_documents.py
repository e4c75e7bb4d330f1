"""A hundred segment documents of every kind, over the warehouse of `bench.warehouse`, for `bench.segments`."""

from datetime import timedelta
from pathlib import Path

import yaml

from bench.warehouse import AS_OF

# Most segments of a shop are a small part of its people: all together each person is in about seven.
KINDS = {
    "attributes": "{and: [{attribute: state, eq: %(state)s}, {attribute: is_sms_consented, eq: true}]}",
    "features": "{and: [{feature: rfm_monetary, eq: 5}, {feature: recency_days, between: [%(days)d, 300]}]}",
    "scores": "{and: [{score: purchase_probability_28d, gte: 0.9}, {feature: count_orders_365d, gte: %(n)d}]}",
    "orders, lately": "{did: order, where: {channel: web}, at_least: 2, within_days: %(days)d}",
    "orders, ever": "{did: order, where: {net_amount: {gte: %(n)d}}, at_least: 7}",
    "no order lately": "{and: [{attribute: state, eq: %(state)s}, {did_not: order, within_days: %(days)d}]}",
    "last order": "{last: order, not_within_days: 2%(n)d}",
    "lines of a department": "{did: purchase, where: {department: DEPARTMENT %(n)d}, at_least: 2}",
    "lines, all, ever": "{did: purchase, where: {net_amount: {gt: %(n)d}}, at_least: 20}",
    "web events": "{did: event, where: {event_type: cart_added}, at_least: 2, within_days: %(days)d}",
    "web events, ever": "{did: event, where: {event_type: {in: [cart_added, search]}}, at_least: %(few)d}",
    "mail and tickets": "{or: [{did: interaction, where: {interaction_type: unsubscribed}, within_days: %(days)d}, "
    "{did: ticket, where: {satisfaction_score: {lte: 2}}, within_days: 91}]}",
    "sequence": "{sequence: [{did: event, where: {event_type: cart_added}}, {did: order}], within_days: 3, "
    "in_last_days: 28}",
    "in other segments": "{and: [{segment: attributes_0}, {not: {segment: features_0}}]}",
    "nested": "{and: [{attribute: is_email_consented, eq: true}, {or: [{score: churn_probability_28d, gte: 0.9}, "
    "{and: [{feature: rfm_frequency, eq: 5}, {did_not: order, within_days: 2%(n)d}]}]}, "
    "{not: {did: ticket, where: {status: open}}}]}",
}
# Two sequences: each is a query of its own.
_COUNTS = {"sequence": 2, "lines, all, ever": 3, "nested": 10, "features": 10, "attributes": 9, "scores": 9}


def documents(folder: Path, count: int = 100) -> dict[str, Path]:
    """Documents of every kind; the first of each by kind. Among them a list, an exclusion and a group of three."""
    firsts: dict[str, Path] = {}
    written = 0
    for kind, rules in KINDS.items():
        for number in range(_COUNTS.get(kind, 6)):
            values = {"state": ["OH", "NY", "KY", "IN", "TX", "CA"][number % 6], "days": 14 + 7 * number,
                      "n": 10 + 3 * number, "few": 7 + number}  # fmt: skip
            own = {"rules": yaml.safe_load(rules % values)}
            own |= (
                {"priority_group": "order", "priority": number + 1} if kind == "orders, lately" and number < 3 else {}
            )
            file = _write(folder, f"{''.join(c if c.isalnum() else '_' for c in kind)}_{number}", own)
            firsts.setdefault(kind, file)
            written += 1
    (folder / "fair.csv").write_text("email\n" + "".join(f"A{i}@mail.example\n" for i in range(0, 50_000, 5)))
    firsts["list of 10,000"] = _write(
        folder, "fair", {"kind": "list", "file": "fair.csv", "expires_date": AS_OF + timedelta(days=365)}
    )
    _write(folder, "staff", {"kind": "exclusion", "rules": {"attribute": "city", "eq": "city7"},
                             "excluded_from": [firsts["attributes"].stem, firsts["features"].stem]})  # fmt: skip
    for number in range(count - written - 2):
        _write(folder, f"rfm_{number}", {"rules": {"and": [
            {"feature": "rfm_recency", "eq": 1 + number % 5}, {"feature": "rfm_frequency", "eq": 5 - number % 4},
            {"feature": "tenure_days", "gte": number * 9}]}})  # fmt: skip
    return firsts


def _write(folder: Path, name: str, own: dict) -> Path:
    attributes = {"name": name, "description": "Of the measurement.", "owner": "team:data", "status": "active",
                  "approved_by": "team:data", "approved_date": AS_OF, **own}  # fmt: skip
    file = folder / f"{name}.yaml"
    file.write_text(yaml.safe_dump({"type": "orchestration.components.Segment", "attributes": attributes}))
    return file
