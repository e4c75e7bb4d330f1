"""Reading what customers write: language, topics and tone of every incoming message, each text once.

Writes `conformed.message_readings`. Who wrote what about what, and what is a complaint, is `conformed.feedback`, a dbt
model over it. Only messages that are new, changed, or read by an older reader are read.
"""

from datetime import date
from importlib.metadata import version
from typing import Any

import duckdb
import pyarrow as pa

from orchestration.conformed import languages, own_ratings, sentiment, topics
from orchestration.settings import Settings
from orchestration.warehouse import engine

TABLE = "conformed.message_readings"
# Count it up when this package would say something else of the same text.
_VERSION = 1
_BATCH = 50_000
_COLUMNS = (
    "message_id varchar, language varchar, language_by varchar, language_confidence double, topics varchar, "
    "sentiment double, sentiment_by varchar, has_problem boolean, has_negative_words boolean, text_md5 varchar, "
    "reader_version varchar, sentiment_version varchar"
)
_TOLD = pa.schema([("text_id", pa.int64()), ("told", pa.string()), ("sure", pa.float64())])
_WORDS = "words"
# What we said ourselves in a call is no feedback.
_OUR_TURNS = r"(?:^|\s)(?:agent|operator|advisor|employee)\s*:.*?(?:(?:customer|caller|client)\s*:|$)"
_TEXT = rf"""
    trim(regexp_replace(
        case channel when 'phone' then regexp_replace(said, '{_OUR_TURNS}', ' ', 'gis') else said end,
        'https?://\S+|www\.\S+|<[^>]*>|&#?\w+;|@[\w.-]+(?:@[\w.-]+)?|#|\s+', ' ', 'g'
    ))
"""
_TEXTS = f"""
    create or replace temp view message_texts as
    with said as (
        select message_id, subject_id, channel, occurred_at, nfc_normalize(concat_ws('. ', subject, body)) as said,
            nullif(regexp_extract(lower(language), '^[a-z]{{2,3}}'), 'und') as given
        from conformed.messages where direction = 'in'
    )
    select message_id, subject_id, channel, occurred_at, nullif(given, '') as given, {_TEXT} as text,
        md5(concat_ws('|', channel, given, said)) as text_md5
    from said
"""


def read_messages(settings: Settings, as_of: date) -> dict[str, Any]:
    """Bring the readings up to date; returns figures of what was read and of what is known of all messages."""
    taxonomy = topics.load()
    libraries = ".".join(version(name) for name in ("py3langid", "vaderSentiment"))
    reader = f"{_VERSION}-{libraries}-{taxonomy.version}"
    with engine.writing(settings) as con:
        con.execute(f"create table if not exists {TABLE} ({_COLUMNS})")
        con.execute(_TEXTS)
        con.execute(
            "create or replace temp table fresh as select message_id, given, text, text_md5 from message_texts "
            f"anti join {TABLE} as known on known.message_id = message_texts.message_id "
            "and known.text_md5 = message_texts.text_md5 and known.reader_version = ?",
            [reader],
        )
        count = con.execute("select count(*) from fresh").fetchall()[0][0]
        if count:
            _tell_languages(con, taxonomy)
            taxonomy.read_texts(con)
        _replace(con, reader, has_news=count > 0)
        models = own_ratings.learn(con, as_of)
        toned = _tell_tone(con, {model.language: model for model in models if model.is_used})
        return {"messages_read": count, "tones_told": toned, **_coverage(con)}


def _tell_languages(con: duckdb.DuckDBPyConnection, taxonomy: topics.Taxonomy) -> None:
    """Table `texts`: what is fresh, each text once, with its language. What the source says of it is not doubted."""
    con.execute(
        "create or replace temp table texts as select row_number() over (order by text, given) as text_id, * "
        "from (select distinct text, given from fresh)"
    )
    untold = con.execute("select text_id, text from texts where given is null").to_arrow_table()
    told = [_told(batch, taxonomy.languages) for batch in untold.to_batches(_BATCH)]
    con.register("told_in", pa.Table.from_batches(told, _TOLD))
    con.execute(
        "create or replace temp table texts as select text_id, text, given, coalesce(given, told) as language, sure, "
        "case when given is not null then 'source' when told is not null then 'text' end as language_by "
        "from texts left join told_in using (text_id)"
    )
    con.unregister("told_in")


def _told(batch: pa.RecordBatch, codes: tuple[str, ...]) -> pa.RecordBatch:
    found = languages.tell(batch["text"].to_pylist(), codes)
    columns = [batch["text_id"], [language for language, _ in found], [sure for _, sure in found]]
    return pa.RecordBatch.from_arrays(
        [pa.array(column, kind) for column, kind in zip(columns, _TOLD.types, strict=True)], schema=_TOLD
    )


def _replace(con: duckdb.DuckDBPyConnection, reader: str, *, has_news: bool) -> None:
    """Readings of fresh messages written, of messages that are gone removed, at once."""
    con.execute("begin")
    con.execute(
        f"delete from {TABLE} where message_id in (select message_id from fresh) "
        "or message_id not in (select message_id from message_texts)"
    )
    if has_news:
        con.execute(
            f"insert into {TABLE} select message_id, language, language_by, sure, topics, null, null, "
            "coalesce(has_problem, false), coalesce(has_negative_words, false), text_md5, ?, null from fresh "
            "inner join texts on fresh.text = texts.text and fresh.given is not distinct from texts.given "
            "left join topics_read using (text_id)",
            [reader],
        )
    con.execute("commit")


def _tell_tone(con: duckdb.DuckDBPyConnection, models: dict[str, own_ratings.Model]) -> int:
    """Tone of every message that was not judged yet by what is to judge its language now; returns how many."""
    wanted = " ".join(f"when '{language}' then '{model.version}'" for language, model in sorted(models.items()))
    by = f"case readings.language {wanted} else '{_WORDS}' end" if wanted else f"'{_WORDS}'"
    con.execute(
        f"create or replace temp table toneless as select message_id, language, text, {by} as version "
        f"from {TABLE} as readings inner join message_texts using (message_id) "
        "where sentiment_version is distinct from version"
    )
    texts = con.execute("select distinct text, language from toneless order by all").to_arrow_table()
    for batch in texts.to_batches(_BATCH):
        con.register("tones_in", batch.append_column("told", _tones(batch, models)))
        con.execute(
            f"update {TABLE} as readings set sentiment = told.tone, sentiment_by = told.tone_by, "
            "sentiment_version = toneless.version from toneless inner join tones_in on toneless.text = tones_in.text "
            "and toneless.language is not distinct from tones_in.language "
            "where readings.message_id = toneless.message_id"
        )
        con.unregister("tones_in")
    return con.execute("select count(*) from toneless").fetchall()[0][0]


def _tones(batch: pa.RecordBatch, models: dict[str, own_ratings.Model]) -> pa.Array:
    """Struct (tone, tone_by) of each text of the batch."""
    texts, codes = batch["text"].to_pylist(), batch["language"].to_pylist()
    told = sentiment.tell(zip(texts, codes, strict=True))
    for language, model in models.items():
        places = [place for place, code in enumerate(codes) if code == language]
        if places:
            for place, tone in zip(places, model.tell([texts[place] for place in places]), strict=True):
                told[place] = (tone, own_ratings.OWN_RATINGS)
    kind = pa.struct([("tone", pa.float64()), ("tone_by", pa.string())])
    return pa.array([{"tone": tone, "tone_by": by} for tone, by in told], kind)


def _coverage(con: duckdb.DuckDBPyConnection) -> dict[str, Any]:
    """Of all incoming messages: how many there are, and which shares have a language, a tone and a topic."""
    names = ("messages", "share_with_language", "share_with_sentiment", "share_with_topic")
    shares = ", ".join(
        f"coalesce(round(count({column}) / nullif(count(*), 0), 4), 1)"
        for column in ("language", "sentiment", "topics")
    )
    return dict(zip(names, con.execute(f"select count(*), {shares} from {TABLE}").fetchall()[0], strict=True))
