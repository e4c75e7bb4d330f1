"""A run that looks at what changed ends where a run over everything ends: people, links, weights and reports."""

import json
import random
import shutil

import duckdb
import pyarrow as pa
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from orchestration.identity import linkage_store
from orchestration.identity.solve import solve
from tests.unit.identity import population
from tests.unit.identity.population import contact, identifier

_RENAMED = {f"{name}_std": name for name in ("email", "phone", "street", "city", "postal_code")}
_DECISIONS = pa.schema([(name, pa.string()) for name in ("record_id_l", "record_id_r", "decision")])
_IDENTIFIERS = pa.schema(
    [(name, pa.string()) for name in ("record_id", "identifier_type", "identifier_value")]
    + [("first_seen_at", pa.timestamp("us"))]
)


@pytest.fixture(scope="module")
def crowd():
    """Contacts of people, misspelt and with gaps; a third of them has a fellow in another source."""
    return population.people(170)[0]


@pytest.fixture(scope="module")
def models(crowd, tmp_path_factory):
    """Paths of a trained model, and of the same with keys that few records may share."""
    folder = tmp_path_factory.mktemp("models")
    run(crowd, [], [], folder / "usual.json")
    narrow = json.loads((folder / "usual.json").read_text())
    assert len(narrow["keys"]) > 2
    for key in narrow["keys"]:
        key["most"] = 3
    (folder / "narrow.json").write_text(json.dumps(narrow))
    return {"usual": folder / "usual.json", "narrow": folder / "narrow.json"}


def run(rows, identifiers, decisions, model_path, **options):
    table = population.table(rows).drop_columns(["first_name_std", "last_name_std"])
    inputs = {
        "contacts": table.rename_columns([_RENAMED.get(name, name) for name in table.column_names]),
        "identifiers": pa.Table.from_pylist(identifiers, _IDENTIFIERS),
        "decisions": pa.Table.from_pylist(decisions, _DECISIONS),
    }
    with duckdb.connect() as con:
        return solve(con, inputs, model_path=model_path, **options)


class Kept:
    """What somebody knows who is told only what changed."""

    def __init__(self):
        self.people, self.links, self.skipped = {}, {}, []

    def take(self, solved):
        part = dict(zip(*(solved["partition"][name].to_pylist() for name in ("record_id", "person")), strict=True))
        gone = set() if solved["gone"] is None else set(solved["gone"]["record_id"].to_pylist())
        touched = part.keys() | gone
        if solved["gone"] is None:
            self.people, self.links = {}, {}
        groups = {}
        for record, person in part.items():
            groups.setdefault(person, set()).add(record)
        kept = {record: group for record, group in self.people.items() if record not in touched}
        assert not any(group & touched for group in kept.values()), "a person was told only in part"
        self.people = kept | {record: frozenset(groups[person]) for record, person in part.items()}
        self.links = {ends: link for ends, link in self.links.items() if not set(ends[:2]) & touched}
        for link in solved["links"].to_pylist():
            self.links[link["record_id_l"], link["record_id_r"], link["rule"]] = link
        self.skipped = solved["skipped_identifiers"].to_pylist()

    def told(self):
        return self.people, self.links, self.skipped


def whole(*inputs) -> Kept:
    kept = Kept()
    kept.take(run(*inputs)[0])
    return kept


def some_rows(chance: random.Random, crowd) -> list[dict]:
    """A few people, people of nearly the same data, and records without a name that share e-mail, phone or device."""
    start = chance.randrange(len(crowd) - 40)
    rows = crowd[start : start + 25] + chance.sample(crowd, 10)
    rows = list({row["record_id"]: row for row in rows}.values())
    for number in range(8):
        like = chance.choice(rows)
        thin = {name: like[name] for name in chance.choice((["email_std"], ["phone_std"], ["email_std", "phone_std"]))}
        rows.append(contact(f"mailer:thin:{number}", **thin))
    for number in range(6):
        like = chance.choice(rows)
        rows.append(
            {**like, "record_id": f"{like['source']}:again:{number}", "name_suffix": chance.choice([None, "jr"])}
        )
    return rows


def some_identifiers(chance: random.Random, rows) -> list[dict]:
    holders = [row["record_id"] for row in rows] + [f"segment:anonymous:{number}" for number in range(6)]
    kinds = ("device_id", "anonymous_id", "email", "loyalty_number", "crm_id")
    return [
        identifier(chance.choice(holders), chance.choice(kinds), str(chance.randrange(8)))
        for _ in range(chance.randrange(25))
    ]


def some_decisions(chance: random.Random, rows) -> list[dict]:
    found = {}
    for _ in range(chance.randrange(4)):
        left, right = sorted(chance.sample([row["record_id"] for row in rows], 2))
        found[left, right] = chance.choice(("must", "cannot"))
    return [{"record_id_l": a, "record_id_r": b, "decision": decision} for (a, b), decision in found.items()]


def next_batch(chance: random.Random, rows, every_row):
    """A few rows less, a few more, a few that say something else."""
    left = [row for row in rows if chance.random() > 0.15]
    added = [row for row in every_row if chance.random() < 0.15]
    changed = []
    for row in {row["record_id"]: row for row in left + added}.values():
        if chance.random() < 0.1:
            other = chance.choice(every_row)
            names = ("first_name", "last_name", "email_std", "phone_std", "birth_date", "city_std")
            changed.append(row | {name: other[name] for name in chance.sample(names, 2)})
        else:
            changed.append(row)
    chance.shuffle(changed)
    return changed


@settings(max_examples=4, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(seed=st.integers(0, 2**32), kind=st.sampled_from(["usual", "narrow"]))
@example(seed=1, kind="narrow")
def test_batches_end_where_a_full_run_ends(crowd, models, tmp_path_factory, seed, kind):
    chance = random.Random(seed)
    store = tmp_path_factory.mktemp("store") / "linkage.duckdb"
    every_row = some_rows(chance, crowd)
    rows = [row for row in every_row if chance.random() < 0.6]
    kept, run_no = Kept(), None
    for number in range(5):
        given_ids, decisions = some_identifiers(chance, every_row), some_decisions(chance, every_row)
        if number == 3 and chance.random() < 0.2:
            store.unlink()
        solved, _ = run(rows, given_ids, decisions, models[kind], store=store, since=run_no)
        kept.take(solved)
        if chance.random() < 0.7:
            run_no = number
            linkage_store.settle(store, number)
        assert kept.told() == whole(rows, given_ids, decisions, models[kind]).told()
        rows = next_batch(chance, rows, every_row)
    shutil.rmtree(store.parent)
