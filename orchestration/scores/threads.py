"""How many cores a fit may use: threads that wait for each other cost more than they bring on few rows."""

from collections.abc import Iterator
from contextlib import contextmanager

from orchestration.settings import Settings

_MANY_ROWS = 100_000


@contextmanager
def bounded(rows: int) -> Iterator[None]:
    """Fits inside use one core for few rows, else as many as `TESSERA_THREADS` allows."""
    # A limit reaches only libraries that are loaded: the first fit of a process would wait for its own threads.
    import sklearn.ensemble  # noqa: F401
    from threadpoolctl import threadpool_limits

    with threadpool_limits(limits=Settings().threads if rows >= _MANY_ROWS else 1):
        yield
