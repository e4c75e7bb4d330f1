"""One small population, and a home the whole graph has run on."""

import os
from datetime import date

import pytest

from orchestration.demo.generate import generate
from orchestration.demo.run import demo_folder, sources
from orchestration.home import prepare, variables
from orchestration.jobs import run_job
from orchestration.settings import Settings

PEOPLE, SEED = 120, 7
LAST_DAY = date(2017, 12, 31)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """The folder that the home is; a module may put it elsewhere."""
    return tmp_path_factory.mktemp("home")


@pytest.fixture(scope="module")
def home(place):
    """Settings of a fresh home whose sources hold every day but the last."""
    before = dict(os.environ)
    os.environ["TESSERA_HOME"] = str(place)
    settings = Settings()
    prepare(settings)
    os.environ.update(variables(settings))
    generate(PEOPLE, SEED, demo_folder(settings), until=date(2017, 12, 30))
    yield settings
    os.environ.clear()
    os.environ.update(before)


@pytest.fixture(scope="module")
def run(home):
    """Runs a job over the demo's sources of the home."""

    def run_once(job="everything", **options):
        with sources(home):
            return run_job(home, job, **options)

    return run_once
