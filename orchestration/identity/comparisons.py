"""What is compared, field by field: levels of agreement, how usual each is for one person, a household and strangers.

Levels follow Fellegi and Sunter (1969) as Splink has them. Probabilities here are what people data usually looks like;
training replaces them, and a level too rare to train keeps them.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splink.internals.comparison_creator import ComparisonCreator

# How a household's share of a level is known: as among strangers, or a guess from which training starts.
STRANGERS = None


@dataclass(frozen=True)
class Level:
    """One level of agreement: SQL condition over `<column>_l` and `<column>_r` (None: everything else).

    `m` and `u` are the shares of pairs of one person, and of strangers, at this level; `household` that of two people
    of one household (`STRANGERS`: as `u`). `frequency` is the column whose rare values say more than common ones. A
    neutral level follows from what other fields say, and weighs nothing.
    """

    condition: str | None
    label: str
    m: float
    u: float
    household: float | None = STRANGERS
    frequency: str | None = None
    is_neutral: bool = False


@dataclass(frozen=True)
class Field:
    """A compared field: the columns it needs, when it is missing, its levels from the strongest to the rest.

    `is_personal` fields tell people of one household apart.
    """

    name: str
    columns: tuple[str, ...]
    missing: str
    levels: tuple[Level, ...]
    is_personal: bool = False


# Edits are characters changed, lost, more, or swapped with a neighbour. Two of them leave a third of nine characters as
# it is; to see that costs a fraction of counting edits.
_EDITS = (
    "(length({0}_l) < 9 or left({0}_l, 3) = left({0}_r, 3) or right({0}_l, 3) = right({0}_r, 3) "
    "or contains({0}_r, substr({0}_l, 4, 3))) and damerau_levenshtein({0}_l, {0}_r) <= {1}"
)
# Names so near begin or end alike.
_SWAPPED = (
    "((left(first_name_l, 1) = left(last_name_r, 1) or left(last_name_l, 1) = left(first_name_r, 1)) "
    "and (jaro_winkler_similarity(first_name_l, last_name_r) >= 0.9 and jaro_winkler_similarity(last_name_l, "
    "first_name_r) >= 0.8 "
    "or jaro_winkler_similarity(first_name_l, last_name_r) >= 0.8 and jaro_winkler_similarity(last_name_l, "
    "first_name_r) >= 0.9) "
    "or first_sound_l = last_sound_r and last_sound_l = first_sound_r and length(first_sound_l) > 1) "
    "and first_name_l <> first_name_r"
)
_TYPED = (
    "(left(first_name_l, 1) = left(first_name_r, 1) or right(first_name_l, 1) = right(first_name_r, 1)) "
    "and (damerau_levenshtein(first_name_l, first_name_r) <= 1 "
    "or (damerau_levenshtein(first_name_l, first_name_r) <= 2 and jaro_winkler_similarity(first_name_l, "
    "first_name_r) >= 0.85))"
)
_SHORT = (
    "length(least(first_name_l, first_name_r)) >= 3 and first_name_l <> first_name_r "
    "and (starts_with(first_name_l, first_name_r) or starts_with(first_name_r, first_name_l))"
)
_INITIAL = (
    "(length({0}_l) = 1 or length({0}_r) = 1 or length(least({0}_l, {0}_r)) >= 2) "
    "and (starts_with({0}_l, {0}_r) or starts_with({0}_r, {0}_l))"
)
# The first letters of one name's words begin the other, a short word: IBC, International Bearing (Company).
_ACRONYM = (
    "(length(organisation_{0}) between 2 and 6 and contains(organisation_{1}, ' ') and starts_with(organisation_{0}, "
    "array_to_string(list_transform(string_split(organisation_{1}, ' '), lambda w: left(w, 1)), '')))"
)


def _either_null(*columns: str) -> str:
    return " or ".join(f"{column}_l is null or {column}_r is null" for column in columns)


_FIELDS = (
    Field(
        "first_name",
        ("first_name",),
        _either_null("first_name"),
        (
            Level(
                "first_name_l = first_name_r and length(first_name_l) > 1", "equal", 0.80, 0.005, frequency="name_key",
            ),
            Level("list_has_any(first_forms_l, first_forms_r)", "nickname", 0.05, 0.002),
            Level(_SHORT, "short form", 0.02, 0.0015),
            Level(_SWAPPED, "names swapped", 0.01, 1e-5, frequency="both_names"),
            Level("first_name_l = middle_name_r or middle_name_l = first_name_r", "middle name", 0.01, 0.001),
            Level(f"{_TYPED} and not (is_known_first_l and is_known_first_r)", "typing error", 0.04, 0.001),
            Level("first_sound_l = first_sound_r and length(first_sound_l) > 1", "same sound", 0.03, 0.003),
            Level(_TYPED, "other name that is close", 0.005, 0.002),
            Level(_INITIAL.format("first_name"), "initial", 0.03, 0.006),
            Level(
                "not (is_known_first_l and is_known_first_r) and jaro_winkler_similarity(first_name_l, first_name_r)"
                " >= 0.75",
                "similar", 0.02, 0.05,
            ),
            Level("is_known_first_l and is_known_first_r", "another name", 0.004, 0.7),
            Level(None, "different", 0.02, 0.27),
        ),
        is_personal=True,
    ),
    Field(
        "middle_name",
        ("middle_name",),
        f"{_either_null('middle_name')} or first_name_l = middle_name_r or middle_name_l = first_name_r",
        (
            Level("middle_name_l = middle_name_r and length(middle_name_l) > 1", "equal", 0.5, 0.01),
            Level("left(middle_name_l, 1) = left(middle_name_r, 1)", "same initial", 0.4, 0.08),
            Level(None, "different", 0.1, 0.91),
        ),
        is_personal=True,
    ),
    Field(
        "last_name",
        ("last_name",),
        f"{_either_null('last_name')} or {_SWAPPED}",
        (
            Level("last_name_l = last_name_r", "equal", 0.85, 0.003, 0.75, "last_name"),
            Level("jaro_winkler_similarity(last_name_l, last_name_r) >= 0.92", "near", 0.05, 0.002, 0.05),
            Level("last_sound_l = last_sound_r and length(last_sound_l) > 1", "same sound", 0.03, 0.003, 0.02),
            Level(_INITIAL.format("last_name"), "initial or part", 0.01, 0.002, 0.01),
            Level(
                "list_contains(name_words_l, last_name_r) or list_contains(name_words_r, last_name_l)",
                "among the other's names", 0.01, 0.004, 0.03,
            ),
            Level("jaro_winkler_similarity(last_name_l, last_name_r) >= 0.82", "similar", 0.03, 0.01, 0.01),
            Level("jaro_winkler_similarity(last_name_l, last_name_r) >= 0.7", "alike", 0.01, 0.05, 0.02),
            Level(None, "different", 0.05, 0.93, 0.13),
        ),
    ),
    Field(
        "birth_date",
        ("birth_date",),
        _either_null("birth_date"),
        (
            Level("birth_date_l = birth_date_r", "equal", 0.85, 5e-5, 0.02, "birth_date"),
            Level(
                "birth_date_l = birth_date_swapped_r or birth_date_swapped_l = birth_date_r",
                "day and month swapped", 0.03, 2e-5,
            ),
            Level(_EDITS.format("birth_date", 1), "one edit", 0.07, 0.001),
            Level(
                "left(birth_date_l, 4) = left(birth_date_r, 4) "
                "and (length(birth_date_l) = 4 or length(birth_date_r) = 4)",
                "same year, day unknown", 0.02, 0.015,
            ),
            Level("substr(birth_date_l, 6) = substr(birth_date_r, 6)", "same day, other year", 0.01, 0.003),
            Level(_EDITS.format("birth_date", 2), "two edits", 0.02, 0.02),
            Level("left(birth_date_l, 4) = left(birth_date_r, 4)", "same year", 0.02, 0.015),
            Level(
                "abs(try_cast(left(birth_date_l, 4) as integer) - try_cast(left(birth_date_r, 4) as integer)) <= 10",
                "within ten years", 0.01, 0.25,
            ),
            Level(None, "different", 0.005, 0.7),
        ),
        is_personal=True,
    ),
    Field(
        "email",
        ("email",),
        _either_null("email"),
        (
            Level("email_l = email_r", "equal", 0.70, 5e-5, 0.15, "email"),
            Level("email_user_l = email_user_r", "same user part", 0.06, 5e-5, 0.01, "email_user"),
            # Addresses are made of names, so near ones say little; a typing error leaves the digits and the domain.
            Level(
                "email_digits_l = email_digits_r and email_domain_l = email_domain_r "
                "and damerau_levenshtein(email_l, email_r) <= 2",
                "typing error", 0.04, 5e-5, 0.001,
            ),
            Level(
                "jaro_winkler_similarity(email_user_l, email_user_r) >= 0.9", "similar user part", 0.04, 0.04,
                is_neutral=True,
            ),
            # A common provider says nothing, which its frequency knows; a company's domain does.
            Level("email_domain_l = email_domain_r", "same domain", 0.06, 0.15, 0.2, "email_domain"),
            Level(None, "different", 0.10, 0.85, 0.619),
        ),
    ),
    Field(
        "phone",
        ("phone",),
        _either_null("phone"),
        (
            Level("phone_l = phone_r", "equal", 0.70, 5e-5, 0.35, "phone"),
            Level("right(phone_l, 7) = right(phone_r, 7)", "same without area code", 0.02, 1e-5, 0.005),
            Level(_EDITS.format("phone", 1), "one edit", 0.05, 2e-4, 0.03),
            Level(_EDITS.format("phone", 2), "two edits", 0.01, 5e-4, 0.01),
            Level(None, "different", 0.22, 0.999, 0.625),
        ),
    ),
    Field(
        "street",
        ("street",),
        _either_null("street"),
        (
            Level("street_l = street_r", "equal", 0.60, 0.0005, 0.75, "street"),
            Level(
                "house_number_l = house_number_r and jaro_winkler_similarity(street_l, street_r) >= 0.88",
                "near, same number", 0.12, 0.0002, 0.1,
            ),
            Level("jaro_winkler_similarity(street_l, street_r) >= 0.92", "near", 0.08, 0.002, 0.05),
            Level("jaro_winkler_similarity(street_l, street_r) >= 0.8", "similar", 0.05, 0.02, 0.03),
            Level(None, "different", 0.15, 0.98, 0.07),
        ),
    ),
    # Postal code, city and state say the same thing thrice, so they are one comparison.
    Field(
        "locality",
        ("postal_code", "city", "state"),
        "(postal_code_l is null or postal_code_r is null) and (city_l is null or city_r is null) "
        "and (state_l is null or state_r is null)",
        (
            Level("postal_code_l = postal_code_r", "same postal code", 0.65, 0.003, 0.9, "postal_code"),
            Level(
                "city_l = city_r and damerau_levenshtein(postal_code_l, postal_code_r) <= 1",
                "same city, postal code near", 0.04, 0.0005, 0.02,
            ),
            Level("place_l = place_r", "same city and state", 0.1, 0.02, 0.03, "place"),
            Level("city_l = city_r", "same city", 0.05, 0.02, 0.01, "city"),
            Level("damerau_levenshtein(postal_code_l, postal_code_r) <= 1", "postal code near", 0.03, 0.002, 0.01),
            Level("jaro_winkler_similarity(city_l, city_r) >= 0.88", "city near", 0.04, 0.02, 0.01),
            Level("postal_sector_l = postal_sector_r", "same postal sector", 0.02, 0.005, 0.005),
            Level("postal_district_l = postal_district_r", "same postal district", 0.02, 0.01, 0.005),
            Level("left(postal_code_l, 2) = left(postal_code_r, 2)", "same postal area", 0.02, 0.05, 0.005),
            Level("state_l = state_r", "same state", 0.04, 0.1, 0.005, "state"),
            Level(None, "different", 0.10, 0.8, 0.01),
        ),
    ),
    # Where one record gives a phone and the other an address, the area code of one can still agree with the city of
    # the other.
    Field(
        "area",
        ("area_code",),
        f"{_either_null('area_code')} or (phone_l is not null and phone_r is not null) "
        "or (city_l is not null and city_r is not null)",
        (
            Level("area_code_l = area_code_r", "same area", 0.70, 0.02, 0.8, "area_code"),
            Level(None, "different", 0.30, 0.98, 0.2),
        ),
    ),
    # A birth year in an e-mail, against the other record's birth date or e-mail; only where dates cannot be compared.
    Field(
        "email_year",
        ("email_year",),
        "(birth_date_l is not null and birth_date_r is not null) or email_l = email_r "
        "or coalesce(email_year_l, substr(birth_date_l, 3, 2)) is null "
        "or coalesce(email_year_r, substr(birth_date_r, 3, 2)) is null "
        "or (email_year_l is null and email_year_r is null)",
        (
            Level(
                "coalesce(substr(birth_date_l, 3, 2), email_year_l) = coalesce(substr(birth_date_r, 3, 2), "
                "email_year_r)",
                "same year", 0.40, 0.015,
            ),
            Level(None, "different", 0.60, 0.985),
        ),
    ),
    Field(
        "gender",
        ("gender",),
        _either_null("gender"),
        (Level("gender_l = gender_r", "equal", 0.98, 0.5), Level(None, "different", 0.02, 0.5)),
        is_personal=True,
    ),
    Field(
        "national_id",
        ("national_id",),
        _either_null("national_id"),
        (
            Level("national_id_l = national_id_r", "equal", 0.90, 1e-5, frequency="national_id"),
            # Brothers and sisters were registered together.
            Level(_EDITS.format("national_id", 1), "one edit", 0.05, 1e-5, 0.03),
            Level(_EDITS.format("national_id", 2), "two edits", 0.02, 0.0005, 0.02),
            Level(None, "different", 0.003, 0.999),
        ),
        is_personal=True,
    ),
    Field(
        "organisation",
        ("organisation",),
        _either_null("organisation"),
        (
            Level("organisation_l = organisation_r", "equal", 0.75, 0.001, frequency="organisation"),
            Level(f"{_ACRONYM.format('l', 'r')} or {_ACRONYM.format('r', 'l')}", "acronym", 0.04, 0.0005),
            Level(
                "damerau_levenshtein(organisation_l, organisation_r) <= 2 and length(organisation_l) >= 8",
                "typing error", 0.08, 0.0005,
            ),
            Level(
                "starts_with(organisation_l, organisation_r) or starts_with(organisation_r, organisation_l)",
                "beginning", 0.06, 0.003,
            ),
            Level("jaro_winkler_similarity(organisation_l, organisation_r) >= 0.92", "near", 0.03, 0.004),
            Level("jaro_winkler_similarity(organisation_l, organisation_r) >= 0.85", "similar", 0.02, 0.01),
            Level(None, "different", 0.02, 0.98),
        ),
        is_personal=True,
    ),
    *(
        Field(
            name,
            (name,),
            _either_null(name),
            (
                Level(f"{name}_l = {name}_r", "equal", 0.7, 0.02, frequency=name),
                Level(f"jaro_winkler_similarity({name}_l, {name}_r) >= 0.9", "near", 0.1, 0.01),
                Level(None, "different", 0.2, 0.97),
            ),
        )
        for name in ("company", "job_title", "occupation", "birth_place", "country")
    ),
)  # fmt: skip


def _plain(name: str) -> Field:
    """A column of which nothing is known but that it was given."""
    return Field(
        name,
        (name,),
        _either_null(name),
        (
            Level(f"{name}_l = {name}_r", "equal", 0.7, 0.01, frequency=name),
            Level(f"jaro_winkler_similarity({name}_l, {name}_r) >= 0.9", "near", 0.1, 0.01),
            Level(None, "different", 0.2, 0.98),
        ),
    )


def fields(columns: list[str]) -> list[Field]:
    """The fields that can be compared where records have values in `columns`."""
    known = [field for field in _FIELDS if set(field.columns) & set(columns)]
    return known + [_plain(column) for column in columns if column.startswith("other_")]


def every_field() -> tuple[Field, ...]:
    """All fields but plain ones, whatever columns are filled."""
    return _FIELDS


def frequency_columns(compared: list[Field]) -> dict[str, float]:
    """Columns whose values' frequencies the fields need, with the share of strangers who usually agree on them."""
    return {level.frequency: level.u for field in compared for level in field.levels if level.frequency}


def creators(compared: list[Field]) -> list["ComparisonCreator"]:
    """The fields as Splink takes them; fresh at each call, because Splink configures comparisons in place."""
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl

    made = []
    for field in compared:
        levels = [cll.CustomLevel(field.missing, label_for_charts="missing").configure(is_null_level=True)]
        for level in field.levels:
            built = (
                cll.ElseLevel()
                if level.condition is None
                else cll.CustomLevel(level.condition, label_for_charts=level.label)
            )
            built.configure(m_probability=level.m, u_probability=level.u, label_for_charts=level.label)
            if level.frequency:
                built.configure(tf_adjustment_column=level.frequency, disable_tf_exact_match_detection=True)
            levels.append(built)
        made.append(cl.CustomComparison(output_column_name=field.name, comparison_levels=levels))
    return made
