"""Segments: one op evaluates every document beside this file. Rules and membership: `orchestration.segments`."""

from pathlib import Path

import dagster as dg

from orchestration.components import document
from orchestration.defs.run import OWNERS, WRITER, as_of, settings
from orchestration.segments.document import SegmentDocument, load_documents

FOLDER = Path(__file__).parent
MEMBERSHIP = dg.AssetKey(["segments", "membership"])


def _spec(segment: SegmentDocument) -> dg.AssetSpec:
    return dg.AssetSpec(
        dg.AssetKey(["segments", segment.name]),
        deps=[dg.AssetKey(["profile", "people"]), dg.AssetKey(["features", "people"]), MEMBERSHIP],
        description=segment.description,
        group_name="segments",
        owners=[segment.owner] if segment.owner else OWNERS,
        kinds={"yaml"},
        metadata={"document": f"orchestration/defs/segments/{segment.name}.yaml", "status": segment.status},
    )


def _op(segments: list[SegmentDocument], known: set[str]) -> dg.AssetsDefinition:
    membership = dg.AssetSpec(
        MEMBERSHIP,
        deps=[
            dg.AssetKey(path)
            for path in (
                ["profile", "people"],
                ["features", "people"],
                ["profile", "effective_consents"],
                ["conformed", "events"],
                ["conformed", "orders"],
                ["conformed", "interactions"],
            )
        ],
        description="Who is or was in which segment. One row per segment, person and stay.",
        group_name="segments",
        owners=OWNERS,
        kinds={"duckdb"},
    )

    @dg.multi_asset(
        name="evaluate_segments",
        specs=[membership, *map(_spec, segments)],
        check_specs=[document.validity_check(dg.AssetKey(["segments", segment.name])) for segment in segments],
        pool=WRITER,
    )
    def evaluate_segments(context: dg.AssetExecutionContext):
        from orchestration.segments.membership import refresh

        metrics = refresh(settings(), segments, as_of(context), context.run_id, known)
        total = sum(numbers["size"] for numbers in metrics.values())
        yield dg.MaterializeResult(asset_key=MEMBERSHIP, metadata={"dagster/row_count": total})
        for segment in segments:
            key = dg.AssetKey(["segments", segment.name])
            numbers = metrics[segment.name]
            yield dg.MaterializeResult(asset_key=key, metadata={"dagster/row_count": numbers["size"], **numbers})
            yield document.valid(key)

    return evaluate_segments


@dg.definitions
def segments() -> dg.Definitions:
    valid, errors = load_documents(FOLDER)
    known = {segment.name for segment in valid} | {error.file.stem for error in errors}
    return dg.Definitions(assets=[_op(valid, known), *document.broken_assets("segments", errors)])
