"""Pieces of HTML that sections of the report are made of; what they say is in `report` and `examples`."""

from collections.abc import Iterable
from html import escape
from typing import Any


def section(title: str, why: str, inside: str) -> str:
    return f'<section><h2>{escape(title)}</h2><p class="why">{escape(why)}</p>{inside}</section>'


def two(left: str, right: str) -> str:
    return f'<div class="two">{left}{right}</div>'


def rows_of(cells: Iterable[Iterable[Any]], headings: Iterable[str]) -> str:
    """A table; a heading that ends in # is of numbers. Cells are HTML already, numbers are not."""
    marks = [heading.endswith("#") for heading in headings]
    head = "".join(
        f"<th{' class=n' if n else ''}>{escape(h.rstrip('#'))}</th>" for h, n in zip(headings, marks, strict=True)
    )
    body = "".join(
        "<tr>" + "".join(
            f'<td{" class=n" if n else ""}>{f"{cell:,}" if isinstance(cell, int) else cell}</td>'
            for cell, n in zip(row, marks, strict=True)
        ) + "</tr>"
        for row in cells
    )  # fmt: skip
    return f"<table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table>"


def text(value: Any) -> str:
    return '<span class="dim">-</span>' if value is None else escape(str(value))
