"""What `make lint` asks of the declared parts: contracts, generated dbt sources, segments, syncs, masters."""

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
    from orchestration.activation.document import load_documents as load_syncs
    from orchestration.activation.masters.compiled import compile_masters, unmastered
    from orchestration.segments.document import load_documents as segments

    defs = PROJECT_ROOT / "orchestration" / "defs"
    syncs, broken = load_syncs(defs / "activation")
    masters = compile_masters(syncs, defs / "activation")
    errors = [*segments(defs / "segments")[1], *broken, *masters.problems, *unmastered(masters)]
    return [f"{error.file}:{error.line}: {error.message}" for error in errors]
