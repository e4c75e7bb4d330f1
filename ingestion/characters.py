"""Turns records of a one-byte character set into UTF-8 without touching them one by one.

Whether a record is valid text is judged in `split`, not here.
"""

from functools import cache

import numpy as np
import pyarrow as pa

UTF8 = "utf-8"


@cache
def _widths(encoding: str) -> np.ndarray:
    """Bytes that each of the 256 bytes takes in UTF-8; one without a meaning stays as it is, and so stays invalid."""
    return np.array([len(_convert(bytes([byte]), encoding)) for byte in range(256)], dtype="int64")


def _convert(data: bytes, encoding: str) -> bytes:
    return data.decode(encoding, "surrogateescape").encode(UTF8, "surrogateescape")


def to_utf8(raw: pa.ChunkedArray, encoding: str) -> pa.ChunkedArray:
    """The same records in UTF-8; `encoding` is utf-8 or a one-byte character set."""
    if encoding == UTF8:
        return raw
    return pa.chunked_array([_chunk(chunk, encoding) for chunk in raw.chunks], pa.large_binary())


def _chunk(chunk: pa.Array, encoding: str) -> pa.Array:
    _, offsets, data = chunk.buffers()
    bounds = np.frombuffer(offsets, "int64")[chunk.offset : chunk.offset + len(chunk) + 1]
    content = bytes(memoryview(data)[int(bounds[0]) : int(bounds[-1])]) if data is not None else b""
    ends = np.concatenate([[0], np.cumsum(_widths(encoding)[np.frombuffer(content, "uint8")])])
    return pa.LargeBinaryArray.from_buffers(
        pa.large_binary(),
        len(chunk),
        [None, pa.py_buffer(ends[bounds - bounds[0]].astype("int64")), pa.py_buffer(_convert(content, encoding))],
    )
