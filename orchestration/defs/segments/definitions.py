"""Segments: one op evaluates every document beside this file. Rules and membership: `orchestration.segments`."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dagster as dg

from orchestration.components import document
from orchestration.defs.run import OWNERS, WRITER, as_of, settings
from orchestration.segments import rules
from orchestration.segments.declaration import SegmentDocument
from orchestration.segments.document import load_documents

FOLDER = Path(__file__).parent
MEMBERSHIP = dg.AssetKey(["segments", "membership"])
SIZE = "size_is_usual"


def _spec(segment: SegmentDocument) -> dg.AssetSpec:
    model = [dg.AssetKey(segment.model.split("__", 1))] if segment.model else []
    return dg.AssetSpec(
        dg.AssetKey(["segments", segment.name]),
        deps=[dg.AssetKey(["profile", "people"]), dg.AssetKey(["features", "people"]), *model, MEMBERSHIP],
        description=segment.description,
        group_name="segments",
        owners=[segment.owner] if segment.owner else OWNERS,
        kinds={"yaml"},
        metadata={
            "document": f"orchestration/defs/segments/{segment.name}.yaml",
            "kind": segment.kind,
            "status": segment.status,
            "approved": f"{segment.approved_date} by {segment.approved_by}" if segment.approved_by else "not yet",
        },
    )


def _size_check(segment: SegmentDocument) -> dg.AssetCheckSpec:
    return dg.AssetCheckSpec(
        SIZE,
        asset=dg.AssetKey(["segments", segment.name]),
        description="As many people as usual: within `size_watch` of the median of its last seven runs; not nobody.",
    )


def _tables(segments: list[SegmentDocument]) -> list[dg.AssetKey]:
    """What any segment may look at."""
    named = ["profile/people", "features/people", "profile/effective_consents", "conformed/identifiers"]
    acts = ("events", "orders", "order_lines", "products", "interactions", "tickets", "coupon_redemptions")
    models = [segment.model.replace("__", "/", 1) for segment in segments if segment.model]
    # Without a clause that asks for them, scores need not be there.
    scored = any(isinstance(leaf, rules.Score) for one in segments for _, leaf in rules.leaves(one.definition))
    models += ["scores/people"] if scored else []
    return [dg.AssetKey(path.split("/")) for path in (*named, *(f"conformed/{table}" for table in acts), *models)]


def _op(segments: list[SegmentDocument], known: set[str]) -> dg.AssetsDefinition:
    membership = dg.AssetSpec(
        MEMBERSHIP,
        deps=_tables(segments),
        description="Who is or was in which segment, and why. One row per segment, person and stay.",
        group_name="segments",
        owners=OWNERS,
        kinds={"duckdb"},
    )
    active = [segment for segment in segments if segment.status == "active"]

    @dg.multi_asset(
        name="evaluate_segments",
        specs=[membership, *map(_spec, segments)],
        check_specs=[
            *(document.validity_check(dg.AssetKey(["segments", segment.name])) for segment in segments),
            *map(_size_check, active),
        ],
        pool=WRITER,
    )
    def evaluate_segments(context: dg.AssetExecutionContext) -> Iterator[Any]:
        from orchestration.segments import snapshot, watch
        from orchestration.segments.membership import refresh

        metrics = refresh(settings(), segments, as_of(context), context.run_id, known)
        looked_at = snapshot.take(settings(), active, as_of(context))
        usual = watch.sizes(settings(), active)
        total = sum(numbers["size"] for numbers in metrics.values())
        yield dg.MaterializeResult(
            asset_key=MEMBERSHIP, metadata={"dagster/row_count": total, "people in the snapshot": looked_at}
        )
        for segment in segments:
            key = dg.AssetKey(["segments", segment.name])
            numbers = metrics[segment.name]
            yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": numbers["size"], **numbers})
            missing = numbers.get("lacking")
            yield document.invalid(key, message=missing) if missing else document.valid(key)
            if segment.status == "active":
                yield _size(key, usual[segment.name])

    return evaluate_segments


def _size(key: dg.AssetKey, found: Any) -> dg.AssetCheckResult:
    return dg.AssetCheckResult(
        check_name=SIZE,
        asset_key=key,
        passed=found.passed,
        severity=dg.AssetCheckSeverity.WARN,
        metadata={"size": found.size, "what": found.what} | ({"usual": found.usual} if found.usual is not None else {}),
    )


@dg.definitions
def segments() -> dg.Definitions:
    valid, errors = load_documents(FOLDER)
    known = {segment.name for segment in valid} | {error.file.stem for error in errors}
    return dg.Definitions(assets=[_op(valid, known), *document.broken_assets("segments", errors)])
