"""The tone of a text by word lists: VADER for English (Hutto & Gilbert 2014), its emoji for any language.

What is learned from own ratings is in `own_ratings`.
"""

from collections.abc import Iterable
from functools import cache
from typing import Any

VADER, EMOJI = "vader", "emoji"
Told = tuple[float | None, str | None]


@cache
def _analyser() -> Any:
    from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer

    return SentimentIntensityAnalyzer()


def tell(texts: Iterable[tuple[str, str | None]]) -> list[Told]:
    """Of each (text, language) the tone from -1 to 1 and by what it was told; nothing where no word list speaks."""
    return [_english(text) if language == "en" else _emoji(text) for text, language in texts]


def _english(text: str) -> Told:
    return _analyser().polarity_scores(text)["compound"], VADER


def _emoji(text: str) -> Told:
    """By the emoji that have a tone: those whose description has none say nothing."""
    named = _analyser().emojis
    described = ". ".join(named[sign] for sign in text if sign in named)
    tone = _analyser().polarity_scores(described)["compound"] if described else 0.0
    return (tone, EMOJI) if tone else (None, None)
