"""Names in other scripts: their Latin letters, their parts, and the key under which spellings agree."""

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from orchestration.identity import scripts
from orchestration.identity.scripts import family_first_sql, romanised
from orchestration.identity.skeletons import skeleton, skeleton_of_latin, skeleton_sql


@pytest.mark.parametrize(
    ("text", "latin"),
    [
        pytest.param("王小明", "wang xiaoming", id="Chinese: the surname is the first character"),
        pytest.param("歐陽娜娜", "ouyang nana", id="traditional, surname of two characters"),
        pytest.param("欧阳娜娜", "ouyang nana", id="the same in simplified"),
        pytest.param("曾雨婷", "zeng yuting", id="a surname not read as the character usually is"),
        pytest.param("金子轩", "jin zixuan", id="Chinese though it begins like the Japanese Kaneko"),
        pytest.param("佐藤健", "sato ken", id="Japanese by its surname"),
        pytest.param("髙橋 翔太", "takahashi shota", id="variant of a character"),
        pytest.param("林 久美子", "hayashi kumiko", id="surname of both, given name of one"),
        pytest.param("林 葵", "lin kui", id="either Chinese or Japanese: read as Chinese"),
        pytest.param("太郎 田中", "tanaka taro", id="Japanese, given name first"),
        pytest.param("サトウ ショウタ", "sato shota", id="katakana"),
        pytest.param("ﾊｯﾄﾘ ｹﾝｲﾁ", "hattori kenichi", id="half-width katakana"),
        pytest.param("いのうえ　ゆうこ", "inoue yuko", id="hiragana, ideographic space"),
        pytest.param("김철수", "kim cheolsu", id="Korean surname as its bearers write it"),
        pytest.param("남궁민수", "namgung minsu", id="Korean surname of two syllables"),
        pytest.param("محمد", "mhmd", id="Arabic has consonants"),
        pytest.param("موسوی", "musvi", id="a half-vowel is a consonant before a vowel"),
        pytest.param("علی\u200cرضا", "alirza", id="zero-width non-joiner"),
        pytest.param("Юрий Щербаков", "yuriy shcherbakov", id="Cyrillic"),
        pytest.param("Γιώργος Παπαδόπουλος", "giorgos papadopoulos", id="Greek"),
        pytest.param("Nguyễn Văn Đức", "nguyen van duc", id="Vietnamese"),
        pytest.param("Großmann Łukasz Øyvind Yılmaz Sæther", "grossmann lukasz oyvind yilmaz saether", id="Latin"),
        pytest.param("nО1llm@example.com", "no1llm@example.com", id="Cyrillic letter in a Latin word"),
        pytest.param("Cергей", "sergey", id="Latin letter in a Cyrillic word"),
        pytest.param("Ｍａ\u200bｒｙ", "mary", id="full-width letters and what cannot be seen"),
        pytest.param("۰۹۱۲ ٣٤٥", "0912 345", id="Eastern digits"),
        pytest.param("Zoë 🌸", "zoe", id="pictures"),
        pytest.param("\u200b", "", id="nothing that can be seen"),
    ],
)
def test_a_name_in_latin_letters(text, latin):
    assert romanised(text) == latin


@pytest.mark.parametrize(
    ("text", "family", "given_name", "family_first"),
    [
        pytest.param("王小明", "wang", "xiaoming", True, id="Chinese"),
        pytest.param("萍 韩", "han", "ping", False, id="Chinese, columns swapped"),
        pytest.param("小明", None, None, None, id="a given name alone"),
        pytest.param("佐々木さくら", "sasaki", "sakura", True, id="Japanese"),
        pytest.param("Hồ Ngọc Lý", "ho", "ngoc ly", True, id="Vietnamese surname at both ends"),
        pytest.param("Anh Trần", "tran", "anh", False, id="Vietnamese in Western order"),
        pytest.param("مريم حداد", None, None, None, id="Arabic has no custom that tells"),
        pytest.param("José García", None, None, None, id="nor has Latin"),
        pytest.param("陈 Kevin", None, None, None, id="nor a mixture"),
    ],
)
def test_the_parts_of_a_name(text, family, given_name, family_first):
    name = scripts.read(text)
    assert (name.family, name.given, name.family_first) == (family, given_name, family_first)


@pytest.mark.parametrize(
    "spellings",
    [
        "Mohammad Muhammad Mohamed Mohamad محمد",
        "Hossein Hussain Hosein Husayn حسین حسين",
        "Yusuf Youssef Yousef يوسف",
        "Al-Zahrani Alzahrani Az-Zahrani El-Zahrani الزهراني",
        "Sadeghi Sadeqi صادقی",
        "Mousavi Moosavi موسوی",
        "Khaled Khalid خالد",
        "Fatemeh Fateme Fatima فاطمه فاطمة",
        "Nour Noor Nur نور",
        "Saeed Said Saeid سعید",
        "Sato Satou Satoh 佐藤 サトウ",
        "Ono Ohno Oono 大野",
        "Shimizu Simizu 清水",
        "Müller Mueller Muller",
        "Weiß Weiss",
        "Sofia Sophia",
        "Aleksandr Alexandr Александр",
        "Xu 徐 許",
    ],
)
def test_spellings_of_one_name_have_one_key(spellings):
    assert len({skeleton(spelling) for spelling in spellings.split()}) == 1


@pytest.mark.parametrize(
    "names", ["Li Lu Liu", "Wang Weng Wong", "Zhang Zhong Zeng", "Chen Shen Qin", "Omar Amira Ali"]
)
def test_short_names_that_differ_have_other_keys(names):
    assert len({skeleton(name) for name in names.split()}) == 3


@settings(deadline=None, max_examples=50)
@given(st.lists(st.text("abcdefghijklmnopqrstuvwxyz -'", max_size=20), min_size=1, max_size=20))
def test_the_key_in_sql_is_the_key_in_python(names):
    with duckdb.connect() as con:
        found = con.execute(f"select {skeleton_sql('name')} from (select unnest(?) as name)", [names]).fetchall()
    assert [key for (key,) in found] == [skeleton_of_latin(name) for name in names]


@pytest.mark.parametrize(
    ("name", "family_first"),
    [
        ("Nguyen Van An", True), ("Van An Nguyen", False), ("WANG Xiaoming", True), ("Mei-Ling Wang", False),
        ("Wang Zhang", None), ("Le Thi", None), ("Tran Smith", None), ("John Smith", None),
    ],
)  # fmt: skip
def test_which_end_is_the_surname_in_plain_letters(name, family_first):
    with duckdb.connect() as con:
        found = con.execute(f"select {family_first_sql('name')} from (select ? as name)", [name]).fetchall()
    assert found == [(family_first,)]


def test_only_values_outside_ascii_are_read(monkeypatch):
    seen = []
    monkeypatch.setattr(scripts, "read", lambda text: seen.append(text) or scripts.Name(text))
    with duckdb.connect() as con:
        con.execute("create table t as select unnest(['Ann', 'Zoë', 'Zoë', null, '王小明', '']) as text")
        scripts.prepare(con, "t")
        assert con.execute("select text, latin from scripts order by text").fetchall() == [
            ("Zoë", "Zoë"),
            ("王小明", "王小明"),
        ]
    assert sorted(seen) == ["Zoë", "王小明"]


@settings(deadline=None)
@given(st.text(max_size=30))
def test_any_text_is_read_and_in_ascii(text):
    assert romanised(text).isascii()
