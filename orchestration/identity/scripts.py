"""Names in other scripts: as their bearers would type them in Latin letters, and which part is the family's.

Only values with a letter outside ASCII are read here. Keys under which spellings agree are in `skeletons`; what letters
alone say is in `alphabets`.
"""

import re
from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

import duckdb
import pyarrow as pa

from orchestration.identity import surnames
from orchestration.identity.alphabets import cleaned, kana, plain

if TYPE_CHECKING:
    from sudachipy import Morpheme, Tokenizer


class Name(NamedTuple):
    """A name in lower-case Latin letters; its parts, and whether the family's came first, where custom tells."""

    latin: str
    family: str | None = None
    given: str | None = None
    family_first: bool | None = None


_HAN = re.compile("[\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003134f]")
_KANA = re.compile("[\u3041-\u30fa々]")
_HANGUL = re.compile("[\uac00-\ud7a3]")
_VIETNAMESE_LETTERS = re.compile("[ăđơưĂĐƠƯẠ-ỹ]")
_KANJI_VARIANTS = str.maketrans("髙﨑", "高崎")
# Of given names; the surname may be one that Chinese bear too.
_JAPANESE_ENDINGS = ("子", "郎", "輔", "介", "太")
_LONGEST_HAN_NAME = 5


def romanised(text: str) -> str:
    """A name in any script in lower-case Latin letters; an East Asian one as family and given name."""
    return read(text).latin


def read(text: str) -> Name:
    """A name in any script, read by its script's customs."""
    text = cleaned(text)
    if not re.search("[A-Za-z·・=]", text) and len(words := text.split()) <= 2:
        if _HAN.search(text) or _KANA.search(text):
            return _japanese(words) or _chinese(words)
        if _HANGUL.search(text):
            return _korean(words)
    # Characters that are a syllable each make one word.
    latin = " ".join(
        _pinyin(word) if _HAN.search(word) or _KANA.search(word) else plain(word) for word in re.split("[ ·・=]", text)
    )
    if text.count(" ") and _VIETNAMESE_LETTERS.search(text):
        return _vietnamese(latin)
    return Name(latin)


def _named(family: str, given: str, family_first: bool = True) -> Name:
    return Name(f"{family} {given}", family, given, family_first)


def _japanese(words: list[str]) -> Name | None:
    """A name with kana in it, or that begins with a Japanese surname; None if it is none that is known.

    Kanji do not say how they are read: the dictionary has the usual reading.
    """
    text = "".join(words)
    if not _HAN.search(text):
        return _named(*map(kana, words)) if len(words) == 2 else Name(kana(text))
    for family_first in (True,) if _is_chinese_surname(words[0]) else (True, False):
        ordered = words if family_first else words[::-1]
        family, *given = _tokenizer().tokenize("".join(ordered).translate(_KANJI_VARIANTS))
        is_apart = len(words) == 1 or len(family.surface()) == len(ordered[0])
        if is_apart and _is_japanese(family, given) and not any(token.is_oov() for token in given):
            return _named(_reading([family]), _reading(given), family_first) if given else Name(_reading([family]))
    return None


def _is_japanese(family: "Morpheme", given: "list[Morpheme]") -> bool:
    """Whether kanji are a Japanese name: by a surname that no Chinese bears, or by the given name."""
    surname, rest = family.surface(), "".join(token.surface() for token in given)
    if family.part_of_speech()[3] != "姓":
        return False
    known = len(surname) > 1 or surname not in surnames.CHINESE
    return known or len(rest) > 2 or rest.endswith(_JAPANESE_ENDINGS) or bool(_KANA.search(rest))


def _reading(tokens: "list[Morpheme]") -> str:
    return kana("".join(token.reading_form() for token in tokens))


@lru_cache(maxsize=1)
def _tokenizer() -> "Tokenizer":
    from sudachipy import Dictionary, SplitMode

    return Dictionary(dict="small").tokenizer(mode=SplitMode.C)


def _chinese(words: list[str]) -> Name:
    if len(words) == 2:
        family_first = _is_chinese_surname(words[0]) or not _is_chinese_surname(words[1])
        family, given = words if family_first else words[::-1]
        return _named(_pinyin_surname(family), _pinyin(given), family_first)
    (word,) = words
    length = 2 if word[:2] in surnames.CHINESE_COMPOUND else 1
    if length < len(word) < _LONGEST_HAN_NAME and _is_chinese_surname(word[:length]):
        return _named(_pinyin_surname(word[:length]), _pinyin(word[length:]))
    return Name(_pinyin_surname(word))


def _is_chinese_surname(word: str) -> bool:
    return word in surnames.CHINESE or word in surnames.CHINESE_COMPOUND


def _pinyin_surname(word: str) -> str:
    return surnames.CHINESE_READINGS.get(word) or _pinyin(word)


def _pinyin(word: str) -> str:
    return plain(kana(word) if _KANA.search(word) else word).replace(" ", "").replace("-", "")


def _korean(words: list[str]) -> Name:
    if len(words) == 2:
        family_first = len(words[0]) == 1 or words[0] in surnames.KOREAN_COMPOUND or len(words[1]) > 1
        family, given = words if family_first else words[::-1]
        return _named(_korean_surname(family), plain(given), family_first)
    (word,) = words
    length = 2 if word[:2] in surnames.KOREAN_COMPOUND and len(word) > 2 else 1
    if length < len(word) < _LONGEST_HAN_NAME and (length == 2 or word[0] in surnames.KOREAN):
        return _named(_korean_surname(word[:length]), plain(word[length:]))
    return Name(_korean_surname(word))


def _korean_surname(word: str) -> str:
    return surnames.KOREAN_READINGS.get(word) or plain(word)


def _vietnamese(latin: str) -> Name:
    """By its known surnames; first, where both ends are one."""
    words = latin.split()
    known = set(surnames.VIETNAMESE) | set(surnames.VIETNAMESE_SHORT)
    if words[0] in known:
        return Name(latin, words[0], " ".join(words[1:]), True)
    if words[-1] in known:
        return Name(latin, words[-1], " ".join(words[:-1]), False)
    return Name(latin)


def family_first_sql(expression: str) -> str:
    """Whether a full name in Latin letters begins with its family's: true, false, or null where custom does not tell.

    True or false where one end alone is a Vietnamese or Chinese surname that is hardly a name elsewhere, and the rest
    can be such a name.
    """
    known = "|".join((*surnames.VIETNAMESE, *surnames.PINYIN))
    words = f"regexp_replace(lower({expression}), '[^a-z]+', ' ', 'g')"
    return (
        f"case when not regexp_full_match({words}, '{_OTHER_WORDS}') then null "
        f"when regexp_matches({words}, '^({known}) ') and not regexp_matches({words}, ' ({known})$') then true "
        f"when regexp_matches({words}, ' ({known})$') and not regexp_matches({words}, '^({known}) ') then false end"
    )


# Words of Vietnamese or pinyin syllables only: at most one consonant sound, vowels, and few ends.
_SYLLABLE = "(?:[bcdghjklmnpqrstvwxyz]|[cgknpstz]h|ngh?|tr|gi|qu)?[aeiouy]{1,3}(?:ng|nh|ch|[cmnptr])?"
_OTHER_WORDS = f"(?:{_SYLLABLE}){{1,2}}(?: (?:{_SYLLABLE}){{1,2}}){{1,3}}"


def prepare(con: duckdb.DuckDBPyConnection, relation: str, column: str = "text") -> None:
    """Temporary table `scripts` (text, latin, family, given, family_first): each value with a letter outside ASCII.

    One row per distinct such value of the relation's column; plain ASCII values are not read.
    """
    texts = con.execute(
        f"select distinct {column} from {relation} where strlen({column}) <> length({column}) order by {column}"
    ).fetchall()
    names = [read(text) for (text,) in texts]
    columns = {"text": pa.array([text for (text,) in texts], pa.string())}
    for field in ("latin", "family", "given"):
        columns[field] = pa.array([getattr(name, field) for name in names], pa.string())
    columns["family_first"] = pa.array([name.family_first for name in names], pa.bool_())
    con.register("read_scripts", pa.table(columns))
    con.execute("create or replace temp table scripts as select * from read_scripts")
    con.unregister("read_scripts")
