"""What an error of the database means: may it pass, is it our access, our mapping, or the row; and what to do."""

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from orchestration.activation.errors import AuthError, MappingError, SyncStoppedError, TransientError, UnknownError

# Classes and codes of https://www.postgresql.org/docs/current/errcodes-appendix.html
_ROW_CLASSES = ("22", "23", "44")
# Raised by a trigger; two keys that are one to the column's type.
_ROW_CODES = ("P0001", "21000")
_PASSING_CLASSES = ("08", "40", "53", "57")
# A lock that was not free in time; a server that takes no writes, which after a failover is the wrong one.
_PASSING_CODES = ("55P03", "25006")
_MAPPING_CLASSES = ("42", "3D", "3F", "0A")
_MAPPING_CODES = ("428C9",)
_REMEDIES = {
    "22001": "widen the column, or shorten the value in the model",
    "22003": "widen the column, or correct the value in the model",
    "22021": "remove the character from the value in the model",
    "23502": "fill it in the model, or let the column be empty",
    "23503": "deliver what it refers to first, then correct or change the row",
    "23505": "another row has this value already: make it unique in the model",
    "23514": "correct the value in the model, or the check of the table",
}
_WRONG_TYPE = "correct the value in the model, or the column's type"
# A connection that fails has no code, only words.
_REFUSED_LOGIN = ("authentication failed", "no pg_hba.conf entry", "password supplied", "permission denied")


def is_row_fault(error: psycopg.Error) -> bool:
    """Whether a value or a rule of the table is behind the error, so that another row may pass."""
    code = error.sqlstate or ""
    return code[:2] in _ROW_CLASSES or code in _ROW_CODES


def told(error: psycopg.Error) -> str:
    """The server's sentence about a row, the column or rule it names, and what to do. Without the row itself."""
    diagnosis, code = error.diag, error.sqlstate or ""
    where = diagnosis.constraint_name or diagnosis.column_name
    said = diagnosis.message_primary or type(error).__name__
    named = f" ({where})" if where and where not in said else ""
    return f"{said}{named}: {_REMEDIES.get(code) or (_WRONG_TYPE if code[:2] == '22' else 'correct the row')}"


@contextmanager
def translated(endpoint: str) -> Iterator[None]:
    """Every error of the driver as the one that says how to go on."""
    try:
        yield
    except psycopg.Error as error:
        raise _translated(endpoint, error) from error


def _translated(endpoint: str, error: psycopg.Error) -> Exception:
    code = error.sqlstate or ""
    said = " ".join((error.diag.message_primary or str(error)).split())
    if code[:2] == "28" or code == "42501" or (not code and any(words in said for words in _REFUSED_LOGIN)):
        return AuthError(
            f"{endpoint} refuses us ({said}): correct POSTGRES_DESTINATION_URL, or grant its user select, insert, "
            "update and delete on the table and temporary on the database"
        )
    if "database" in said and "does not exist" in said:
        return MappingError(f"{endpoint}: {said}: create it, or correct POSTGRES_DESTINATION_URL")
    if not code and "SSL" in said:
        return SyncStoppedError(f"{endpoint}: {said}: let the server encrypt; personal data is never sent in clear")
    if not code or code[:2] in _PASSING_CLASSES or code in _PASSING_CODES:
        return TransientError(said)
    if code[:2] in _MAPPING_CLASSES or code in _MAPPING_CODES:
        return MappingError(f"{endpoint} cannot take the rows ({code}: {said}): correct the document or the table")
    if code[:2] in _ROW_CLASSES:
        return MappingError(f"{endpoint} refuses the rows as a whole ({code}: {said}): its encoding should be UTF8")
    return UnknownError(f"{code}: {said}")
