"""Marts: publishing the tables BI reads. The marts themselves are dbt models."""

import dagster as dg

from orchestration.defs.run import OWNERS, WRITER, settings


def published(marts: list[dg.AssetKey]) -> dg.AssetsDefinition:
    """The asset that publishes every mart in `marts` as one versioned, read-only release."""

    @dg.asset(
        key=dg.AssetKey(["marts", "published"]),
        deps=marts,
        group_name="marts",
        owners=OWNERS,
        kinds={"duckdb", "parquet"},
        pool=WRITER,
        description="The release BI opens: one read-only DuckDB file and Parquet beside it, swapped in one step.",
    )
    def publish_marts(context: dg.AssetExecutionContext) -> dg.MaterializeResult:
        from orchestration.warehouse.publish import publish

        release = publish(settings(), context.run_id)
        context.log.info(f"published: {release}")
        return dg.MaterializeResult(
            metadata={name: value for name, value in release.items() if isinstance(value, int | float | str | dict)}
        )

    return publish_marts


@dg.definitions
def marts() -> dg.Definitions:
    from orchestration.warehouse import dbt

    nodes = dbt.manifest_dict(settings())["nodes"].values()
    keys = [
        dg.AssetKey(["marts", node["alias"]])
        for node in nodes
        if node["resource_type"] == "model" and node["fqn"][1] == "marts"
    ]
    return dg.Definitions(assets=[published(sorted(keys, key=str))])
