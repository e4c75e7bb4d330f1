"""What `make lint` asks of the declared parts: contracts, generated dbt sources, segment and sync documents."""

from data_contracts.contract import readable
from data_contracts.dbt_sources import stale
from orchestration.settings import PROJECT_ROOT


def check_project() -> list[str]:
    """One line per finding, each naming its file; empty when all is sound."""
    findings = []
    for kind in ("sources", "destinations", "marts"):
        findings += map(str, readable(kind)[1])
    if not findings:
        findings += [f"{path}: stale, run `tessera contracts write`" for path in stale(PROJECT_ROOT / "dbt_project")]
    return findings + _documents()


def _documents() -> list[str]:
    from orchestration.activation.document import load_documents as syncs
    from orchestration.segments.document import load_documents as segments

    defs = PROJECT_ROOT / "orchestration" / "defs"
    errors = [*segments(defs / "segments")[1], *syncs(defs / "activation")[1]]
    return [f"{error.file}:{error.line}: {error.message}" for error in errors]
