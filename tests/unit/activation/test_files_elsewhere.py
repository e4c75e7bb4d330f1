"""Audience files in another place: whole or not at all, in a folder, in a store, on a server by SFTP.

The store and the server run where their packages are: `.venv-vendors/bin/pip install 'moto[server,s3]'` beside this
project's environment, and paramiko in it (extra sftp).
"""

import hashlib
import json
import socket
import subprocess
import sys
import time

import duckdb
import fsspec
import httpx
import pytest

from orchestration.activation.destinations.files import remote
from orchestration.activation.errors import (
    AuthError,
    MappingError,
    PlanRefusedError,
    SyncStoppedError,
    UnavailableError,
)
from orchestration.activation.run import run_sync
from orchestration.settings import PROJECT_ROOT
from tests.unit.activation.harnesses import FilesHarness
from tests.unit.activation.payloads import AS_OF, PATIENCE, change, fill_warehouse

NAMES = ["2017-12-31.csv", "2017-12-31.json", "2017-12-31.parquet", "latest.json"]
MOTO = PROJECT_ROOT / ".venv-vendors" / "bin" / "moto_server"


@pytest.fixture
def elsewhere(settings, tmp_path, monkeypatch):
    """A folder outside the home, which FILES_URL names."""
    fill_warehouse(settings, 20)
    monkeypatch.setenv("FILES_URL", f"file://{tmp_path}/partner")
    return tmp_path / "partner" / "crm"


def sync_once(settings, run_id):
    return run_sync(settings, FilesHarness.document(), AS_OF, run_id, patience=PATIENCE)


def test_files_go_there_whole_and_what_tells_of_them_last(settings, elsewhere):
    assert sync_once(settings, "r1").acknowledged == 20
    assert sorted(file.name for file in elsewhere.iterdir()) == NAMES
    told = json.loads((elsewhere / "latest.json").read_text(encoding="utf-8"))
    assert (told["rows"], told["run_id"]) == (20, "r1")
    for one in told["files"].values():
        assert hashlib.sha256((elsewhere / one["name"]).read_bytes()).hexdigest() == one["sha256"]
    times = {file.name: file.stat().st_mtime_ns for file in elsewhere.iterdir()}
    assert max(times, key=times.get) == "latest.json"
    assert len(duckdb.sql(f"from '{elsewhere}/2017-12-31.parquet'").fetchall()) == 20


def test_nothing_of_the_audience_stays_in_the_home(settings, elsewhere):
    sync_once(settings, "r1")
    assert list((settings.root / "exports" / "crm").iterdir()) == []


def test_a_file_that_breaks_on_its_way_never_takes_the_place_of_a_good_one(settings, elsewhere, monkeypatch):
    sync_once(settings, "r1")
    before = {file.name: file.read_bytes() for file in elsewhere.iterdir()}
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'x'")
    local = fsspec.filesystem("file")

    def breaking(source, target, **options):
        with open(target, "wb") as half:
            half.write(b"half")
        raise ConnectionResetError("the line broke")

    with monkeypatch.context() as patch:
        patch.setattr(type(local), "put_file", lambda self, *args, **options: breaking(*args, **options))
        with pytest.raises(UnavailableError, match="the line broke"):
            sync_once(settings, "r2")
    kept = {file.name: file.read_bytes() for file in elsewhere.iterdir() if not file.name.startswith(".")}
    assert kept == before
    assert sync_once(settings, "r3").acknowledged == 20
    assert sorted(file.name for file in elsewhere.iterdir()) == NAMES


def test_a_file_that_arrives_cut_is_brought_again(settings, elsewhere, monkeypatch):
    local = type(fsspec.filesystem("file"))
    whole, cuts = local.put_file, iter([True, False, False, False, False, False])

    def cutting(self, source, target, **options):
        whole(self, source, target, **options)
        if next(cuts, False):
            with open(target, "r+b") as file:
                file.truncate(10)

    monkeypatch.setattr(local, "put_file", cutting)
    assert sync_once(settings, "r1").acknowledged == 20
    assert (elsewhere / "2017-12-31.csv").stat().st_size > 10


@pytest.mark.parametrize(
    ("url", "words"),
    [("ftp://files.example.com/in", "in clear"), ("sftp://user:secret@files.example.com/in", "no sandbox"),
     ("s3://bucket/in", "no sandbox")],
)  # fmt: skip
def test_no_place_in_clear_and_outside_prod_no_place_elsewhere(settings, elsewhere, monkeypatch, url, words):
    monkeypatch.setenv("FILES_URL", url)
    with pytest.raises(PlanRefusedError, match=words) as refused:
        sync_once(settings, "r1")
    assert "secret" not in str(refused.value)


def test_what_has_to_be_installed_is_said(settings, elsewhere, monkeypatch):
    monkeypatch.setitem(sys.modules, "orchestration.activation.destinations.files.sftp", None)
    monkeypatch.setenv("FILES_URL", "sftp://127.0.0.1/in")
    with pytest.raises(SyncStoppedError, match="install this project's extra sftp"):
        sync_once(settings, "r1")


def test_a_server_by_sftp_is_written_to_when_its_key_is_known(settings, elsewhere, tmp_path, monkeypatch):
    pytest.importorskip("paramiko")
    from tests.unit.activation.sftp_server import PASSWORD, serving

    (tmp_path / "served").mkdir()
    (tmp_path / ".ssh").mkdir()
    monkeypatch.setenv("HOME", str(tmp_path))
    with serving(tmp_path / "served") as (port, known):
        monkeypatch.setitem(remote.conf, "sftp", {"password": PASSWORD, "look_for_keys": False, "allow_agent": False})
        monkeypatch.setenv("FILES_URL", f"sftp://cdp@127.0.0.1:{port}/in")
        with pytest.raises(UnavailableError, match="not found in known_hosts"):
            sync_once(settings, "r1")
        (tmp_path / ".ssh" / "known_hosts").write_text(known, encoding="utf-8")
        assert sync_once(settings, "r2").acknowledged == 20
        change(settings, "update activation.hubspot__contacts set tessera_segments = 'x'")
        assert sync_once(settings, "r3").acknowledged == 20
        assert sorted(file.name for file in (tmp_path / "served" / "in" / "crm").iterdir()) == NAMES
        monkeypatch.setitem(remote.conf, "sftp", {"password": "no", "look_for_keys": False, "allow_agent": False})
        change(settings, "update activation.hubspot__contacts set tessera_segments = 'y'")
        with pytest.raises(AuthError, match="refuses us"):
            sync_once(settings, "r4")


@pytest.fixture
def store(monkeypatch):
    """An object store that speaks as S3, with one bucket."""
    if not MOTO.exists():
        pytest.skip("there is no .venv-vendors with moto")
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    url = f"http://127.0.0.1:{port}"
    with subprocess.Popen([MOTO, "-p", str(port)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as server:
        for _ in range(100):
            try:
                httpx.put(f"{url}/partner")
                break
            except httpx.HTTPError:
                time.sleep(0.1)
        monkeypatch.setitem(remote.conf, "s3", {"endpoint_url": url, "key": "a", "secret": "b"})
        yield url
        server.terminate()


def test_a_store_is_written_to_in_one_step_a_file(settings, elsewhere, store, monkeypatch):
    monkeypatch.setenv("FILES_URL", "s3://partner/in")
    assert sync_once(settings, "r1").acknowledged == 20
    listed = httpx.get(f"{store}/partner?list-type=2&prefix=in/crm/").text
    assert [name for name in NAMES if f"<Key>in/crm/{name}</Key>" in listed] == NAMES
    assert "draft" not in listed
    told = fsspec.filesystem("s3", skip_instance_cache=True).cat_file("partner/in/crm/latest.json")
    assert json.loads(told)["rows"] == 20
    monkeypatch.setenv("FILES_URL", "s3://nowhere/in")
    change(settings, "update activation.hubspot__contacts set tessera_segments = 'x'")
    with pytest.raises(MappingError, match="correct FILES_URL"):
        sync_once(settings, "r2")
