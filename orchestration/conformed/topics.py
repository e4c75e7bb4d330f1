"""The topics of messages: `topics.yaml` read, checked and turned into SQL. The words themselves are in it alone."""

import hashlib
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
from pydantic import BaseModel, ConfigDict, ValidationError

from orchestration.errors import TesseraError
from orchestration.yaml_lines import Document, UnreadableError, read

FILE = Path(__file__).with_name("topics.yaml")
# Written without spaces between words: a pattern may match anywhere.
_UNSPACED = {"zh", "ja", "th", "lo", "km", "my"}
_NAME = re.compile(r"[a-z][a-z_]*")
_ESCAPES = re.compile(r"\\p\{\w+\}|\\p?.", re.IGNORECASE)
# RE2 knows only English letters where a word ends; so words are parted by one space, and patterns ask for that.
_PLAIN = r"""
    ' ' || trim(regexp_replace(replace(lower(text), '’', ''''), '[^\pL\pM\pN\x{200c}''-]+', ' ', 'g')) || ' '
""".strip()
Patterns = dict[str, list[str]]


class InvalidTopicsError(TesseraError):
    """The topics cannot be used; the message names file and line."""


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid")


class _Topic(_Strict):
    about: str
    words: Patterns
    problems: Patterns = {}


class _File(_Strict):
    languages: list[str]
    negative_words: Patterns
    topics: dict[str, _Topic]


@dataclass(frozen=True)
class Taxonomy:
    """Patterns by language: of each topic's words and problems, and negative ones. `version` changes with the file."""

    languages: tuple[str, ...]
    negative: dict[str, str]
    words: dict[str, dict[str, str]]
    problems: dict[str, dict[str, str]]
    version: str

    def read_texts(self, con: duckdb.DuckDBPyConnection) -> None:
        """`topics_read` (text_id, topics, has_problem, has_negative_words) of `texts` (text_id, text, language)."""
        con.execute(
            f"create or replace temp table plain_texts as select text_id, language, {_PLAIN} as text from texts"
        )
        con.execute(
            "create or replace temp table topics_read "
            "(text_id bigint, topics varchar, has_problem boolean, has_negative_words boolean)"
        )
        # Making ready the patterns of a language takes longer than reading some thousand texts.
        there = con.execute("select distinct language from plain_texts order by all").fetchall()
        for (language,) in there:
            con.execute(f"insert into topics_read {self._query(language)}")

    def _query(self, language: str | None) -> str:
        found = {name: self._any([self.words[name], self.problems[name]], language) for name in self.words}
        listed = ", ".join(f"case when {condition} then '{name}' end" for name, condition in sorted(found.items()))
        # What is in no known language is read by the patterns of all.
        where = f"language = '{language}'" if language else "language is null"
        return (
            f"select text_id, nullif(concat_ws(' ', {listed}), '') as topics, "
            f"{self._any(list(self.problems.values()), language)} as has_problem, "
            f"{self._any([self.negative], language)} as has_negative_words from plain_texts where {where}"
        )

    def _any(self, groups: list[dict[str, str]], language: str | None) -> str:
        """Whether one of the groups' patterns of the language matches."""
        patterns = [pattern for group in groups for code, pattern in sorted(group.items()) if language in (code, None)]
        return " or ".join(f"regexp_matches(text, {_quoted(one)})" for one in patterns) or "false"


def load(file: Path = FILE) -> Taxonomy:
    """The topics of a file. Raises InvalidTopicsError."""
    try:
        document = read(file)
    except UnreadableError as error:
        raise InvalidTopicsError(f"{file}:{error.line}: {error}") from error
    try:
        content = _File.model_validate(document.content)
    except ValidationError as error:
        place, message = error.errors()[0]["loc"], error.errors()[0]["msg"]
        where = ".".join(map(str, place))
        raise InvalidTopicsError(f"{file}:{document.line(place)}: {where}: {message}") from error
    checked = _Checked(file, document)
    checked.languages(content.languages)
    return Taxonomy(
        languages=tuple(content.languages),
        negative=checked.joined(content.negative_words, ("negative_words",)),
        words={name: checked.joined(one.words, ("topics", name, "words")) for name, one in content.topics.items()},
        problems={
            name: checked.joined(one.problems, ("topics", name, "problems")) for name, one in content.topics.items()
        },
        version=hashlib.md5(file.read_bytes()).hexdigest()[:8],
    )


@dataclass(frozen=True)
class _Checked:
    file: Path
    document: Document

    def languages(self, codes: list[str]) -> None:
        from orchestration.conformed.languages import known

        for place, code in enumerate(codes):
            if code not in known():
                self._refuse(("languages", place), f"'{code}' cannot be told{Document.suggestion(code, known())}")

    def joined(self, patterns: Patterns, path: tuple[Any, ...]) -> dict[str, str]:
        """One pattern a language. A broken one is refused with its line."""
        if path[0] == "topics" and not _NAME.fullmatch(path[1]):
            self._refuse(path[:2], f"'{path[1]}': name a topic in small letters and _")
        told = self.document.content["languages"]
        joined = {}
        for language, listed in patterns.items():
            if language not in told:
                self._refuse(
                    (*path, language), f"'{language}' is not in `languages`{Document.suggestion(language, told)}"
                )
            if not _are_sound(listed):
                for place, pattern in enumerate(listed):
                    self._try(pattern, (*path, language, place))
            joined[language] = _bounded(language, listed)
        return joined

    def _try(self, pattern: str, path: tuple[Any, ...]) -> None:
        if _has_capitals(pattern):
            self._refuse(path, f"{pattern!r} has capitals and would never match: texts are read in lower case")
        try:
            matches_nothing = _match_nothing([pattern])
        except duckdb.Error as error:
            reason = str(error).splitlines()[0].partition(": ")[2]
            self._refuse(path, f"{pattern!r} is no pattern: {reason}")
        if matches_nothing:
            self._refuse(path, f"{pattern!r} matches every text")

    def _refuse(self, path: tuple[Any, ...], message: str) -> None:
        raise InvalidTopicsError(f"{self.file}:{self.document.line(path)}: {message}")


def _has_capitals(pattern: str) -> bool:
    plain = _ESCAPES.sub("", pattern)
    return plain != plain.lower()


def _match_nothing(patterns: list[str]) -> bool:
    """Whether one of them matches an empty text. Raises duckdb.Error for one that is no pattern."""
    found = duckdb.execute("select bool_or(regexp_matches('', pattern)) from unnest(?) as t(pattern)", [patterns])
    return bool(found.fetchall()[0][0])


def _are_sound(patterns: list[str]) -> bool:
    """Of good patterns, which nearly all are, many are tried at once."""
    try:
        return not (any(map(_has_capitals, patterns)) or _match_nothing(patterns))
    except duckdb.Error:
        return False


def _bounded(language: str, patterns: list[str]) -> str:
    joined = "|".join(f"(?:{pattern})" for pattern in patterns)
    return joined if language in _UNSPACED else f" (?:{joined}) "


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"
