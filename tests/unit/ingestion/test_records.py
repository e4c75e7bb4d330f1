"""A file is cut into the same records however it is read, with the line each begins on."""

import gzip

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ingestion import records
from ingestion.records import UnreadableFileError, lines


def cut(path, content, *, quoted=True):
    path.write_bytes(content)
    return [tuple(row.values()) for part in lines(path, quoted=quoted) for row in part.to_pylist()]


def simply_cut(content: bytes) -> list[tuple[bytes, int]]:
    """The same by the book, line by line."""
    found, record, begin = [], b"", 1
    for number, text in enumerate(content.split(b"\n"), 1):
        record, begin = (record + b"\n" + text, begin) if record else (text, number)
        if record.count(b'"') % 2 == 0:
            found, record = found + ([(record, begin)] if record else []), b""
    return found


@pytest.fixture
def path(tmp_path):
    return tmp_path / "records.csv"


def test_line_ends_blank_lines_and_marks_are_left_out(path):
    assert cut(path, b'\xef\xbb\xbfa,b\r\n1,"x\r\ny"\r\n\r\n2,z\n3,w') == [
        (b"a,b", 1),
        (b'1,"x\r\ny"', 2),
        (b"2,z", 5),
        (b"3,w", 6),
    ]
    assert cut(path, b"") == cut(path, b"\n\r\n\n") == []


def test_a_stray_quote_spoils_one_record_only(path):
    rest = [b"row %d" % number for number in range(200)]
    assert [raw for raw, _ in cut(path, b'1,"bad\n' + b"\n".join(rest))] == [b'1,"bad', *rest]


def test_quotes_mean_nothing_in_ndjson(path):
    assert cut(path, b'{"a": "\n{}', quoted=False) == [(b'{"a": "', 1), (b"{}", 2)]


PIECES = st.sampled_from([b"abc", b"", b'"1\n2",x', b'"a""b"', b"a longer record, 12345"])


@pytest.mark.parametrize("chunk", [7, 64, 1 << 20])
@given(pieces=st.lists(PIECES, max_size=25))
def test_chunks_do_not_change_the_records(tmp_path_factory, chunk, pieces):
    whole, content = records.CHUNK_BYTES, b"\n".join(pieces)
    records.CHUNK_BYTES = chunk
    try:
        assert cut(tmp_path_factory.mktemp("cut") / "x.csv", content) == simply_cut(content)
    finally:
        records.CHUNK_BYTES = whole


def test_gzip_is_read_and_a_truncated_one_refused_before_its_first_record(tmp_path):
    packed = gzip.compress(b"".join(b"%d,%d\n" % (n, n * n) for n in range(5000)))
    path = tmp_path / "x.csv.gz"
    assert len(cut(path, packed)) == 5000
    with pytest.raises(UnreadableFileError, match="not a whole gzip file"):
        cut(path, packed[:-20])
