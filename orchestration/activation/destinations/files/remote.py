"""Audience files elsewhere: a folder, a server by SFTP or an object store, whatever fsspec speaks to and is encrypted.

What it needs to log in, it reads from its own variables: AWS_..., FSSPEC_SFTP_PASSWORD, FSSPEC_S3_ENDPOINT_URL.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.parse import urlsplit

import duckdb
import fsspec
from fsspec.config import conf

from orchestration.activation.destination import Run
from orchestration.activation.destinations.files.drafts import write_drafts
from orchestration.activation.endpoint import check_address, is_local
from orchestration.activation.errors import AuthError, MappingError, SyncStoppedError, TransientError
from orchestration.settings import Settings

# A put is one step there, and nothing can be renamed.
_STORES = ("s3", "s3a", "gs", "gcs", "abfs", "abfss", "az")
_LOCAL = ("", "file", "local", "memory")
_SERVERS = ("sftp", "ssh")
_REFUSED = ("AuthenticationException", "NoCredentialsError", "BadHostKeyException", "ClientAuthenticationError")


class RemoteFolder:
    """The folder of one audience in another place."""

    def __init__(self, settings: Settings, url: str, drafts: Path, run: Run) -> None:
        parts = urlsplit(url)
        self.endpoint = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}{parts.path}"
        self._url, self._drafts, self._run, self._scheme = url, drafts, run, parts.scheme
        self._check(settings, parts.hostname or "")

    def _check(self, settings: Settings, host: str) -> None:
        is_here = self._scheme in _LOCAL or (self._scheme in _SERVERS and is_local(host))
        store = str(conf.get(self._scheme, {}).get("endpoint_url") or "https://")
        encrypted = self._scheme in _SERVERS or (self._scheme in _STORES and store.startswith("https://"))
        if self._scheme in _STORES and is_local(urlsplit(store).hostname or "none"):
            is_here = True
        check_address(settings, self.endpoint, local=is_here, encrypted=encrypted,
                      is_sandbox=lambda: os.environ.get("FILES_SANDBOX", "").lower() == "true")  # fmt: skip

    def write(self, con: duckdb.DuckDBPyConnection, rows: str) -> dict[str, str]:
        """Bring the files there, each in one step, and last what tells of them; returns where they are."""
        drafts = write_drafts(con, rows, self._drafts, self._run)
        try:
            with self._translated():
                system, folder = self._opened()
                if self._scheme not in _STORES:
                    system.makedirs(folder, exist_ok=True)
                for extension, draft in drafts.items():
                    self._put(system, draft, folder, f"{self._run.as_of}.{extension}")
                self._put(system, drafts["json"], folder, "latest.json")
        finally:
            for draft in drafts.values():
                draft.unlink(missing_ok=True)
        return {extension: f"{self.endpoint}/{self._run.as_of}.{extension}" for extension in drafts}

    def _opened(self) -> tuple[fsspec.AbstractFileSystem, str]:
        if self._scheme in _SERVERS:
            from orchestration.activation.destinations.files.sftp import KnownServer

            options = KnownServer._get_kwargs_from_urls(self._url)
            return KnownServer(skip_instance_cache=True, **options), KnownServer._strip_protocol(self._url)
        return fsspec.core.url_to_fs(self._url)

    def _put(self, system: fsspec.AbstractFileSystem, draft: Path, folder: str, name: str) -> None:
        target = f"{folder}/{name}"
        beside = target if self._scheme in _STORES else f"{folder}/.{name}.draft"
        system.put_file(str(draft), beside)
        system.invalidate_cache()
        if system.info(beside)["size"] != draft.stat().st_size:
            raise TransientError(f"{self.endpoint}/{name} did not arrive whole")
        if beside != target:
            system.mv(beside, target)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        """What each library raises in its own words, as the error that says how to go on."""
        try:
            yield
        except (SyncStoppedError, TransientError):
            raise
        except ImportError as error:
            raise SyncStoppedError(
                f"what speaks {self._scheme} is missing ({error}): for SFTP install this project's extra sftp, for "
                "another store the package of fsspec for it"
            ) from error
        except Exception as error:
            told = f"{type(error).__name__}: {error}"
            if isinstance(error, PermissionError) or type(error).__name__ in _REFUSED:
                raise AuthError(f"{self.endpoint} refuses us ({told}): check its login and our rights there") from error
            if isinstance(error, FileNotFoundError | NotADirectoryError):
                raise MappingError(f"{self.endpoint} is not there ({told}): correct FILES_URL") from error
            raise TransientError(told) from error

    def close(self) -> None:
        """Nothing is held open."""
