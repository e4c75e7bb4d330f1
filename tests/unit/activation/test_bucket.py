"""The rate of a destination is kept by all syncs of a home together, in whatever process they run."""

import subprocess
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

from orchestration.activation.bucket import Bucket

RATE, BURST, EACH = 40.0, 4, 40
ASKING = """
import sys, urllib.request
from pathlib import Path
from orchestration.activation.bucket import Bucket
file, url, rate, burst, times = sys.argv[1:]
bucket = Bucket(float(rate), int(burst), Path(file))
for _ in range(int(times)):
    bucket.take()
    urllib.request.urlopen(url).read()
"""


class Clock(BaseHTTPRequestHandler):
    """Notes when it is asked."""

    def do_GET(self):
        self.server.asked.append(time.monotonic())
        self.send_response(204)
        self.end_headers()

    def log_message(self, format, *args):
        """Silent."""


def most_in_a_second(asked):
    return max(sum(start <= moment < start + 1 for moment in asked) for start in asked)


def test_the_rate_is_kept(tmp_path):
    bucket = Bucket(100, 5, tmp_path / "rate")
    started = time.monotonic()
    for _ in range(25):
        bucket.take()
    assert time.monotonic() - started >= 0.19


def test_two_processes_together_never_ask_more_than_the_limit(tmp_path):
    server = ThreadingHTTPServer(("127.0.0.1", 0), Clock)
    server.asked = []
    Thread(target=server.serve_forever, daemon=True).start()
    url = f"http://127.0.0.1:{server.server_address[1]}"
    asking = [sys.executable, "-c", ASKING, str(tmp_path / "rate"), url, str(RATE), str(BURST), str(EACH)]
    children = [subprocess.Popen(asking) for _ in range(2)]
    assert [child.wait(60) for child in children] == [0, 0]
    server.shutdown()
    server.server_close()
    assert len(server.asked) == 2 * EACH
    # A token bucket lets its burst through beside the rate; what is late on the wire bunches up a little.
    assert most_in_a_second(server.asked) <= RATE + BURST + 2
    assert max(server.asked) - min(server.asked) >= (2 * EACH - BURST - 2) / RATE


def test_a_file_that_is_damaged_starts_anew(tmp_path):
    (tmp_path / "rate").write_bytes(b"x")
    started = time.monotonic()
    Bucket(1, 2, tmp_path / "rate").take()
    assert time.monotonic() - started < 0.5
