"""The linkage model: what is compared, what makes a pair a candidate, how sure is sure.

Only the model: no connection, no training, no clustering. A change here that changes scores needs a new `VERSION`.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from splink.internals.comparison_creator import ComparisonCreator

VERSION = "1"

# Weights are log2 odds that two records are one person.
# Records are in one component if a chain of pairs at or above this weight joins them; the linkage decides inside it.
COMPONENT_MATCH_WEIGHT = -2.0
# Two groups of records join while the mean of their clipped pair weights is at least this.
JOIN_MEAN_WEIGHT = -1.0
# Fields are dependent, so sums of weights are over-confident: a mean of them means something only when clipped.
CLIP_LOW_WEIGHT = -2.0
CLIP_HIGH_WEIGHT = 8.0
# The most that a pair weighs which agrees on what a household shares and on nothing of a person's own.
HOUSEHOLD_MATCH_WEIGHT = -2.5
# What a pair counts that cannot be one person, whatever else agrees.
VETO_WEIGHT = -30.0

# An identifier that more records share is a terminal, a shared inbox or a placeholder, not a person.
MAX_RECORDS_PER_IDENTIFIER = 50
# Components above this size are not completed with every missing pair: a bridge made them, not a person.
MAX_COMPLETED_COMPONENT = 400

# Training: pairs sampled for chance agreement, and pairs a session of expectation maximisation looks at.
MAX_TRAINING_PAIRS = 500_000
# Below this the probabilities of `comparisons` know more than the records do.
MIN_TRAINING_RECORDS = 400
# How far training may move a probability from what people data usually looks like.
MAX_TRAINED_FACTOR = 20.0
# A guess of the share of true pairs that agree on name and on birth date, e-mail or phone; it sets the prior only.
DETERMINISTIC_RECALL = 0.6

# Identifier types that name one person in the system that gave them. E-mail, phone and payment card are shared by
# families: they are evidence inside a pair's score, never links of their own.
IDENTIFIER_TYPES = ("user_id", "loyalty_number", "crm_id", "subscriber_id", "account_id", "helpdesk_id", "partner_id")
# Browsers and devices: they join the one person who signed in, and never join two people with each other.
DEVICE_TYPES = ("anonymous_id", "device_id")

# name -> key, as SQL over the compared columns of `records`; null never blocks. A key that more records share than the
# number says nothing (a default birth date, a company's switchboard) and costs their square: it is skipped and
# reported.
BLOCKING_KEYS = {
    "email": ("email", 100),
    "phone": ("phone", 100),
    "email user part": ("case when length(email_user) >= 6 then email_user end", 30),
    "birth date": ("birth_date", 20),
    "birth date, last name": ("birth_date || '|' || last_name", 100),
    "birth date, first name": ("birth_date || '|' || first_root", 100),
    "birth date, postal code": ("birth_date || '|' || postal_code", 100),
    "both names in any order": ("name_pair", 60),
    "both names in any order, birth year": ("name_pair || '|' || left(birth_date, 4)", 100),
    "both names in any order, postal code": ("name_pair || '|' || postal_code", 100),
    "both names in any order, city": ("name_pair || '|' || city", 100),
    "both names in any order, area": ("name_pair || '|' || area_code", 100),
    "name beginnings, area": ("left(first_root, 3) || '|' || left(last_name, 3) || '|' || area_code", 30),
    "name beginnings, birth year": (
        "left(first_root, 3) || '|' || left(last_name, 3) || '|' || left(birth_date, 4)",
        60,
    ),
    "first name, street": ("first_root || '|' || street", 60),
    "last name, street": ("last_name || '|' || street", 60),
    "last name, postal code": ("last_name || '|' || postal_code", 60),
    "street": ("street", 20),
}

# Who is surely the same: used for the prior only, never as a link.
PRIOR_KEYS = {
    "names and birth date": "first_name || '|' || last_name || '|' || birth_date",
    "names and email": "first_name || '|' || last_name || '|' || email",
    "names and phone": "first_name || '|' || last_name || '|' || phone",
}

# Columns whose rare values say more than common ones.
FREQUENCY_COLUMNS = (
    "last_name", "birth_date", "email", "email_user", "email_domain", "phone", "street", "postal_code", "city",
    "area_code",
)  # fmt: skip

# Splink trains a comparison in each session that does not block on its columns.
TRAINING_BLOCKS = (
    ("email",),
    ("phone",),
    ("birth_date", "postal_code"),
    ("birth_date", "last_name"),
    ("first_name", "last_name"),
)

# One edit, or two neighbours swapped.
_ONE_EDIT = "damerau_levenshtein({0}_l, {0}_r) <= 1"
_SWAPPED = (
    "(jaro_winkler_similarity(first_name_l, last_name_r) >= 0.9 and jaro_winkler_similarity(last_name_l, "
    "first_name_r) >= 0.8 "
    "or jaro_winkler_similarity(first_name_l, last_name_r) >= 0.8 and jaro_winkler_similarity(last_name_l, "
    "first_name_r) >= 0.9) "
    "and first_name_l <> first_name_r"
)
_TYPED = (
    "(damerau_levenshtein(first_name_l, first_name_r) <= 1 "
    "or (damerau_levenshtein(first_name_l, first_name_r) <= 2 and jaro_winkler_similarity(first_name_l, "
    "first_name_r) >= 0.85))"
)
_INITIAL = (
    "(length({0}_l) = 1 or length({0}_r) = 1 or length(least({0}_l, {0}_r)) >= 3) "
    "and (starts_with({0}_l, {0}_r) or starts_with({0}_r, {0}_l))"
)


def _comparison(name: str, *levels: tuple) -> "ComparisonCreator":
    """One field: the condition of its null level, then levels `(condition, label, m, u, term-frequency column)`.

    m and u are what people data looks like; training replaces them, and a level too rare to train keeps them.
    """
    import splink.comparison_level_library as cll
    import splink.comparison_library as cl

    null_condition, *compared = levels
    built = [cll.CustomLevel(null_condition, label_for_charts="missing").configure(is_null_level=True)]
    for condition, label, m, u, term_column in compared:
        level = cll.ElseLevel() if condition is None else cll.CustomLevel(condition, label_for_charts=label)
        level.configure(m_probability=m, u_probability=u, label_for_charts=label)
        if term_column:
            level.configure(
                tf_adjustment_column=term_column,
                disable_tf_exact_match_detection=True,
            )
        built.append(level)
    return cl.CustomComparison(output_column_name=name, comparison_levels=built)


def comparisons() -> list["ComparisonCreator"]:
    """What is compared, field by field; fresh at each call, because Splink configures comparisons in place."""
    return [
        _comparison(
            "first_name",
            "first_name_l is null or first_name_r is null or name_script_l <> name_script_r",
            ("first_name_l = first_name_r", "equal", 0.80, 0.005, "name_key"),
            ("list_has_any(first_forms_l, first_forms_r)", "nickname", 0.05, 0.002, None),
            (_SWAPPED, "names swapped", 0.01, 1e-5, None),
            ("first_name_l = middle_name_r or middle_name_l = first_name_r", "middle name", 0.01, 0.001, None),
            (f"{_TYPED} and not (is_known_first_l and is_known_first_r)", "typing error", 0.04, 0.001, None),
            (_TYPED, "other name that is close", 0.005, 0.002, None),
            (_INITIAL.format("first_name"), "initial or short form", 0.03, 0.006, None),
            (None, "different", 0.03, 0.97, None),
        ),
        _comparison(
            "last_name",
            f"last_name_l is null or last_name_r is null or name_script_l <> name_script_r or {_SWAPPED}",
            ("last_name_l = last_name_r", "equal", 0.85, 0.003, "last_name"),
            ("jaro_winkler_similarity(last_name_l, last_name_r) >= 0.92", "near", 0.05, 0.002, None),
            (_INITIAL.format("last_name"), "initial or part", 0.01, 0.002, None),
            ("jaro_winkler_similarity(last_name_l, last_name_r) >= 0.82", "similar", 0.03, 0.01, None),
            (None, "different", 0.05, 0.98, None),
        ),
        _comparison(
            "birth_date",
            "birth_date_l is null or birth_date_r is null",
            ("birth_date_l = birth_date_r", "equal", 0.85, 5e-5, "birth_date"),
            ("birth_date_l = birth_date_swapped_r", "day and month swapped", 0.03, 2e-5, None),
            (_ONE_EDIT.format("birth_date"), "one edit", 0.07, 0.001, None),
            ("substr(birth_date_l, 6) = substr(birth_date_r, 6)", "same day, other year", 0.01, 0.003, None),
            ("left(birth_date_l, 4) = left(birth_date_r, 4)", "same year", 0.02, 0.015, None),
            (None, "different", 0.01, 0.98, None),
        ),
        _comparison(
            "email",
            "email_l is null or email_r is null",
            ("email_l = email_r", "equal", 0.70, 5e-5, "email"),
            ("email_user_l = email_user_r", "same user part", 0.06, 5e-5, "email_user"),
            # Addresses are made of names, so near ones say little; a typing error leaves the digits and the domain.
            (
                "damerau_levenshtein(email_l, email_r) <= 2 and split_part(email_l, '@', 2) = "
                "split_part(email_r, '@', 2) "
                "and regexp_replace(email_l, '[^0-9]', '', 'g') = regexp_replace(email_r, '[^0-9]', '', 'g')",
                "typing error", 0.04, 5e-5, None,
            ),
            # A common provider says nothing, which its frequency knows; a company's domain does.
            ("split_part(email_l, '@', 2) = split_part(email_r, '@', 2)", "same domain", 0.06, 0.15, "email_domain"),
            (None, "different", 0.14, 0.85, None),
        ),
        _comparison(
            "phone",
            "phone_l is null or phone_r is null",
            ("phone_l = phone_r", "equal", 0.70, 5e-5, "phone"),
            ("right(phone_l, 7) = right(phone_r, 7)", "same without area code", 0.02, 1e-5, None),
            (_ONE_EDIT.format("phone"), "one edit", 0.05, 2e-5, None),
            (None, "different", 0.23, 0.999, None),
        ),
        # Street, postal code and city say the same thing thrice, so they are one comparison.
        _comparison(
            "address",
            "coalesce(street_l, postal_code_l, city_l) is null or coalesce(street_r, postal_code_r, city_r) is null "
            "or ((street_l is null or street_r is null) and (postal_code_l is null or postal_code_r is null) "
            "and (city_l is null or city_r is null))",
            ("street_l = street_r", "same street", 0.55, 0.0005, "street"),
            (
                "house_number_l = house_number_r and jaro_winkler_similarity(street_l, street_r) >= 0.88",
                "street near", 0.12, 0.0002, None,
            ),
            ("postal_code_l = postal_code_r", "same postal code", 0.12, 0.01, "postal_code"),
            ("city_l = city_r", "same city", 0.09, 0.05, "city"),
            (None, "different", 0.12, 0.94, None),
        ),
        # Where one record gives a phone and the other an address, the area code of one can still agree with the city
        # of the other.
        _comparison(
            "area",
            "area_code_l is null or area_code_r is null or (phone_l is not null and phone_r is not null) "
            "or (city_l is not null and city_r is not null)",
            ("area_code_l = area_code_r", "same area", 0.70, 0.02, "area_code"),
            (None, "different", 0.30, 0.98, None),
        ),
        # A birth year in an e-mail, against the other record's birth date or e-mail; only where dates cannot be
        # compared.
        _comparison(
            "email_year",
            "(birth_date_l is not null and birth_date_r is not null) or email_l = email_r "
            "or coalesce(email_year_l, substr(birth_date_l, 3, 2)) is null "
            "or coalesce(email_year_r, substr(birth_date_r, 3, 2)) is null "
            "or (email_year_l is null and email_year_r is null)",
            (
                "coalesce(substr(birth_date_l, 3, 2), email_year_l) = coalesce(substr(birth_date_r, 3, 2), "
                "email_year_r)",
                "same year", 0.40, 0.015, None,
            ),
            (None, "different", 0.60, 0.985, None),
        ),
        _comparison(
            "gender",
            "gender_l is null or gender_r is null",
            ("gender_l = gender_r", "equal", 0.98, 0.5, None),
            (None, "different", 0.02, 0.5, None),
        ),
    ]  # fmt: skip


def is_household_only() -> str:
    """Whether nothing in a scored pair points to a person rather than to a household, as SQL over field weights."""
    return "weight_first_name <= 0 and weight_birth_date <= 0 and weight_email <= 0"


def fields() -> list[str]:
    """Names of the compared fields, in the order of `comparisons`."""
    return [comparison.create_output_column_name() for comparison in comparisons()]


def vetoes() -> dict[str, str]:
    """Vetoes by name, as SQL over the two compared records `l` and `r`: such a pair is two people whatever else agrees.

    First names contradict when both are given in full and nothing connects them: not a nickname, a typing error, an
    initial, a middle name, or names in the other order. That parts twins and families that share e-mail, phone,
    address and last name.
    """
    return {
        "suffixes differ": "l.name_suffix <> r.name_suffix",
        "first names contradict": (
            "l.name_script = r.name_script and not list_has_any(l.first_forms, r.first_forms) "
            "and damerau_levenshtein(l.first_name, r.first_name) > case when l.is_known_first and "
            "r.is_known_first then 1 "
            "else least(2, length(l.first_name) - 1, length(r.first_name) - 1) end "
            "and len(list_filter(l.first_forms, lambda f: starts_with(f, r.first_name) "
            "or (length(r.first_name) > 3 and damerau_levenshtein(f, r.first_name) <= 2))) = 0 "
            "and len(list_filter(r.first_forms, lambda f: starts_with(f, l.first_name) "
            "or (length(l.first_name) > 3 and damerau_levenshtein(f, l.first_name) <= 2))) = 0 "
            "and not starts_with(coalesce(r.last_name, ' '), l.first_name) "
            "and not starts_with(coalesce(l.last_name, ' '), r.first_name) "
            "and jaro_winkler_similarity(l.first_name, coalesce(r.last_name, ' ')) < 0.88 "
            "and jaro_winkler_similarity(r.first_name, coalesce(l.last_name, ' ')) < 0.88 "
            "and l.first_name is distinct from r.middle_name and l.middle_name is distinct from r.first_name"
        ),
        # A typing error moves one part of a date, or swaps two; a first of January is often a year only.
        "birth dates contradict": (
            "left(l.birth_date, 4) <> left(r.birth_date, 4) and substr(l.birth_date, 6) <> substr(r.birth_date, 6) "
            "and damerau_levenshtein(l.birth_date, r.birth_date) > 2"
        ),
    }
