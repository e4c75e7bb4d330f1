"""Organisations among persons: which names are theirs, and how they are compared, as SQL."""

# Words of which one makes a name that of an organisation, wherever it stands.
_SURE_WORDS = (
    "inc", "incorporated", "llc", "ltd", "limited", "corp", "corporation", "gmbh", "plc", "sarl", "holdings",
    "university", "foundation", "association", "ministry", "institute", "enterprises", "industries", "consulting",
    "logistics", "technologies", "solutions", "pharmacy", "gesellschaft",
)  # fmt: skip
# The same in a full name; as somebody's first or last name they are names, or rubbish.
_WORDS = (
    "llp", "pty", "pvt", "srl", "spa", "bv", "nv", "oy", "aps", "kk", "mbh", "company", "group", "bank", "trust",
    "hospital", "church", "council", "partners", "services", "systems", "trading", "international", "restaurant",
    "hotel", "school", "college", "clinic", "univ", "dept", "department", "society", "union", "club", "museum",
    "theatre", "theater", "library", "cafe", "bakery", "plumbing", "dental", "salon", "motors", "construction",
    "electric", "studio", "studios", "foods", "farms", "realty", "insurance", "media", "software", "labs", "energy",
    "hydraulics", "bearing", "bearings", "sons", "soehne", "sohne", "bros", "brothers", "stores", "supermarket",
    "airlines", "railway", "electronics", "pharma", "chemicals", "hardware",
)  # fmt: skip
# Words that say the kind of organisation, or join the others, not which it is.
_DROPPED = (
    "inc", "incorporated", "llc", "ltd", "limited", "corp", "corporation", "co", "company", "gmbh", "ag", "plc", "llp",
    "lp", "pty", "pvt", "sa", "sarl", "srl", "spa", "bv", "nv", "ab", "as", "oy", "aps", "kk", "the", "and", "mbh",
    "gesellschaft", "und", "et", "y",
)  # fmt: skip
_ABBREVIATIONS = {
    "assn": "association", "assoc": "associates", "bldg": "building", "bros": "brothers", "ctr": "center",
    "centre": "center", "cntr": "center", "dept": "department", "dist": "distribution", "engr": "engineering",
    "eng": "engineering", "env": "environmental", "equip": "equipment", "fdn": "foundation", "govt": "government",
    "grp": "group", "hosp": "hospital", "ind": "industries", "inds": "industries", "ins": "insurance",
    "inst": "institute", "intl": "international", "labs": "laboratories", "lab": "laboratories", "mfg": "manufacturing",
    "mgmt": "management", "mkt": "market", "natl": "national", "pharma": "pharmaceuticals", "svc": "services",
    "svcs": "services", "serv": "services", "sys": "systems", "tech": "technologies", "techs": "technologies",
    "transp": "transport", "univ": "university",
}  # fmt: skip


def spaced(words: tuple[str, ...]) -> str:
    """The words as a list of SQL texts."""
    return ", ".join(f"'{word}'" for word in words)


def is_organisation(full: str, *, parts: str) -> str:
    """Whether a name is an organisation's: `full` from one column for all of it, or `parts` of a first and a last."""
    anywhere, in_full = "|".join(_SURE_WORDS), "|".join(_SURE_WORDS + _WORDS)
    return (
        f"coalesce(regexp_matches({full}, '(^| )({in_full})( |$)'), false) "
        f"or coalesce(regexp_matches({parts}, '\\w (.* )?({anywhere})( |$)'), false)"
    )


def compared(cleaned: str) -> str:
    """A cleaned name as compared: abbreviations in full, umlauts as one letter, without the words that say its kind."""
    whole = " ".join(f"when '{short}' then '{long}'" for short, long in _ABBREVIATIONS.items())
    word = f"case w {whole} else regexp_replace(w, '([aou])e', '\\1', 'g') end"
    kept = f"list_filter(string_split(whole, ' '), lambda w: w not in ('', {spaced(_DROPPED)}))"
    return (
        f"list_transform([{cleaned}], lambda whole: coalesce(nullif(array_to_string("
        f"list_transform({kept}, lambda w: {word}), ' '), ''), whole))[1]"
    )
