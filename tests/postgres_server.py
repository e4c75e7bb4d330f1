"""A PostgreSQL server of the tests' own: started on a free port as a user without rights, gone with the tests."""

import os
import pwd
import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

PASSWORD = "s3cret"


def _binary(name: str) -> str:
    # Debian keeps them off the path, by version.
    found = [shutil.which(name), *sorted(map(str, Path("/usr/lib/postgresql").glob(f"*/bin/{name}")), reverse=True)]
    if not any(found):
        pytest.skip(f"{name} is not installed (Debian: apt-get install postgresql)")
    return next(filter(None, found))


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@contextmanager
def server() -> Iterator[str]:
    """Its address without user and password, `127.0.0.1:<port>`; the owner is `admin` with PASSWORD."""
    initdb, control = _binary("initdb"), _binary("pg_ctl")
    # Not in pytest's folder: the server refuses to run as root, and no other user may look into that.
    folder = Path(tempfile.mkdtemp(prefix="postgres-"))
    (folder / "password").write_text(PASSWORD)
    user = None
    if os.geteuid() == 0:
        user = "nobody"
        for path in (folder, folder / "password"):
            os.chown(path, pwd.getpwnam(user).pw_uid, -1)

    def run(*command: str) -> None:
        # The server inherits its output: captured, the call would wait until the server ends.
        with (folder / "said").open("ab") as said:
            done = subprocess.run(command, check=False, user=user, cwd=folder, stdout=said, stderr=said)
        assert done.returncode == 0, (folder / "said").read_text()

    data, port = str(folder / "data"), _free_port()
    settings = f"-p {port} -k {folder} -c listen_addresses=127.0.0.1 -c fsync=off"
    try:
        run(
            initdb,
            "-D",
            data,
            "-U",
            "admin",
            "--pwfile",
            "password",
            "-A",
            "scram-sha-256",
            "-E",
            "UTF8",
            "--locale=C",
            "-N",
        )
        run(control, "-D", data, "-o", settings, "-l", "log", "-w", "start")
        try:
            yield f"127.0.0.1:{port}"
        finally:
            run(control, "-D", data, "-m", "immediate", "-w", "stop")
    finally:
        shutil.rmtree(folder, ignore_errors=True)
