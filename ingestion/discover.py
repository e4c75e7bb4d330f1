"""Finds every source module, so that a new source needs no entry in any list.

A source is a module `ingestion/<channel>/<system>.py` with SYSTEM, CHANNEL and `batches(state)`.
"""

import importlib
from functools import cache
from pathlib import Path
from types import ModuleType

_ROOT = Path(__file__).resolve().parent


@cache
def discover() -> dict[str, ModuleType]:
    """Every source module by its system, sorted; ImportError names a module that lacks its part."""
    found: dict[str, ModuleType] = {}
    for path in sorted(_ROOT.glob("*/*.py")):
        if path.stem.startswith("_"):
            continue
        module = importlib.import_module(f"{_ROOT.name}.{path.parent.name}.{path.stem}")
        missing = [name for name in ("SYSTEM", "CHANNEL", "batches") if not hasattr(module, name)]
        if missing:
            raise ImportError(f"{path}: a source defines {', '.join(missing)}; see ingestion/pos/receipts.py")
        found[module.SYSTEM] = module
    return dict(sorted(found.items()))
