"""Latin letters for the letters of other scripts, as bearers of names write them; look-alike and invisible characters.

Only what the letters alone say. Which script's customs hold for a name, and its parts, is for `scripts`.
"""

import re
import unicodedata

from anyascii import anyascii

# Cyrillic and Greek letters that look like a Latin one.
_LOOKALIKES = str.maketrans(
    "АВЕЅІЈКМНОРСТУХаеѕіјорсухһԛԝΑΒΕΖΗΙΚΜΝΟΡΤΥΧοαικνρυχγ",
    "ABESIJKMHOPCTYXaesijopcyxhqwABEZHIKMNOPTYXoaikvpuxy",
)
_CYRILLIC_LOOKALIKES = str.maketrans("ABEKMHOPCTYXaeopcyxi", "АВЕКМНОРСТУХаеорсухі")
_NOT_LATIN = re.compile(r"[\u0370-\u052f]")

_ARABIC = {
    "ا": "a", "أ": "a", "إ": "i", "آ": "a", "ٱ": "a", "ع": "a", "ى": "a", "ة": "a", "ئ": "i", "ؤ": "u", "ء": "",
    "ب": "b", "پ": "p", "ت": "t", "ث": "s", "ج": "j", "چ": "ch", "ح": "h", "خ": "kh", "د": "d", "ذ": "z", "ر": "r",
    "ز": "z", "ژ": "zh", "س": "s", "ش": "sh", "ص": "s", "ض": "z", "ط": "t", "ظ": "z", "غ": "gh", "ف": "f", "ق": "q",
    "ک": "k", "ك": "k", "گ": "g", "ل": "l", "م": "m", "ن": "n", "ه": "h", "ہ": "h", "ھ": "h",
}  # fmt: skip
_ARABIC_ONLY = {"ث": "th", "ض": "d"}
_HALF_VOWELS = {"و": ("v", "u"), "ی": ("y", "i"), "ي": ("y", "i"), "ے": ("y", "e")}
# Spaces, control characters, pictures, and what no script has.
_NOT_TEXT = ("Zs", "Zl", "Zp", "Cc", "So", "Cn", "Co", "Cs")
_VOWELS = ("a", "e", "i", "o", "u")

_GREEK = (
    (r"ου", "ou"), (r"\bμπ", "b"), (r"μπ", "mp"), (r"\bντ", "d"), (r"ντ", "nt"), (r"γ[γκ]", "ng"), (r"γχ", "nch"),
    (r"([αε])υ(?=[θκξπστφχψ])", r"\1f"), (r"([αε])υ", r"\1v"), (r"υ", "y"), (r"β", "v"), (r"χ", "ch"), (r"η", "i"),
)  # fmt: skip

_SMALL = {"ャ": "a", "ュ": "u", "ョ": "o", "ァ": "a", "ィ": "i", "ゥ": "u", "ェ": "e", "ォ": "o"}


def cleaned(text: str) -> str:
    """The text without what cannot be seen, full-width letters narrow, spaces single, each word in one alphabet."""
    kept = "".join(
        " " if unicodedata.category(letter) in _NOT_TEXT else letter
        for letter in unicodedata.normalize("NFKC", text)
        if unicodedata.category(letter) != "Cf" and letter != "ـ"
    )
    return " ".join(_in_one_alphabet(word) for word in kept.split())


def _in_one_alphabet(word: str) -> str:
    """A word of Latin letters and look-alikes from another alphabet in the one in which all of it can be written."""
    if not re.search(r"[A-Za-z]", word) or not _NOT_LATIN.search(word):
        return word
    latin = word.translate(_LOOKALIKES)
    if not _NOT_LATIN.search(latin):
        return latin
    cyrillic = word.translate(_CYRILLIC_LOOKALIKES)
    return word if re.search(r"[A-Za-z]", cyrillic) else cyrillic


def plain(text: str) -> str:
    """The text in lower-case ASCII, letter by letter."""
    if re.search(r"[\u0600-\u06ff]", text):
        text = " ".join(arabic(word) for word in text.split())
    if re.search(r"[\u0370-\u03ff]", text):
        text = greek(text)
    return " ".join(anyascii(text).lower().split())


def arabic(word: str) -> str:
    """A word in Arabic letters: consonants and the vowels that are written; Persian readings unless it is Arabic."""
    word = "".join(letter for letter in word if unicodedata.category(letter) != "Mn").replace("الله", "اللاه")
    letters = _ARABIC | _ARABIC_ONLY if re.search("^ال|[ةأإى]", word) else _ARABIC
    start = 2 if word.startswith("ال") and len(word) > 4 else 0
    latin = ""
    for at in reversed(range(len(word))):
        letter = word[at]
        if letter in _HALF_VOWELS:
            # A consonant at the start and before a vowel, else a vowel: Vahid, Mousavi.
            consonant, vowel = _HALF_VOWELS[letter]
            sound = consonant if at in (0, start) or latin[:1] in _VOWELS else vowel
        else:
            sound = letters.get(letter, letter)
        # An h of its own is no part of sh or kh, and at the end follows a vowel: Zahra, Fatemeh.
        is_lone_h = latin.startswith("h") and sound[-1:] not in ("", *_VOWELS) and (sound in "cdgkpstz" or latin == "h")
        latin = sound + ("e" if is_lone_h else "") + latin
    return latin


def greek(text: str) -> str:
    """Greek letters whose sound depends on their neighbours in Latin; the others as they are."""
    text = "".join(
        letter for letter in unicodedata.normalize("NFD", text.lower()) if unicodedata.category(letter) != "Mn"
    )
    for pattern, sound in _GREEK:
        text = re.sub(pattern, sound, text)
    return text


def kana(text: str) -> str:
    """Hiragana and katakana as Hepburn has them, without marks for long vowels."""
    text = "".join(chr(ord(letter) + 0x60) if "ぁ" <= letter <= "ゖ" else letter for letter in text)
    latin = ""
    for letter in text:
        if letter in _SMALL and latin:
            latin = _joined(latin, _SMALL[letter], is_y=letter in "ャュョ")
        elif letter not in "ッー":
            sound = "ga" if letter == "ヶ" else plain(letter)
            doubled = {"c": "t"}.get(sound[:1], sound[:1]) if latin.endswith("-") else ""
            latin = latin.removesuffix("-") + doubled + sound
        elif letter == "ッ":
            latin += "-"
    return re.sub("uu", "u", re.sub(r"o+u(?!e)|oo", "o", latin.removesuffix("-")))


def _joined(latin: str, vowel: str, is_y: bool) -> str:
    """A syllable with a small vowel after it: ki and ya are kya, shi and ya are sha, fu and a are fa."""
    before = latin[:-1]
    if is_y:
        return before + ("" if before.endswith(("sh", "ch", "j")) else "y") + vowel
    return (before + "w" if before[-1:] in ("", "a", "e", "i", "o", "u") else before) + vowel
