"""One small population, and a home the whole graph has run on once."""

import os
from datetime import date

import pytest

from orchestration.demo.generate import generate
from orchestration.demo.run import sources
from orchestration.home import prepare, variables
from orchestration.jobs import run_job
from orchestration.settings import Settings

PEOPLE, SEED = 200, 7
LAST_DAY = date(2017, 12, 31)


@pytest.fixture(scope="session")
def run_once(tmp_path_factory):
    """Settings of a home on which the job `everything` has run, with its outcome."""
    home = tmp_path_factory.mktemp("whole_graph")
    before = dict(os.environ)
    os.environ["TESSERA_HOME"] = str(home)
    settings = Settings()
    prepare(settings)
    os.environ.update(variables(settings))
    generate(PEOPLE, SEED, home / "demo", until=date(2017, 12, 30))
    with sources(settings):
        outcome = run_job(settings, "everything")
    yield settings, outcome
    os.environ.clear()
    os.environ.update(before)
