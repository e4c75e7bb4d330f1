"""Roles for a whole table: each role once, the key of the records, what is compared as it is, what is left out.

What a single column may be is in `roles`.
"""

import difflib
from dataclasses import replace

from orchestration.identity.any_table import column_names as words
from orchestration.identity.any_table.facts import Facts
from orchestration.identity.any_table.roles import Guess, by_name, by_values, is_answer, is_id, tokens
from orchestration.warehouse.files import Column, TableError

# Roles that several columns share; of any other role the best column is taken.
_SHARED = frozenset(("email", "phone", "other"))
# Columns without a role that are compared at most: each costs time, and the first tell most.
MAX_OTHERS = 6
_NO_ROLE = "ignore"
_ROLES = (*words.ROLES, _NO_ROLE)


def guess_roles(columns: list[Column], facts: dict[str, Facts]) -> list[Guess]:
    """A guess for each column, in their order."""
    guesses = [by_name(column, facts[column.at]) for column in columns]
    guesses = _with_names_settled(guesses, facts)
    taken = {guess.role for guess in guesses if guess.role}
    for place, guess in enumerate(guesses):
        if not guess.role and not guess.why:
            guesses[place] = by_values(guess, facts[guess.column.at], taken)
            taken |= {guesses[place].role} - {None}
    guesses = _with_record_id(_each_once(guesses), facts)
    return _with_others(guesses, facts)


def assigned(guesses: list[Guess]) -> dict[str, list[Column]]:
    """The columns of each role, those of a street in the order of writing."""
    found: dict[str, list[Column]] = {}
    order = ("house_number", "street", "street_more")
    for guess in sorted(guesses, key=lambda g: order.index(g.part) if g.part in order else 0):
        if guess.role:
            found.setdefault(guess.role, []).append(guess.column)
    return found


def overridden(guesses: list[Guess], said: list[str], path: object) -> list[Guess]:
    """The guesses with what the owner says: `role=column` items, `role=` for no column, `ignore=column`.

    `column=role` is understood too, where the item can mean nothing else.
    """
    names = {guess.column.name.lower() for guess in guesses}
    pairs = [_turned(*item.strip().partition("="), names) for text in said for item in text.split(",") if item.strip()]
    guesses = list(guesses)
    unclear = [role for role, sign, _ in pairs if not sign]
    if unclear:
        raise TableError(f"--columns {unclear[0]}: write role=column, or role= for no column")
    for role in dict.fromkeys(role.strip() for role, _, _ in pairs):
        _check_role(role)
        if role != _NO_ROLE:
            guesses = [g.left_out(f"not {role}, by --columns") if g.role == role else g for g in guesses]
    for rank, (role, name) in enumerate((r.strip(), n.strip()) for r, _, n in pairs):
        if name:
            place = _place_of(guesses, name, path)
            guesses[place] = (
                guesses[place].left_out("by --columns")
                if role == _NO_ROLE
                else replace(guesses[place], role=role, why="by --columns", sureness=9 + len(pairs) - rank, part="")
            )
    return _in_said_order(guesses)


def _turned(role: str, sign: str, name: str, names: set[str]) -> tuple[str, str, str]:
    """An item as role, sign and column, whichever came first."""
    is_turned = role.strip().lower() in names and name.strip() in _ROLES and name.strip().lower() not in names
    return (name, sign, role) if is_turned else (role, sign, name)


def _in_said_order(guesses: list[Guess]) -> list[Guess]:
    """Columns named by the owner first and in the owner's order, so that a street is joined as said."""
    return sorted(guesses, key=lambda guess: -guess.sureness if guess.why == "by --columns" else 0)


def _check_role(role: str) -> None:
    if role not in _ROLES:
        near = difflib.get_close_matches(role, _ROLES, 1)
        hint = f" (did you mean {near[0]}?)" if near else ""
        raise TableError(f"--columns: there is no role '{role}'{hint}; roles: {', '.join(_ROLES)}")


def _place_of(guesses: list[Guess], name: str, path: object) -> int:
    names = [guess.column.name for guess in guesses]
    if name in names:
        return names.index(name)
    lowered = [other.lower() for other in names]
    if lowered.count(name.lower()) == 1:
        return lowered.index(name.lower())
    raise TableError(f"{path}: there is no column '{name}'; columns: {', '.join(names)}")


def _with_names_settled(guesses: list[Guess], facts: dict[str, Facts]) -> list[Guess]:
    """`name` beside a last name is the first name, beside a first name the last, else whole; `title` is Mr or a job."""
    roles = {guess.role for guess in guesses}
    settled = []
    for guess in guesses:
        if guess.role == "name":
            role = "full_name"
            if facts[guess.column.at]["spaced"] < 0.5 and {"first_name", "last_name"} & roles:
                role = "first_name" if "first_name" not in roles else "last_name" if "last_name" not in roles else role
            settled.append(replace(guess, role=role, why="by its name and its neighbours"))
        elif guess.role == "title":
            is_job = facts[guess.column.at]["title"] < 0.3 and facts[guess.column.at]["yes_no"] < 0.5
            job = replace(guess, role="job_title", why="by its name")
            settled.append(job if is_job else guess.left_out("a form of address"))
        else:
            settled.append(guess)
    return settled


def _each_once(guesses: list[Guess]) -> list[Guess]:
    """One column a role, and one for each part of a street: the one with the surest name, then the fullest."""
    best: dict[tuple[str | None, str], Guess] = {}
    for guess in guesses:
        key = (guess.role, guess.part)
        if key not in best or (guess.sureness, guess.share_filled) > (best[key].sureness, best[key].share_filled):
            best[key] = guess
    settled = []
    for guess in guesses:
        chosen = best[(guess.role, guess.part)]
        if not guess.role or guess.role in _SHARED or guess is chosen:
            settled.append(guess)
        elif guess.role == "national_id":
            settled.append(replace(guess, role="other", why=f"one more number, beside '{chosen.column.name}'"))
        else:
            settled.append(guess.left_out(f"'{chosen.column.name}' is the {guess.role} already"))
    return settled


def _with_record_id(guesses: list[Guess], facts: dict[str, Facts]) -> list[Guess]:
    """The key of the records: unique, filled and called like one; people's keys only where there is no other."""
    ranked = []
    for place, guess in enumerate(guesses):
        name = guess.column.name
        said = "".join(tokens(name))
        # Whoever calls a column record_id means it, also where it fails: that is told then, not worked around.
        is_meant = said == "recordid" and facts[guess.column.at]["filled"]
        if guess.role or not (facts[guess.column.at]["is_unique"] or is_meant):
            continue
        if said in words.USUAL["record_id"].split():
            ranked.append((0 if said.startswith("rec") else 1, place))
        elif is_id(name) and not is_answer(name):
            ranked.append((2, place))
        elif (is_answer(name) and is_id(name)) or said.startswith(("unnamed", "column")):
            ranked.append((3, place))
    guesses = list(guesses)
    if ranked:
        place = min(ranked)[1]
        guesses[place] = replace(guesses[place], role="record_id", why="by its name")
    return guesses


def _with_others(guesses: list[Guess], facts: dict[str, Facts]) -> list[Guess]:
    """Columns without a role that can still tell people apart are compared as they are, the most telling first."""
    is_born = any(guess.role == "birth_date" for guess in guesses)
    judged = [
        guess if guess.role or guess.why else _judged(guess, facts[guess.column.at], is_born=is_born)
        for guess in guesses
    ]
    others = [guess for guess in judged if guess.role == "other"]
    kept = sorted(others, key=lambda g: facts[g.column.at]["distinct"] * g.share_filled, reverse=True)[:MAX_OTHERS]
    return [
        guess.left_out("enough other columns are compared") if guess.role == "other" and guess not in kept else guess
        for guess in judged
    ]


def _judged(guess: Guess, facts: Facts, *, is_born: bool) -> Guess:
    said = set(tokens(guess.column.name))
    reasons = (
        (facts["distinct"] == 1, "the same in every row"),
        (facts["distinct"] == facts["filled"], "different in every row"),
        (is_id(guess.column.name), "an id that repeats looks like a known answer; give it a role if it is none"),
        ("age" in said and is_born, "the birth date says it"),
        (said & words.MOMENTS or facts["date"] > 0.8, "a date, but no birth date"),
        (said & words.HANDLING, "about the record, not about the person"),
        (facts["yes_no"] > 0.9 or facts["distinct"] == 2, "two values tell nobody apart"),
        (facts["decimal"] > 0.3, "a quantity"),
        (facts["long"] > 0.3, "long text"),
        (facts["share_filled"] < 0.01, "hardly ever filled"),
    )
    why = next((why for holds, why in reasons if holds), None)
    return guess.left_out(why) if why else replace(guess, role="other", why="no known role; compared as it is")
