"""The dlt pipeline of one system: an atomic append of Arrow tables as Parquet, with the source's state.

What is in the tables does not belong here.
"""

import errno
import fcntl
import os
import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import fsspec
import pyarrow as pa
from fsspec.implementations.local import LocalFileSystem

from data_contracts.contract import Contract, ContractError
from data_contracts.landed import layout
from ingestion.batch import SourceError

_SETTINGS = {
    "RUNTIME__DLTHUB_TELEMETRY": "false",
    # dlt would keep a copy of every loaded row in its working folder.
    "LOAD__DELETE_COMPLETED_JOBS": "true",
    "NORMALIZE__PARQUET_NORMALIZER__ADD_DLT_LOAD_ID": "true",
}
_HINTS = {
    "bigint": {"data_type": "bigint"},
    "double": {"data_type": "double"},
    "boolean": {"data_type": "bool"},
    "date": {"data_type": "date"},
    # Without this a naive timestamp becomes one with a zone, and readers show it in theirs.
    "timestamp": {"data_type": "timestamp", "timezone": False, "precision": 6},
    "blob": {"data_type": "binary"},
}

Tables = Iterator[tuple[str, pa.Table]]


class _WholeFiles(LocalFileSystem):
    """Files appear whole or not at all: a reader must not meet the half of one that a killed run was copying."""

    def put_file(self, path1: str, path2: str, callback: Any = None, **kwargs: Any) -> None:
        aside = f"{path2}.part"
        self.cp_file(path1, aside, **kwargs)
        with open(aside, "rb+") as copy:
            os.fsync(copy.fileno())
        os.replace(aside, path2)


@contextmanager
def alone(system: str, home: Path) -> Iterator[Any]:
    """The pipeline of `system`, for this process only; what a killed run left behind is finished or cleared away.

    Its working folder is in the home, beside what it lands. Raises SourceError while another process has it.
    """
    path = home / "dlt" / f"land_{system}.lock"
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w") as lock:
        try:
            # Freed by the system when the process ends, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise SourceError(system, "another run is landing it now; wait until that ends, and run again") from None
        pipeline = _open(system, home)
        _clear_dead_extractions(Path(pipeline.working_dir))
        yield pipeline


def _clear_dead_extractions(folder: Path) -> None:
    # dlt extracts into a folder of random name and moves it when done; it forgets the ones of killed runs.
    for path in (folder / "normalize").glob("*"):
        if path.is_dir() and path.name != "extracted":
            shutil.rmtree(path)


def _open(system: str, home: Path) -> Any:
    os.environ.update(_SETTINGS)
    import dlt

    fsspec.register_implementation("file", _WholeFiles, clobber=True)
    return dlt.pipeline(
        f"land_{system}",
        pipelines_dir=str(home / "dlt"),
        destination=dlt.destinations.filesystem(bucket_url=(home / "landing").as_uri()),
        dataset_name=system,
    )


def finish_pending(pipeline: Any) -> tuple[str, ...]:
    """Complete what a killed run had already extracted; returns the ids of those loads."""
    if not pipeline.has_pending_data:
        return ()
    pipeline.normalize()
    return tuple(pipeline.load().loads_ids)


def run(pipeline: Any, contract: Contract, offered: Callable[[dict[str, Any]], Tables]) -> tuple[str, ...]:
    """Append what `offered(state)` yields as (table, rows), together with the state, or nothing of it.

    Returns the ids of the loads: none when nothing was yielded. Raises SourceError and ContractError as they came, and
    OSError when the disk is full; what was already extracted then is finished by the next run.
    """
    import dlt
    from dlt.pipeline.exceptions import PipelineStepFailed

    tables = layout(contract)

    @dlt.resource(name="landing", write_disposition="append")
    def landing() -> Iterator[Any]:
        for name, table in offered(dlt.current.source_state()):
            hints = dlt.mark.make_hints(table_name=name, columns=_hints(tables[name][:-1]), write_disposition="append")
            yield dlt.mark.with_hints(table, hints, create_table_variant=True)

    @dlt.source(name=contract.system)
    def source() -> Any:
        return landing

    try:
        return tuple(pipeline.run(source(), loader_file_format="parquet").loads_ids)
    except PipelineStepFailed as error:
        causes = list(_causes(error))
        if any(isinstance(cause, OSError) and cause.errno == errno.ENOSPC for cause in causes):
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC), pipeline.working_dir) from error
        for cause in causes:
            if isinstance(cause, SourceError | ContractError):
                pipeline.abort_packages()
                raise cause from error
        raise


def _hints(columns: list[tuple[str, str, str]]) -> dict[str, Any]:
    return {name: _hint(kind) for name, kind, _ in columns}


def _hint(kind: str) -> dict[str, Any]:
    if kind.startswith("decimal"):
        precision, scale = kind.removeprefix("decimal(").rstrip(")").split(",")
        return {"data_type": "decimal", "precision": int(precision), "scale": int(scale)}
    # A copy each time: dlt writes the column's name into it.
    return dict(_HINTS.get(kind, {"data_type": "text"}))


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__
