"""The home folder of one environment: made, checked, and the variables that point the tools at it."""

import os
import shutil
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from orchestration.errors import TesseraError
from orchestration.settings import PROJECT_ROOT, Settings

_INSTANCE = Path(__file__).with_name("dagster.yaml")


class OutsideHomeError(TesseraError):
    """A Dagster command was started without the instance of a Tessera home."""


class SettingsError(TesseraError):
    """A `TESSERA_*` variable has a value that cannot be used."""


def opened() -> Settings:
    """The settings of the environment, their home prepared. Raises SettingsError that names the variable."""
    try:
        settings = Settings()
    except ValidationError as error:
        told = [f"{_variable(part)} is {part['input']!r}: {part['msg'].lower()}" for part in error.errors()]
        raise SettingsError(f"{'; '.join(told)}: correct or unset it, and run again") from error
    prepare(settings)
    return settings


def _variable(problem: Any) -> str:
    return f"{Settings.model_config['env_prefix']}{problem['loc'][0]}".upper()


def variables(settings: Settings) -> dict[str, str]:
    """What a shell needs so that plain `dagster` and `dbt` commands work on this home."""
    return {
        "TESSERA_HOME": str(settings.root),
        "TESSERA_ENV": settings.env,
        "TESSERA_WAREHOUSE": str(settings.warehouse),
        "TESSERA_LANDING": str(settings.landing),
        "DAGSTER_HOME": str(settings.root / "dagster"),
        "DBT_PROFILES_DIR": str(PROJECT_ROOT / "dbt_project"),
        "DO_NOT_TRACK": "1",
        "RUNTIME__DLTHUB_TELEMETRY": "false",
        "GX_ANALYTICS_ENABLED": "false",
    }


def prepare(settings: Settings) -> None:
    """Make the home's folders and its Dagster instance; harmless when they are there."""
    for folder in (settings.landing, settings.published, settings.dlt, settings.spill, settings.root / "dagster"):
        folder.mkdir(parents=True, exist_ok=True)
    target = settings.root / "dagster" / "dagster.yaml"
    if not target.exists() or target.read_bytes() != _INSTANCE.read_bytes():
        shutil.copyfile(_INSTANCE, target)


def require_dagster_home(environ: Mapping[str, str]) -> None:
    """Stop a Dagster command that would run outside the project's instance.

    Without it Dagster makes a throw-away instance: no writer lane, telemetry on, and nothing of the run kept.
    Raises OutsideHomeError.
    """
    home = environ.get("DAGSTER_HOME")
    if home and (Path(home) / "dagster.yaml").exists() and "duckdb_writer" in (Path(home) / "dagster.yaml").read_text():
        return
    where = f"DAGSTER_HOME={home} is not a Tessera instance" if home else "DAGSTER_HOME is not set"
    raise OutsideHomeError(
        f"{where}, so Dagster would run without the writer lane and keep nothing.\n"
        "Run `make dev` for the UI; for any other dagster command, set the variables first:\n\n"
        '    eval "$(.venv/bin/tessera env)"\n'
    )


def serve_ui(settings: Settings, *, host: str, port: int) -> int:
    """Run `dagster dev` on this home until it is stopped; prints the variables it sets. Returns its exit code.

    Raises SettingsError when the port is taken.
    """
    with socket.socket() as probe:
        if probe.connect_ex((host, port)) == 0:
            raise SettingsError(f"{host}:{port} is taken: name another one, e.g. `tessera dev --port {port + 1}`")
    ours = variables(settings)
    for name, value in ours.items():
        print(f"{name}={value}", flush=True)
    print(f"open http://{host}:{port}", flush=True)
    command = [str(Path(sys.executable).with_name("dagster")), "dev", "-w", str(PROJECT_ROOT / "workspace.yaml")]
    served = subprocess.Popen([*command, "-h", host, "-p", str(port)], env={**os.environ, **ours}, cwd=PROJECT_ROOT)
    # Dagster takes its other processes with it when interrupted, and leaves them behind when terminated.
    signal.signal(signal.SIGTERM, lambda *_: served.send_signal(signal.SIGINT))
    try:
        return served.wait()
    except KeyboardInterrupt:
        return served.wait()
