"""SQL for one column of a contract: how its text becomes a value, and which rule a value breaks.

The order of judging a whole record belongs in `split`. In the SQL, the column's name holds the text received
(null when empty) and `"t <name>"` the typed value (null when it is not one).
"""

from data_contracts.contract import Column

_OFFSET = r":\d\d(\.\d+)?[+-]\d\d(:?\d\d)?$"


def identifier(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'


def literal(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


def typed(column: Column) -> str:
    """Expression of the typed value; null where the text is not one. Never raises on any text."""
    text, kind = identifier(column.name), column.physical_type
    # A cast alone would drop a time offset, round 12.7 to 13, and take 0x1F, 1_000, nan and 'epoch'.
    rules = {
        "varchar": text,
        "json": f"case when json_valid({text}) then {text} end",
        "boolean": f"try_cast({text} as boolean)",
        "bigint": f"case when not regexp_matches({text}, '[^0-9+ -]') then try_cast({text} as bigint) end",
        "date": f"case when {text} < ':' then try_cast({text} as date) end",
        "timestamp": (
            f"case when {text} >= ':' then null when ends_with({text}, 'Z') or not regexp_matches({text}, "
            f"{literal(_OFFSET)}) then try_cast({text} as timestamp) "
            f"else make_timestamp(epoch_us(try_cast({text} as timestamptz))) end"
        ),
    }
    number = f"case when not regexp_matches({text}, '[^0-9eE+. -]') then try_cast({text} as {kind}) end"
    return rules.get(kind, number)


def broken_rule(column: Column) -> str | None:
    """Expression of the reason, null where the value keeps every rule; None where no rule can be broken."""
    text, value = identifier(column.name), identifier("t " + column.name)
    cases = []
    if column.required:
        cases.append((f"{text} is null", "required but empty or missing"))
    if column.physical_type != "varchar":
        cases.append((f"{value} is null and {text} is not null", f"not a {_noun(column)}"))
    if column.enum is not None:
        allowed = ", ".join(literal(entry) for entry in column.enum)
        cases.append((f"{text} not in ({allowed})", f"not one of {', '.join(column.enum)}"))
    if column.pattern is not None:
        cases.append((f"not regexp_matches({text}, {literal(column.pattern)})", f"does not match {column.pattern}"))
    if column.minimum is not None:
        cases.append((f"{value} < {column.minimum}", f"less than {column.minimum}"))
    if column.maximum is not None:
        cases.append((f"{value} > {column.maximum}", f"more than {column.maximum}"))
    if column.min_length is not None:
        cases.append((f"length({text}) < {column.min_length}", f"shorter than {column.min_length}"))
    if column.max_length is not None:
        cases.append((f"length({text}) > {column.max_length}", f"longer than {column.max_length}"))
    if not cases:
        return None
    whens = " ".join(f"when {when} then {literal(f'{column.name}: {then}')}" for when, then in cases)
    return f"case {whens} end"


def _noun(column: Column) -> str:
    nouns = {"bigint": "whole number", "boolean": "boolean (true or false)", "date": "date (YYYY-MM-DD)"}
    nouns |= {"timestamp": "timestamp (YYYY-MM-DDThh:mm:ssZ)", "json": "JSON text"}
    return nouns.get(column.physical_type, f"number ({column.physical_type})")
