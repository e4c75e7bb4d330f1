"""Who somebody is to an ad platform: each identifier in the one form that is hashed, and its SHA-256.

Hashed at the moment of sending and kept nowhere. What a platform calls an identifier is known in its module.
"""

import hashlib
import re
from collections.abc import Callable

# A payload may have these; which of them a platform takes is its business.
_PHONE = re.compile(r"\+\D*(\d[\d\s().-]{5,})")
_DOTLESS = ("gmail.com", "googlemail.com")


def digest(text: str) -> str:
    """SHA-256 as platforms want it: hexadecimal, lower case."""
    return hashlib.sha256(text.encode()).hexdigest()


def email(text: str) -> str | None:
    """Lower case without spaces; what is no address is nobody's."""
    plain = "".join(text.lower().split())
    name, _, domain = plain.rpartition("@")
    return plain if name and "." in domain else None


def email_without_dots(text: str) -> str | None:
    """The same, without dots before the domain where the mailbox does not heed them: Gmail alone."""
    plain = email(text)
    name, _, domain = (plain or "").rpartition("@")
    return f"{name.replace('.', '')}@{domain}" if domain in _DOTLESS else plain


def phone(text: str) -> str | None:
    """Digits with the country's, without the plus; a number without country could be anybody's."""
    found = _PHONE.fullmatch(text.strip())
    digits = re.sub(r"\D", "", found[1]) if found else ""
    return digits if 7 <= len(digits) <= 15 else None


def phone_with_plus(text: str) -> str | None:
    """The same as E.164 writes it."""
    digits = phone(text)
    return f"+{digits}" if digits else None


def letters(text: str) -> str | None:
    """Letters only, in lower case."""
    return "".join(one for one in text.lower() if one.isalpha()) or None


def trimmed(text: str) -> str | None:
    """Lower case without spaces around."""
    return text.strip().lower() or None


def postal_code(text: str) -> str | None:
    """Lower case without spaces; of a long code of the USA the first five digits."""
    plain = "".join(text.lower().split())
    return plain[:5] if re.fullmatch(r"\d{5}-\d{4}", plain) else plain or None


def country(text: str) -> str | None:
    """Two letters in lower case, else nothing."""
    plain = text.strip().lower()
    return plain if re.fullmatch("[a-z]{2}", plain) else None


def gender(text: str) -> str | None:
    """`f` or `m`, else nothing."""
    first = text.strip().lower()[:1]
    return first if first in ("f", "m") else None


def part_of_date(first: int, last: int) -> Callable[[str], str | None]:
    """The characters of an ISO date from `first` to before `last`."""
    return lambda text: text[first:last] if re.match(r"\d{4}-\d{2}-\d{2}", text) else None
