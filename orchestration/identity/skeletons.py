"""The key under which the ways to write one name agree: Muhammad and Mohamed, Satou and Sato, Hossein and Husayn.

The same rules in Python and in SQL. Which letters a name in another script has in Latin is for `scripts`.
"""

import re

from orchestration.identity.scripts import romanised

# In order, each from left to right over the whole text; patterns that Python and DuckDB (RE2) read the same.
# Digits stand for sounds: 0 for ch, 2 for y at the start; in the key, 9 for any vowel at the start.
_SPELLING = (
    (r"^a[zrsdtn]-|^ash-|^ul-", "al"),  # az-Zahrani is al-Zahrani
    (r"[^a-z]+", ""),
    (r"^x", "sh"),  # Xu
    (r"x", "ks"),
    (r"t?sch", "s"),
    (r"ck|kh|gh|q", "k"),
    (r"tch|ch", "0"),
    (r"sh", "s"),  # Shimizu, Simizu
    (r"c([eiy])", r"s\1"),
    (r"c", "k"),
    (r"ph", "f"),
    (r"[td]h", "t"),
    (r"zh|dj", "j"),
    (r"w", "v"),
    (r"^oh([nktb])", r"o\1"),  # Ohno, Ono
    (r"h$", ""),
    (r"^y", "2"),
    (r"y", "i"),
    *((letter * 2 + "+", letter) for letter in "abdfghjklmnprstvz"),
    (r"a[ei][ei]", "ai"),
    (r"ee+", "i"),
    (r"([^aeiou])ie$", r"\1i"),
    (r"[ou]+", "u"),
)  # fmt: skip
# One syllable: too few consonants to do without its vowel (Li, Lu, Wang, Nour).
_SYLLABLE = r"[^aeiou]?[aeiou]+([^aeiou]|ng)?"
_VOWELS_AT_START = "^[aeiou]+"
_VOWELS = "[aeiou]+"
_BEFORE_LAST_VOWEL = "^.*[^aeiou]"


def skeleton(text: str) -> str:
    """The key of one name, given or family, in any script."""
    return skeleton_of_latin(romanised(text))


def skeleton_of_latin(text: str) -> str:
    """The key of one name, given or family, in lower-case Latin letters: consonants, and a vowel if few."""
    for pattern, replacement in _SPELLING:
        text = re.sub(pattern, replacement, text)
    if re.fullmatch(_SYLLABLE, text):
        return text
    stem = re.sub(_VOWELS, "", re.sub(_VOWELS_AT_START, "9", text))
    return stem if len(stem.lstrip("9")) > 2 else stem + re.sub(_BEFORE_LAST_VOWEL, "", text)[-1:].replace("e", "a")


def skeleton_sql(expression: str) -> str:
    """`skeleton_of_latin` in SQL."""
    for pattern, replacement in _SPELLING:
        expression = f"regexp_replace({expression}, '{pattern}', '{replacement}', 'g')"
    stem = f"regexp_replace(regexp_replace(spelt, '{_VOWELS_AT_START}', '9'), '{_VOWELS}', '', 'g')"
    last = f"replace(right(regexp_replace(spelt, '{_BEFORE_LAST_VOWEL}', ''), 1), 'e', 'a')"
    return (
        f"list_transform([{expression}], lambda spelt: case when regexp_full_match(spelt, '{_SYLLABLE}') then spelt "
        f"when length(ltrim({stem}, '9')) > 2 then {stem} else {stem} || {last} end)[1]"
    )
