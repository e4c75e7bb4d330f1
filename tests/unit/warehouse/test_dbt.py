"""The manifest that a home keeps is that of the project as it is on disk, or it is made anew."""

from datetime import date

import pytest

from orchestration.home import prepare, variables
from orchestration.settings import Settings
from orchestration.warehouse import dbt


@pytest.fixture(scope="module")
def settings(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("TESSERA_HOME", str(tmp_path_factory.mktemp("home")))
        settings = Settings()
        prepare(settings)
        for name, value in variables(settings).items():
            patch.setenv(name, value)
        yield settings


def test_a_manifest_of_another_project_is_not_believed_however_new(settings, monkeypatch):
    """As in a home that was copied, or put back from a backup, after the project had changed."""
    manifest = dbt.target_folder(settings) / "manifest.json"
    monkeypatch.setattr(dbt, "_kept", {})
    manifest.parent.mkdir(parents=True, exist_ok=True)
    manifest.write_text('{"nodes": {}}', encoding="utf-8")
    assert dbt.manifest_dict(settings)["nodes"]
    parsed = manifest.stat().st_mtime_ns
    assert dbt.manifest_dict(settings)["nodes"]
    assert manifest.stat().st_mtime_ns == parsed


def test_every_file_that_dbt_reads_counts(monkeypatch, tmp_path):
    monkeypatch.setattr(dbt, "PROJECT_DIR", tmp_path)
    models = tmp_path / "models"
    models.mkdir()
    (models / "a.sql").write_text("select 1")
    (models / "b.sql").write_text("select 2")
    both = dbt.fingerprint()
    (models / "b.sql").unlink()
    assert dbt.fingerprint() != both


def test_a_model_larger_than_memory_spills(settings, monkeypatch):
    """As at a million people: the first spill stopped dbt, and no smaller warehouse ever saw it."""
    small = settings.model_copy(update={"memory_limit": "120MB"})
    for name, value in variables(small).items():
        monkeypatch.setenv(name, value)
    numbered = "select row_number() over (order by md5(i::varchar)) as place from range(2000000) as t(i)"
    # Raises DbtError when the query fails.
    dbt.run(small, ["show", "--inline", f"select max(place) from ({numbered})"], as_of=date(2017, 12, 31))
