"""A real SFTP server on one folder, by the library that the client uses too. Only for who has that library."""

import os
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import paramiko

PASSWORD = "correct horse"


class Door(paramiko.ServerInterface):
    """Lets in whoever knows the password."""

    def check_auth_password(self, username: str, password: str) -> int:
        return paramiko.AUTH_SUCCESSFUL if password == PASSWORD else paramiko.AUTH_FAILED

    def check_channel_request(self, kind: str, chanid: int) -> int:
        return paramiko.OPEN_SUCCEEDED


class Folder(paramiko.SFTPServerInterface):
    """Files below `root`."""

    root = Path()

    def _at(self, path: str) -> Path:
        return self.root / path.lstrip("/")

    def stat(self, path: str):
        try:
            return paramiko.SFTPAttributes.from_stat(self._at(path).stat())
        except OSError as error:
            return paramiko.SFTPServer.convert_errno(error.errno)

    lstat = stat

    def mkdir(self, path: str, attr) -> int:
        self._at(path).mkdir()
        return paramiko.SFTP_OK

    def list_folder(self, path: str):
        return [paramiko.SFTPAttributes.from_stat(one.stat(), one.name) for one in self._at(path).iterdir()]

    def posix_rename(self, oldpath: str, newpath: str) -> int:
        os.replace(self._at(oldpath), self._at(newpath))
        return paramiko.SFTP_OK

    def open(self, path: str, flags: int, attr):
        handle = paramiko.SFTPHandle(flags)
        handle.readfile = handle.writefile = os.fdopen(os.open(self._at(path), flags, 0o600), "wb")
        handle.stat = lambda: paramiko.SFTPAttributes.from_stat(self._at(path).stat())
        return handle


@contextmanager
def serving(root: Path) -> Iterator[tuple[int, str]]:
    """A port, and the line that known_hosts needs for it."""
    key = paramiko.ECDSAKey.generate()
    door = socket.create_server(("127.0.0.1", 0))
    port = door.getsockname()[1]
    folder = type("Root", (Folder,), {"root": root})

    def serve() -> None:
        while True:
            try:
                client, _ = door.accept()
            except OSError:
                return
            transport = paramiko.Transport(client)
            transport.add_server_key(key)
            transport.set_subsystem_handler("sftp", paramiko.SFTPServer, folder)
            transport.start_server(server=Door())

    threading.Thread(target=serve, daemon=True).start()
    try:
        yield port, f"[127.0.0.1]:{port} {key.get_name()} {key.get_base64()}\n"
    finally:
        door.shutdown(socket.SHUT_RDWR)
        door.close()
