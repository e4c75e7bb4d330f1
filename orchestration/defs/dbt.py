"""Every dbt step: one op per staging source, so that one sick source stops only itself, and one for all the rest.

No SQL and no rule belongs here; dbt itself is run by `orchestration.warehouse.dbt`.
"""

from collections.abc import Iterator, Mapping
from typing import Any

import dagster as dg
from dagster_dbt import DagsterDbtTranslator, DagsterDbtTranslatorSettings, DbtProject, dbt_assets
from dagster_dbt.asset_utils import get_updated_cli_invocation_params_for_context
from dagster_dbt.core.dbt_cli_event import DbtCoreCliEventMessage

from ingestion.discover import discover
from orchestration.defs.run import OWNERS, WRITER, as_of, settings
from orchestration.warehouse import dbt
from orchestration.warehouse.describe import TableFacts, describe


class StageTranslator(DagsterDbtTranslator):
    """`<stage>.<entities>` is schema, table, asset key and group alike."""

    def get_asset_spec(self, manifest: Mapping[str, Any], unique_id: str, project: DbtProject | None) -> dg.AssetSpec:
        spec = super().get_asset_spec(manifest, unique_id, project)
        node = self.get_resource_props(manifest, unique_id)
        if node["resource_type"] == "source":
            return spec.replace_attributes(group_name=spec.key.path[0])
        stage = node["fqn"][1]
        return spec.replace_attributes(
            key=dg.AssetKey([stage, node["alias"]]), group_name=stage, owners=OWNERS, kinds={"dbt", "duckdb"}
        )


TRANSLATOR = StageTranslator(settings=DagsterDbtTranslatorSettings(enable_source_tests_as_checks=True))


def _build(context: dg.AssetExecutionContext, manifest: Mapping[str, Any], project: DbtProject) -> Iterator[Any]:
    invocation = get_updated_cli_invocation_params_for_context(
        context=context, manifest=manifest, dagster_dbt_translator=TRANSLATOR
    )
    events: list[Any] = []
    failure: dbt.DbtError | None = None
    try:
        # Buildable: a test that also needs a table of a later step runs there, not here.
        # Unit tests judge the SQL on rows of their own: the test suite runs them, once per change of the project.
        only = ["--indirect-selection", "buildable", "--exclude-resource-type", "unit_test"]
        args = ["build", *only, *invocation.selection_args]
        for raw in dbt.stream(settings(), args, as_of=as_of(context)):
            message = DbtCoreCliEventMessage(raw_event=raw, event_history_metadata={})
            if message.is_result_event:
                events += message.to_default_asset_events(
                    manifest=manifest, context=context, project=project, dagster_dbt_translator=TRANSLATOR
                )
    except dbt.DbtError as error:
        failure = error
    yield from _with_row_counts(context, events)
    if failure is not None:
        raise dg.Failure(description=str(failure))


def _with_row_counts(context: dg.AssetExecutionContext, events: list[Any]) -> Iterator[Any]:
    """The events, each table's with its row count and columns: dbt holds the file until it ends, so they come after."""
    keys = {
        event.output_name: context.assets_def.keys_by_output_name[event.output_name]
        for event in events
        if isinstance(event, dg.Output)
    }
    tables = describe(settings(), [(key.path[0], key.path[-1]) for key in keys.values()])
    for event in events:
        table = tables.get(tuple(keys[event.output_name].path)) if isinstance(event, dg.Output) else None
        yield event.with_metadata({**event.metadata, **_metadata(table)}) if table else event


def _metadata(table: TableFacts) -> dict[str, Any]:
    columns = [dg.TableColumn(name, kind) for name, kind in table.columns]
    return {"dagster/row_count": table.count_rows, "dagster/column_schema": dg.TableSchema(columns)}


def _step(name: str, manifest: Mapping[str, Any], project: DbtProject, **selection: str) -> dg.AssetsDefinition:
    @dbt_assets(
        manifest=manifest, name=name, project=project, dagster_dbt_translator=TRANSLATOR, pool=WRITER, **selection
    )
    def step(context: dg.AssetExecutionContext):
        yield from _build(context, manifest, project)

    return step


@dg.definitions
def dbt_steps() -> dg.Definitions:
    manifest = dbt.manifest_dict(settings())
    project = DbtProject(dbt.PROJECT_DIR, target_path=dbt.target_folder(settings()), profiles_dir=dbt.PROJECT_DIR)
    staging = [
        _step(f"stage_{system}", manifest, project, select=f"path:models/staging/{system}") for system in discover()
    ]
    rest = _step("model", manifest, project, select="fqn:*", exclude="path:models/staging")
    return dg.Definitions(assets=[*staging, rest])
