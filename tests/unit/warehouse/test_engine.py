"""Connections spill each into a folder of its own, and find none of what a killed run left."""

import os
import subprocess
import sys

from orchestration.settings import Settings
from orchestration.warehouse import engine

_LARGE = "create temp table large as select i, md5(({} + i)::varchar) as text from range(3000000) as t(i)"
_WRONG = "select count(*) from large where text <> md5(({} + i)::varchar)"


def test_two_connections_that_spill_read_what_they_wrote(tmp_path):
    settings = Settings(home=tmp_path, memory_limit="120MB")
    with engine.memory(settings) as one, engine.memory(settings) as other:
        one.execute(_LARGE.format(0))
        other.execute(_LARGE.format(1))
        assert len(list(settings.spill.rglob("*.tmp"))) > 1
        assert one.execute(_WRONG.format(0)).fetchall() == other.execute(_WRONG.format(1)).fetchall() == [(0,)]
    assert not list(settings.spill.rglob("*.tmp"))


def test_what_a_killed_run_spilled_stops_nobody_and_is_removed(tmp_path):
    settings = Settings(home=tmp_path, memory_limit="120MB")
    killed = (
        "import os, signal; from orchestration.settings import Settings; from orchestration.warehouse import engine\n"
        f"with engine.memory(Settings(home={str(tmp_path)!r}, memory_limit='120MB')) as con:\n"
        f"    con.execute({_LARGE.format(0)!r}); os.kill(os.getpid(), signal.SIGKILL)"
    )
    subprocess.run([sys.executable, "-c", killed], check=False)
    assert list(settings.spill.rglob("*.tmp"))
    with engine.memory(settings) as con:
        con.execute("select 1")
        assert not list(settings.spill.rglob("*.tmp"))


def test_what_a_living_run_spills_stays(tmp_path):
    settings = Settings(home=tmp_path)
    living = settings.spill / f"run-{os.getppid()}-0"
    living.mkdir(parents=True)
    with engine.memory(settings):
        assert living.exists()
