"""Previews and lists of segments as lines to read. What is counted is in `preview`."""

from pathlib import Path
from typing import Any

from orchestration.segments.document import FOLDER, load_documents
from orchestration.segments.preview import preview
from orchestration.settings import Settings
from orchestration.warehouse import engine

_LINES_SHOWN = 20


def preview_text(settings: Settings, document: Path) -> str:
    """The preview as lines to read. Raises as `preview` does."""
    seen = preview(settings, document)
    reachable = seen["reachable"]
    lines = [
        f"{seen['segment']} as of {seen['as_of']}: {seen['size']} people, {seen['share']:.1%} of all",
        f"may be written to: {reachable['any']} (e-mail {reachable['email']}, sms {reachable['sms']})",
        *_listed(seen["list"]),
        *_block("fit, but kept out by", {name: f"{count:>8}" for name, count in seen["withheld"].items()}),
        *_block("also in", {name: f"{one['shared']:>8} of {one['size']}" for name, one in seen["overlap"].items()}),
        *_block("seen on", {name: f"{count:>8}" for name, count in seen["by_channel"].items()}),
        *_block("by state", {name: f"{count:>8}" for name, count in seen["by_state"].items()}),
        "",
        "for example",
        *("  " + "  ".join(str(part or "-") for part in example.values()) for example in seen["examples"]),
    ]
    return "\n".join(lines)


def _block(heading: str, rows: dict[str, str]) -> list[str]:
    return ["", heading, *(f"  {name:<24} {text}" for name, text in rows.items())] if rows else []


def _listed(found: dict[str, Any] | None) -> list[str]:
    if not found:
        return []
    told = [f"rows matched: {found['matched']} of {found['rows']}, {found['match_rate']:.1%}"]
    told += [f"  line {line}: {reason}" for line, reason in found["unmatched"][:_LINES_SHOWN]]
    more = len(found["unmatched"]) - _LINES_SHOWN
    return told + ([f"  and {more} lines more"] if more > 0 else [])


def list_text(settings: Settings, folder: Path = FOLDER) -> str:
    """Every segment with kind, status, who approved it and its size; documents that cannot be used at the end."""
    documents, errors = load_documents(folder)
    sizes: dict[str, int] = {}
    if settings.warehouse.exists():
        with engine.reading(settings) as con:
            if engine.table_exists(con, "segments", "membership"):
                sizes = dict(
                    con.execute(
                        "select segment, count(*) from segments.membership where left_date is null group by 1"
                    ).fetchall()
                )
    lines = [
        f"{one.name:<24} {one.kind:<10} {one.status:<9} {sizes.get(one.name, 0):>9}  {_approval(one)}".rstrip()
        for one in documents
    ]
    return "\n".join([f"{'segment':<24} {'kind':<10} {'status':<9} {'people':>9}  approved", *lines, *map(str, errors)])


def _approval(segment: Any) -> str:
    if segment.status == "draft":
        return ""
    order = f", {segment.priority}. of {segment.priority_group}" if segment.priority_group else ""
    return f"{segment.approved_date} by {segment.approved_by}{order}"
