"""A file of topics that cannot be used says where and why."""

import duckdb
import pytest

from orchestration.conformed import topics

FILE = """\
languages: [en, zh]
negative_words:
  en: ['bad']
topics:
  delivery:
    about: How orders come.
    words:
      en: ['deliver\\S*']
    problems:
      en: ['late']
"""


@pytest.fixture
def written(tmp_path):
    def write(was="", now=""):
        assert was in FILE
        file = tmp_path / "topics.yaml"
        file.write_text(FILE.replace(was, now, 1) if was else FILE, encoding="utf-8")
        return file

    return write


def test_the_topics_of_the_project_can_be_used():
    taxonomy = topics.load()
    for language in ("en", "zh", "vi", "fa", "ja", "es", "de"):
        without = [name for name, words in taxonomy.words.items() if language not in words]
        assert without == [], language


def test_a_file_with_all_that_is_needed_is_read(written):
    assert list(topics.load(written()).words) == ["delivery"]


@pytest.mark.parametrize(
    ("was", "now", "line", "message"),
    [
        ("['late']", "['late(']", 10, "is no pattern: missing \\)"),
        ("['late']", "['(?=late)']", 10, "is no pattern"),
        ("['late']", "['Late']", 10, "has capitals and would never match"),
        ("['late']", "['(late)*']", 10, "matches every text"),
        ("      en: ['deliver", "      de: ['deliver", 8, "'de' is not in `languages`"),
        ("languages: [en, zh]", "languages: [en, zz]", 1, "'zz' cannot be told"),
        ("  delivery:", "  My delivery:", 5, "name a topic in small letters"),
        ("    about: How", "    abuot: How", 6, "topics.delivery.ab"),
        ("topics:\n", "topics: [\n", 5, "not YAML"),
    ],
)
def test_what_is_wrong_is_told_by_file_and_line(written, was, now, line, message):
    file = written(was, now)
    with pytest.raises(topics.InvalidTopicsError, match=message) as refused:
        topics.load(file)
    assert str(refused.value).startswith(f"{file}:"), str(refused.value)
    if "abuot" not in now and "topics: [" not in now:
        assert str(refused.value).startswith(f"{file}:{line}:"), str(refused.value)


@pytest.mark.parametrize(
    ("language", "text", "is_found"),
    [
        ("vi", "đơn hàng.", True),
        ("vi", "đơn hàngx", False),
        ("en", "Redelivering?", False),
        ("en", "DELIVERING?", True),
        ("zh", "我的订单呢", True),
        ("en", "我的订单呢", False),
        (None, "我的订单呢", True),
    ],
)
def test_words_are_whole_words_but_where_nothing_parts_them(language, text, is_found):
    with duckdb.connect() as con:
        con.execute("create table texts as select 1 as text_id, ? as language, ? as text", [language, text])
        topics.load().read_texts(con)
        assert con.execute("select topics = 'delivery' from topics_read").fetchall() == [(is_found or None,)]
