"""The help desk: users, tickets, calls and ratings, one folder a day.

What a file must hold is in the contract; how files are found and read is in `ingestion.files`.
"""

from collections.abc import Iterator
from typing import Any

from ingestion import files
from ingestion.batch import RawBatch

SYSTEM = "helpdesk"
CHANNEL = "support"


def batches(state: dict[str, Any]) -> Iterator[RawBatch]:
    """Files that are new, changed or gone since `state`."""
    return files.batches(SYSTEM, state)


if __name__ == "__main__":
    from ingestion.landing import main

    main(SYSTEM)
