"""The op that reads what customers write: language, topics and tone of messages. How: `orchestration.conformed`."""

from collections.abc import Iterator
from typing import Any

import dagster as dg

from orchestration.defs.run import OWNERS, WRITER, as_of, settings
from orchestration.warehouse.describe import describe

_TABLES = {
    "message_readings": "Language, topics and tone of what customers write. One row per incoming message.",
    "sentiment_models": "What ratings of tickets teach of tone. One row per language with rated messages.",
}
_READ_FROM = [dg.AssetKey(["conformed", "messages"]), dg.AssetKey(["conformed", "interactions"])]
_READINGS = dg.AssetKey(["conformed", "message_readings"])
# Which share of messages may lack it before somebody should look.
_MOST_WITHOUT = {"language": 0.2, "sentiment": 0.5}


def _check_name(what: str) -> str:
    return f"most_messages_have_a_{what}"


@dg.multi_asset(
    name="read_messages",
    specs=[
        dg.AssetSpec(
            dg.AssetKey(["conformed", table]), deps=_READ_FROM, description=description, group_name="conformed",
            owners=OWNERS, kinds={"python", "scikitlearn", "duckdb"},
        )
        for table, description in _TABLES.items()
    ],
    check_specs=[
        dg.AssetCheckSpec(
            _check_name(what), asset=_READINGS, description=f"At most {share:.0%} of messages are without a {what}."
        )
        for what, share in _MOST_WITHOUT.items()
    ],
    pool=WRITER,
)  # fmt: skip
def read_messages(context: dg.AssetExecutionContext) -> Iterator[dg.MaterializeResult | dg.AssetCheckResult]:
    """Read messages that are new or changed; topics or a reader that changed make it read all."""
    from orchestration.conformed.messages import read_messages as read

    figures = read(settings(), as_of(context))
    context.log.info(f"messages: {figures}")
    facts = describe(settings(), [("conformed", table) for table in _TABLES])
    for table in _TABLES:
        found = facts["conformed", table]
        yield dg.MaterializeResult(
            asset_key=dg.AssetKey(["conformed", table]),
            metadata={
                "dagster/row_count": found.count_rows,
                "dagster/column_schema": dg.TableSchema([dg.TableColumn(n, k) for n, k in found.columns]),
                **(figures if table == "message_readings" else {}),
            },
        )
    yield from (_covered(what, figures) for what in _MOST_WITHOUT)


def _covered(what: str, figures: dict[str, Any]) -> dg.AssetCheckResult:
    """A warning: readings are written, and more can be covered by what docs/feedback.md tells."""
    without = round(1 - figures[f"share_with_{what}"], 4)
    return dg.AssetCheckResult(
        check_name=_check_name(what),
        asset_key=_READINGS,
        passed=without <= _MOST_WITHOUT[what],
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"share_without": without, "count_messages": figures["messages"]},
    )
