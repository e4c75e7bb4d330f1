"""A server by SFTP whose key is known. Imported only by who sends there: it needs the extra sftp."""

import paramiko
from fsspec.implementations.sftp import SFTPFileSystem


class KnownServer(SFTPFileSystem):
    """What fsspec has, which believes every server; this one only those of `~/.ssh/known_hosts`."""

    def _connect(self) -> None:
        self.client = paramiko.SSHClient()
        self.client.load_system_host_keys()
        self.client.set_missing_host_key_policy(paramiko.RejectPolicy())
        self.client.connect(self.host, timeout=20.0, **self.ssh_kwargs)
        self.ftp = self.client.open_sftp()
