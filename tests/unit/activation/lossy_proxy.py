"""A door to PostgreSQL that can lose the answer to a commit: the server did it, the client never hears of it."""

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress


class LossyProxy:
    """Passes bytes on; `lost` counts the commits whose answers it still swallows, with the connection."""

    def __init__(self, target: str) -> None:
        host, _, port = target.partition(":")
        self._target = (host, int(port))
        self._door = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._door.getsockname()[1]}"
        self.lost = 0

    def serve(self) -> None:
        """Until the door is closed."""
        while True:
            try:
                client, _ = self._door.accept()
            except OSError:
                return
            server = socket.create_connection(self._target)
            swallow = threading.Event()
            for source, sink, watch in ((client, server, True), (server, client, False)):
                threading.Thread(target=self._pass, args=(source, sink, swallow, watch), daemon=True).start()

    def _pass(self, source: socket.socket, sink: socket.socket, swallow: threading.Event, watch: bool) -> None:
        try:
            while data := source.recv(1 << 16):
                if watch and self.lost and b"COMMIT" in data:
                    self.lost -= 1
                    swallow.set()
                if not watch and swallow.is_set():
                    break
                sink.sendall(data)
        except OSError:
            pass
        for one in (source, sink):
            # Not close: the other thread still listens, and would not notice.
            with suppress(OSError):
                one.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Lets nobody in any more."""
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


@contextmanager
def lossy(target: str) -> Iterator[LossyProxy]:
    """A proxy that runs."""
    proxy = LossyProxy(target)
    threading.Thread(target=proxy.serve, daemon=True).start()
    try:
        yield proxy
    finally:
        proxy.close()
