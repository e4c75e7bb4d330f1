"""What commands that run something share: the business day they are given, and the sources of a demo's home."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from orchestration.settings import Settings


def _not_ahead(day: datetime | None) -> datetime | None:
    if day and day > datetime.now(UTC).replace(tzinfo=None):
        raise typer.BadParameter(f"{day:%Y-%m-%d} has not been yet: name a business day that has landed")
    return day


AsOf = Annotated[
    datetime | None,
    typer.Option(
        "--as-of",
        formats=["%Y-%m-%d"],
        callback=_not_ahead,
        help="Business day of the run; without it, the latest complete one that has landed.",
    ),
]


@contextmanager
def reaching_sources(settings: "Settings") -> Iterator[None]:
    """A home that holds the demo reaches the demo's sources, any other what the environment names."""
    from orchestration.demo.run import own_sources

    with own_sources(settings) as address:
        if address:
            typer.echo(f"this home holds the demo: its sources answer at {address}", err=True)
        yield
