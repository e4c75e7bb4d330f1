"""What one column of a table may be, from its name and its values; which columns get a role is in `assignment`.

Nothing is read or changed here: names come with `read`, counts of values with `facts`.
"""

import re
import unicodedata
from dataclasses import dataclass, replace

from orchestration.identity.any_table import column_names as words
from orchestration.identity.any_table.facts import Facts
from orchestration.warehouse.files import Column

_ROLE_OF_WORD = {word: role for role, usual in words.USUAL.items() for word in usual.split()}
# Where no whole name fits: parts of one that still tell, the surest first.
_PARTS = {
    "email": r"email|courriel",
    "phone": r"phone|mobil|telef|^tel|cellular",
    "birth_date": r"birth.*(date|day|dt|year)|date.*birth|dob|geburtsd|naissance|nacimiento|nascita",
    "birth_place": r"birth.*(place|city|town)",
    "postal_code": r"postcode|postal|zip|^plz",
    "first_name": r"firstname|givenname|forename|vorname|fname$|namefirst",
    "middle_name": r"middlename|namemiddle",
    "last_name": r"lastname|surname|familyname|nachname|lname$|namelast",
    "full_name": r"fullname|namefull",
    "gender": r"gender|^sex|sex$",
    "national_id": r"ssn|socialsec|passport|taxid|nationalid|driver.*licen[cs]e",
    "country": r"^(?!.*birth).*country",
    "city": r"^(?!.*birth).*((?<!ethni)city|town|suburb)",
    "street": r"street|address|strasse",
    "company_name": r"company|organi[sz]ation",
    "job_title": r"jobtitle",
    "occupation": r"occupation|profession",
}
_OF_WORDS = frozenset(
    ("first_name", "middle_name", "last_name", "full_name", "city", "company_name", "job_title", "occupation")
)
# What values say of a column whose name says nothing, the surest first.
_BY_VALUES = (
    ("email", "e-mail addresses", lambda f: f["email"] > 0.7),
    ("national_id", "written like social security numbers", lambda f: f["ssn"] > 0.7),
    ("birth_date", "dates of many years", lambda f: f["date"] > 0.8 and f["old_year"] > 0.5 and f["time"] < 0.1),
    ("postal_code", "written like postal codes", lambda f: f["postal"] > 0.8 and not f["is_unique"]),
    ("phone", "written like phone numbers", lambda f: f["phone"] > 0.7 and f["phone_marked"] > 0.3),
    ("gender", "few values, all of them genders", lambda f: f["gender"] > 0.9 and 2 <= f["distinct"] <= 12),
    ("state", "codes of states", lambda f: f["state"] > 0.9 and f["distinct"] > 4),
    ("street", "numbers and street names", lambda f: f["street"] > 0.6 and f["distinct"] > 8),
    ("full_name", "usual first names, then more", lambda f: f["first_name"] > 0.15 and f["spaced"] > 0.8),
    ("first_name", "usual first names", lambda f: f["first_name"] > 0.25 and f["words"] > 0.9 and f["spaced"] < 0.3),
)
_KEYS = frozenset(("id", "ids", "key", "uuid", "guid", "no", "nr", "num", "number", "identifier"))
_KEY_ENDS = ("nummer", "nr", "uuid", "guid", "userid", "customerid", "clientid", "memberid", "kundenid", "personid")


@dataclass(frozen=True)
class Guess:
    """What one column is taken for (`role` is null when it is left out), and why.

    `sureness` grows with the fit of the name; `part` says which part of a street it is.
    """

    column: Column
    role: str | None
    why: str
    share_filled: float
    sureness: int = 0
    part: str = ""

    def left_out(self, why: str) -> "Guess":
        return replace(self, role=None, why=f"left out: {why}", sureness=0, part="")


def tokens(name: str) -> list[str]:
    """The words of a column's name: lower case, without accents, parted at capitals, digits and signs."""
    plain = unicodedata.normalize("NFKD", name.replace("ß", "ss").replace("ø", "o").replace("Ø", "O"))
    plain = "".join(letter for letter in plain if not unicodedata.combining(letter))
    spaced = re.sub(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|(?<=[A-Za-z]{2})(?=\d)", " ", plain)
    return [word for word in re.split(r"[^a-z0-9]+", spaced.lower()) if word]


def is_answer(name: str) -> bool:
    """Whether a column of this name is likely to say already who is who."""
    return re.fullmatch(words.ANSWERS, "_".join(tokens(name))) is not None


def is_id(name: str) -> bool:
    """Whether a column of this name holds somebody's keys."""
    said = tokens(name)
    return bool(set(said[-1:]) & _KEYS) or "".join(said).endswith(_KEY_ENDS)


def by_name(column: Column, facts: Facts) -> Guess:
    """What the name says, unless the values speak against it; role and reason are empty when it says nothing.

    The roles `name` and `title` stand for a name that may mean several things.
    """
    guess, said = Guess(column, None, "", facts["share_filled"]), tokens(column.name)
    if not facts["filled"]:
        return guess.left_out("no value in any row")
    word, sureness = _known_word(said)
    if is_answer(column.name) and sureness < 3:
        return guess.left_out("looks like a known answer")
    if word in words.SALUTATION:
        return guess.left_out("a form of address")
    if word in words.NAME | words.TITLE:
        return replace(guess, role="name" if word in words.NAME else "title", sureness=sureness)
    role = _ROLE_OF_WORD.get(word)
    if role is None and not set(said) & (words.OTHERS | words.HANDLING | words.MOMENTS):
        role = next((role for role, part in _PARTS.items() if re.search(part, "".join(said))), None)
    if role in (None, "record_id") or _is_against(role, facts):
        return guess
    part = role if role in ("house_number", "street", "street_more") else ""
    return replace(guess, role="street" if part else role, why="by its name", sureness=sureness, part=part)


def _known_word(said: list[str]) -> tuple[str, int]:
    """The longest run of words that is a usual name when only qualifiers are dropped, and how sure that is."""
    ambiguous = words.NAME | words.TITLE | words.SALUTATION
    for length in range(len(said), 0, -1):
        for start in range(len(said) - length + 1):
            word = "".join(said[start : start + length])
            dropped = said[:start] + said[start + length :]
            if (word in _ROLE_OF_WORD or word in ambiguous) and set(dropped) <= words.QUALIFIERS:
                return word, 2 if dropped else 3
    return "", 1


def _is_against(role: str, facts: Facts) -> bool:
    """Whether the values cannot be what the name suggests."""
    if role in _OF_WORDS:
        return facts["number"] > 0.5
    against = {
        "email": facts["at_sign"] < 0.3,
        "phone": facts["digits_5"] < 0.5 or facts["at_sign"] > 0.3,
        "birth_date": facts["date"] + facts["year"] < 0.4,
        "gender": facts["distinct"] > 20,
        "postal_code": facts["has_digit"] < 0.5,
        "house_number": facts["has_digit"] < 0.3,
        "street": max(facts["spaced"], facts["street"]) < 0.2,
        "name_suffix": facts["distinct"] > 200,
        "source": facts["distinct"] > max(50, facts["rows"] // 50) or facts["share_filled"] < 0.5,
    }
    return against.get(role, False)


def by_values(guess: Guess, facts: Facts, taken: set[str]) -> Guess:
    """What the values say of a column whose name says nothing, among the roles that no name has `taken`."""
    said = set(tokens(guess.column.name))
    if said & (words.HANDLING | words.MOMENTS):
        return guess
    for role, why, holds in _BY_VALUES:
        if (role not in taken or role == "email") and holds(facts):
            return replace(guess, role=role, why=f"by its values: {why}", part="street" if role == "street" else "")
    return guess
