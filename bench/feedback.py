"""How well language, tone and complaints are told on the demo's messages: `python -m bench.feedback` on a demo's home.

The demo writes its messages from templates that say their language and what they are meant as: that is the truth here.
"""

import csv
import re
from collections import defaultdict
from pathlib import Path
from typing import NamedTuple

from orchestration import demo
from orchestration.conformed import languages, topics
from orchestration.settings import Settings
from orchestration.warehouse import engine

_TEXTS = Path(demo.__file__).parent / "names" / "texts.csv"
_PRODUCT = re.escape("{product}")


class Meant(NamedTuple):
    """What a template is meant as."""

    language: str
    sentiment: str
    is_complaint: bool


class Message(NamedTuple):
    """What became of a message: as `conformed.feedback` has it, with the language told from the text alone."""

    meant: Meant
    told: str | None
    sentiment: float | None
    is_complaint: bool


def _templates() -> list[tuple[re.Pattern[str], Meant]]:
    with _TEXTS.open(encoding="utf-8") as file:
        return [(_pattern(row["text"]), _meant(row)) for row in csv.DictReader(file)]


def _pattern(text: str) -> re.Pattern[str]:
    return re.compile(re.escape(text).replace(_PRODUCT, ".*"))


def _meant(row: dict[str, str]) -> Meant:
    # A bad day in traffic is no complaint to us.
    return Meant(row["language"], row["sentiment"], row["sentiment"] == "negative" and row["topic"] != "life")


def _messages(settings: Settings) -> list[Message]:
    """Every message of feedback that one template fits."""
    templates = _templates()
    with engine.reading(settings) as con:
        rows = con.execute(
            "select body, concat_ws('. ', subject, body), sentiment, is_complaint from conformed.feedback "
            "inner join conformed.messages using (message_id) order by message_id"
        ).fetchall()
    meant = {body: _one([what for pattern, what in templates if pattern.fullmatch(body)]) for body, *_ in rows}
    told = languages.tell([text for _, text, _, _ in rows], topics.load().languages)
    return [
        Message(known, language, sentiment, is_complaint)
        for (body, _, sentiment, is_complaint), (language, _) in zip(rows, told, strict=True)
        if (known := meant[body])
    ]


def _one(found: list[Meant]) -> Meant | None:
    return found[0] if len(found) == 1 else None


def _share(part: int, whole: int) -> str:
    return f"{part / whole:.2f}" if whole else ""


def _row(language: str, messages: list[Message]) -> str:
    flagged = [one for one in messages if one.is_complaint]
    meant = [one for one in messages if one.meant.is_complaint]
    right = sum(one.meant.is_complaint for one in flagged)
    judged = [one for one in messages if one.sentiment is not None and one.meant.sentiment != "neutral"]
    agreeing = sum((one.sentiment > 0) == (one.meant.sentiment == "positive") for one in judged)
    cells = (
        language, f"{len(messages):,}", _share(sum(one.told == one.meant.language for one in messages), len(messages)),
        _share(agreeing, len(judged)), f"{len(meant):,}", _share(right, len(flagged)), _share(right, len(meant)),
    )  # fmt: skip
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Print a table by language."""
    by_language: dict[str, list[Message]] = defaultdict(list)
    for message in _messages(Settings()):
        by_language[message.meant.language].append(message)
    print("| language | messages | language right | tone right | complaints | precision | recall |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for language, messages in sorted(by_language.items(), key=lambda one: -len(one[1])):
        print(_row(language, messages))


if __name__ == "__main__":
    main()
