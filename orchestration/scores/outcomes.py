"""The outcome to predict: any column of two values, as 1 and 0."""

from pathlib import Path

import duckdb
import numpy as np

from orchestration.scores.folds import Folds
from orchestration.warehouse.files import Column, TableError

# Which of two values is the one that happens; else the rarer.
_YES = ("1", "1.0", "true", "t", "yes", "y", "churned", "bought", "converted", "positive")
_LEAST_ROWS, _LEAST_EACH = 50, 10


def sql(con: duckdb.DuckDBPyConnection, path: Path, target: Column) -> tuple[str, str]:
    """SQL of the outcome over table `raw`, null where it is not known, and the value that is 1. Raises TableError."""
    text = target.text()
    values = con.execute(
        f"select {text} as v, count(*) from raw where v is not null group by v order by 2, 1 limit 12"
    ).fetchall()
    if len(values) != 2:
        shown = ", ".join(f"'{str(value)[:20]}'" for value, _ in values[:6])
        raise TableError(
            f"{path}: --target {target.name}: two different values are needed, as 0 and 1; there are "
            + (f"{len(values)}{' or more' if len(values) == 12 else ''}: {shown}" if values else "none")
        )
    count = sum(number for _, number in values)
    if count < _LEAST_ROWS or values[0][1] < _LEAST_EACH:
        raise TableError(
            f"{path}: --target {target.name}: too little to learn from: {count:,} rows, of which {values[0][1]:,} are "
            f"'{values[0][0]}'; {_LEAST_ROWS} rows with {_LEAST_EACH} of each are the least"
        )
    yes = next((value for value, _ in values if value.lower() in _YES), values[0][0])
    return f"case when {text} is not null then ({text} = '{yes.replace(chr(39), chr(39) * 2)}')::int end", yes


def check_folds(path: Path, truth: np.ndarray, folds: Folds) -> None:
    """A model needs both outcomes to learn from, and to be measured by. Raises TableError."""
    for rows, what in ((folds.measuring(), "the latest rows"), (folds.learned(folds.count - 1), "the earlier rows")):
        if len(np.unique(truth[rows])) < 2:
            raise TableError(f"{path}: {what} all have the same outcome: nothing can be learned or measured by time")
