"""The linkage model's settings: which keys make a pair a candidate, what training looks at, how sure is sure.

What is compared, field by field, is in `comparisons`. A change here or there that changes scores needs a new `VERSION`.
"""

VERSION = "4"

# Weights are log2 odds that two records are one person.
# Pairs of one person that weigh less say nothing for it.
LEAST_LINK_WEIGHT = -3.0
# A chain of pairs that weigh the threshold less this makes one component.
COMPONENT_MARGIN_WEIGHT = 1.0
# Two groups of records join while the mean of their clipped pair weights is at least this.
JOIN_MEAN_WEIGHT = -2.0
# The same under a model that had too few records to learn from, and the most that a pair weighs there which agrees on
# names and such fields only.
UNTRAINED_JOIN_MEAN_WEIGHT = 2.5
MOST_BY_NAMES_WEIGHT = 1.5
COMMON_FIELDS = ("first_name", "middle_name", "last_name", "locality", "country", "gender", "area")
# Where a person has many records, groups of so few join a group of so many at a mean weight of at least this.
MAX_LEFTOVER = 2
LEAST_GROUP_OF_LEFTOVERS = 5
LEFTOVER_MEAN_WEIGHT = -3.5
LEAST_RECORDS_FOR_LEFTOVERS = 4.5
# A record's log2 odds of being its person's: by how much the mean weight to the others is beyond the threshold, less
# this, and log2 of so many records at most.
CONFIDENCE_CAUTION = 1.0
CONFIDENCE_MOST_RECORDS = 8
# What an identifier of one system, or a steward, is worth.
SURE_CONFIDENCE = 0.999
# Fields are dependent, so sums of weights are over-confident: a mean of them means something only when clipped.
CLIP_LOW_WEIGHT = -4.0
CLIP_HIGH_WEIGHT = 8.0
# Two of one household taken for one person hurt more than one person taken for two: what the odds between them lose.
HOUSEHOLD_CAUTION_WEIGHT = 2.0
# What a pair counts that cannot be one person, whatever else agrees.
VETO_WEIGHT = -60.0

# An identifier that more records share is a terminal, a shared inbox or a placeholder, not a person.
MAX_RECORDS_PER_IDENTIFIER = 50
# Components above this size are not completed with every missing pair: a bridge made them, not a person.
MAX_COMPLETED_COMPONENT = 400

# Training: pairs sampled for chance agreement, and pairs a session of expectation maximisation looks at.
MAX_TRAINING_PAIRS = 500_000
# Of a larger table, as many records drawn by chance are trained on, with all that could be theirs.
MAX_TRAINING_RECORDS = 150_000
# Below this the probabilities of `comparisons` know more than the records do.
MIN_TRAINING_RECORDS = 400
# A guess of the share of true pairs that agree on name and on birth date, e-mail or phone; it sets the prior only.
DETERMINISTIC_RECALL = 0.6

# Identifier types that name one person in the system that gave them. E-mail, phone and payment card are shared by
# families: they are evidence inside a pair's score, never links of their own.
IDENTIFIER_TYPES = ("user_id", "loyalty_number", "crm_id", "subscriber_id", "account_id", "helpdesk_id", "partner_id")
# Browsers and devices: they join the one person who signed in, and never join two people with each other.
DEVICE_TYPES = ("anonymous_id", "device_id")

# Below this many records every pair is compared.
MAX_RECORDS_ALL_PAIRS = 400
# A key that more records share says nothing and costs their square: it is skipped and reported.
MAX_RECORDS_PER_BLOCK = 150
# Candidates a key may bring, per record and in all: blocks are taken from the smallest up to that, so that a table
# with few different values is not compared with itself.
MAX_PAIRS_PER_RECORD_AND_KEY = 12
MAX_PAIRS_PER_KEY = 600_000

# name -> key, as SQL over the compared columns of `records`; null never blocks.
BLOCKING_KEYS = {
    "national id": "national_id",
    "email": "email",
    "phone": "phone",
    "email user part": "case when length(email_user) >= 6 then email_user end",
    "end of phone": "case when length(phone) >= 7 then right(phone, 7) end",
    "birth date": "birth_date",
    "birth date, last name": "birth_date || '|' || last_name",
    "birth date, first name": "birth_date || '|' || first_root",
    "birth date, postal code": "birth_date || '|' || postal_code",
    "birth date, city": "birth_date || '|' || city",
    "birth date, birth place": "birth_date || '|' || birth_place",
    "birth date, occupation": "birth_date || '|' || occupation",
    "birth date, initial": "birth_date || '|' || left(first_root, 1)",
    "both names in any order": "name_pair",
    "sound of both names in any order": "sound_pair",
    "both names in any order, birth year": "name_pair || '|' || left(birth_date, 4)",
    "both names in any order, postal code": "name_pair || '|' || postal_code",
    "both names in any order, city": "name_pair || '|' || city",
    "both names in any order, area": "name_pair || '|' || area_code",
    "name beginnings, area": "left(first_root, 3) || '|' || left(last_name, 3) || '|' || area_code",
    "name beginnings, birth year": "left(first_root, 3) || '|' || left(last_name, 3) || '|' || left(birth_date, 4)",
    "first name, street": "first_root || '|' || street",
    "last name, street": "last_name || '|' || street",
    "last name, postal code": "last_name || '|' || postal_code",
    "last name, city": "last_name || '|' || city",
    "last name, birth place": "last_name || '|' || birth_place",
    "last name, birth year": "last_name || '|' || left(birth_date, 4)",
    "first name, postal code": "first_root || '|' || postal_code",
    "beginning of last name, postal district": "left(last_name, 3) || '|' || postal_district",
    "beginning of last name, birth place": "left(last_name, 3) || '|' || birth_place",
    "beginning of last name, birth year, first initial": (
        "left(last_name, 3) || '|' || left(birth_date, 4) || '|' || left(first_root, 1)"
    ),
    "birth year, birth place": "left(birth_date, 4) || '|' || birth_place",
    "birth year, postal district": "left(birth_date, 4) || '|' || postal_district",
    "birth year, city": "left(birth_date, 4) || '|' || city",
    "street": "street",
    "postal code": "postal_code",
    "company, last name": "company || '|' || last_name",
    "company, first name": "company || '|' || first_root",
    "organisation": "organisation_key",
    "beginning of organisation, city": "left(organisation_key, 5) || '|' || city",
}
# The same for each plain column.
PLAIN_BLOCKING_KEYS = {
    "{0}": "{0}",
    "{0}, last name": "{0} || '|' || last_name",
    "{0}, first name": "{0} || '|' || first_root",
}

# Columns that say little each; two or three of them together can bring a garbled record to its fellows.
COMBINED_BLOCKING_PARTS = {
    "company": "company",
    "job title": "job_title",
    "occupation": "occupation",
    "birth place": "birth_place",
    "city": "city",
    "state": "state",
    "country": "country",
    "postal code": "postal_code",
    "birth year": "left(birth_date, 4)",
    "day of birth": "substr(birth_date, 6)",
    "beginning of last name": "left(last_name, 3)",
    "beginning of first name": "left(first_root, 3)",
    "house number": "house_number",
}
# Keys that stay whatever they bring today.
SURE_BLOCKING_KEYS = ("national id", "email", "phone", "birth date", "both names in any order", "organisation")
# A key that brings fewer of the likely matches than this share, when the others have brought theirs, is dropped.
LEAST_SHARE_OF_MATCHES = 0.0002
# The same for a key whose pairs are so seldom likely matches that the others have not brought; in a table of more
# records pairs are dearer, up to so many times.
LEAST_MATCHES_PER_PAIR = 0.0005
FEW_RECORDS = 50_000
MOST_TIMES_DEARER = 4.0

# Who is surely the same: used for the prior only, never as a link.
PRIOR_KEYS = {
    "names and birth date": "first_name || '|' || last_name || '|' || birth_date",
    "names and email": "first_name || '|' || last_name || '|' || email",
    "names and phone": "first_name || '|' || last_name || '|' || phone",
    "names and national id": "first_name || '|' || last_name || '|' || national_id",
}

# Splink trains a comparison in each session that does not block on its columns.
SURE_TRAINING_BLOCKS = (("email",), ("phone",), ("national_id",))
TRAINING_BLOCKS = (
    *SURE_TRAINING_BLOCKS,
    ("birth_date", "postal_code"),
    ("birth_date", "last_name"),
    ("first_name", "last_name"),
)


def component_weight(join: float, *, join_leftovers: bool) -> float:
    """Records are in one component, and compared with all others there, if a chain of pairs of this weight joins them.

    What is below the threshold by more than a margin joins nobody; leftovers join far below it.
    """
    return LEAST_LINK_WEIGHT if join_leftovers else max(LEAST_LINK_WEIGHT, join - COMPONENT_MARGIN_WEIGHT)


def vetoes() -> dict[str, str]:
    """Vetoes by name, as SQL over the two compared records `l` and `r`: such a pair is two people whatever agrees."""
    return {
        "suffixes differ": "l.name_suffix <> r.name_suffix",
        "a person and an organisation": (
            "l.is_organisation <> r.is_organisation and not l.is_nameless and not r.is_nameless"
        ),
    }
