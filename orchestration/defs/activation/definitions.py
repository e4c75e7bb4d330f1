"""Activation: each sync document is an asset of three ops: plan, send, record. How: `orchestration.activation`.

Planning and recording take the writer lane; sending does not, so that a slow destination never blocks landing.
A sync that stops is in the ledger and turns its check red; it fails no step, so that no other sync and no mart waits.
"""

from collections.abc import Iterator
from pathlib import Path

import dagster as dg

from data_contracts.masters import FILE as MASTERS
from orchestration.activation import alerts
from orchestration.activation.document import SyncDocument
from orchestration.activation.masters.compiled import usable_syncs
from orchestration.components import document
from orchestration.defs.run import OWNERS, WRITER, as_of, settings

FOLDER = Path(__file__).parent
SENDS = {"tessera/sends": "true"}
NO_REJECTS, SENT = "no_row_was_rejected", "the_run_was_completed"


def key_of(sync: SyncDocument) -> dg.AssetKey:
    """`activation/<system>/<audience>`."""
    return dg.AssetKey(["activation", sync.destination, sync.name.removeprefix(f"{sync.destination}_")])


def _plan(sync: SyncDocument) -> dg.OpDefinition:
    @dg.op(name=f"plan_{sync.name}", ins={"payload": dg.In(dg.Nothing)}, out=dg.Out(str), pool=WRITER)
    def plan_op(context: dg.OpExecutionContext) -> str:
        """Fills the outbox; returns why nothing may be sent, empty if something may."""
        from orchestration.activation.errors import ForeignLedgerError, PlanRefusedError
        from orchestration.activation.plan import plan

        try:
            context.log.info(plan(settings(), sync, context.run_id, as_of(context)).summary())
        except ForeignLedgerError:
            raise
        except PlanRefusedError as error:
            context.log.error(str(error))
            return str(error)
        return ""

    return plan_op


def _send(sync: SyncDocument) -> dg.OpDefinition:
    @dg.op(name=f"send_{sync.name}", out=dg.Out(str))
    def send_op(context: dg.OpExecutionContext, refused: str) -> str:
        """Sends what the outbox holds. What stops it is noted there, and what was acknowledged is still recorded."""
        from orchestration.activation.errors import SyncStoppedError
        from orchestration.activation.send import send

        if not refused:
            try:
                context.log.info(f"{sync.name}: {send(settings(), sync, context.run_id)}")
            except SyncStoppedError as error:
                context.log.error(str(error))
        return refused

    return send_op


def _record(sync: SyncDocument) -> dg.OpDefinition:
    @dg.op(name=f"record_{sync.name}", pool=WRITER)
    def record_op(context: dg.OpExecutionContext, refused: str):
        from orchestration.activation.record import record

        if refused:
            # The refusal is in the ledger already, and there is no outbox.
            yield dg.Output(None, metadata={"stopped": refused})
            return
        result = record(settings(), sync.name, context.run_id)
        context.log.info(result.summary())
        counts = {name: getattr(result, name) for name in ("acknowledged", "rejected", "held_late", "open", "seconds")}
        plan = {name: getattr(result.plan, name) for name in ("insert", "update", "exit", "unchanged", "held")}
        yield dg.Output(None, metadata={"dagster/row_count": result.plan.model, **plan, **counts})

    return record_op


def _asset(sync: SyncDocument) -> dg.AssetsDefinition:
    plan_op, send_op, record_op = _plan(sync), _send(sync), _record(sync)
    schema, table = sync.model.split(".")

    @dg.graph_asset(
        name=key_of(sync).path[-1],
        key_prefix=key_of(sync).path[:-1],
        ins={"payload": dg.AssetIn(key=dg.AssetKey([schema, table]), dagster_type=dg.Nothing)},
        description=sync.description,
        group_name="activation",
        owners=[sync.owner],
        kinds={sync.destination, "yaml"},
        metadata={"document": f"orchestration/defs/activation/{sync.name}.yaml", "mode": sync.mode},
        tags=SENDS,
    )
    def synced(payload: None) -> None:
        return record_op(send_op(plan_op(payload)))

    return synced


def _checks(sync: SyncDocument) -> dg.AssetChecksDefinition:
    described = {NO_REJECTS: "The destination refused no row.", SENT: "Everything planned was sent and answered."}

    @dg.multi_asset_check(
        name=f"check_{sync.name}",
        specs=[
            dg.AssetCheckSpec(name, asset=key_of(sync), description=description)
            for name, description in (described | alerts.DESCRIPTIONS).items()
        ],
        pool=WRITER,
    )
    def check(context: dg.AssetCheckExecutionContext) -> Iterator[dg.AssetCheckResult]:
        from orchestration.activation.ledger import last_result

        result = last_result(settings(), sync.name)
        is_sent = result.status in ("succeeded", "rejects")
        ended = "nothing was sent" if result.status == "refused" else f"{result.status}, {result.open} rows wait"
        waiting = f"{result.rejected} rows were refused; `tessera why-sent {sync.name} PERSON` says why"
        for name, passed, numbers, what in (
            (NO_REJECTS, result.rejected == 0, {"rejected": result.rejected}, waiting),
            (SENT, is_sent, {"open": result.open, "status": result.status}, f"{ended}: {result.message}"),
        ):
            told = {} if passed else {"what": what}
            yield dg.AssetCheckResult(check_name=name, asset_key=key_of(sync), passed=passed, metadata=numbers | told)
        yield from _warnings(sync)

    return check


def _warnings(sync: SyncDocument) -> Iterator[dg.AssetCheckResult]:
    """What the document's `alerts` ask for; a warning each."""
    judged = {alert.name: alert for alert in alerts.judged(settings(), sync)}
    for name in alerts.DESCRIPTIONS:
        # Before the first run there is nothing to warn of.
        alert = judged.get(name) or alerts.Alert(name, passed=True, what="")
        told = {} if alert.passed else {"what": alert.what}
        yield dg.AssetCheckResult(
            check_name=name,
            asset_key=key_of(sync),
            passed=alert.passed,
            severity=dg.AssetCheckSeverity.WARN,
            metadata=alert.numbers | told,
        )


def _results(syncs: list[SyncDocument]) -> dg.AssetsDefinition:
    @dg.asset(
        key=dg.AssetKey(["activation", "results"]),
        deps=[key_of(sync) for sync in syncs],
        description="How every run of every sync ended, copied from the ledger without personal data.",
        group_name="activation",
        owners=OWNERS,
        kinds={"duckdb"},
        pool=WRITER,
    )
    def activation_results() -> dg.MaterializeResult:
        from orchestration.activation.ledger import export_results

        return dg.MaterializeResult(metadata={"dagster/row_count": export_results(settings())})

    return activation_results


@dg.definitions
def activation() -> dg.Definitions:
    return of_folder(FOLDER)


def of_folder(folder: Path, masters: Path = MASTERS) -> dg.Definitions:
    """The syncs that a folder declares; those that cannot be used, or that `masters` contradicts, as red assets."""
    valid, errors = usable_syncs(folder, masters)
    return dg.Definitions(
        assets=[*map(_asset, valid), _results(valid), *document.broken_assets("activation", errors)],
        asset_checks=[_checks(sync) for sync in valid],
    )
