"""What Salesforce's codes mean: does it pass, is it the row, the mapping, our access, or the org's allowance."""

import httpx

from orchestration.activation.answers import failure, said
from orchestration.activation.destination import Op, RowResult
from orchestration.activation.errors import AuthError, MappingError, TransientError, UnavailableError

# Another write holds the row, or one it belongs to. A trigger wraps it in its own code, so words are looked at too.
_LOCKED = "UNABLE_TO_LOCK_ROW"
_PASSING = (_LOCKED, "SERVER_UNAVAILABLE", "QUERY_TIMEOUT", "APEX_CPU_LIMIT_EXCEEDED", "PROCESSING_HALTED")
_SPENT = ("REQUEST_LIMIT_EXCEEDED", "TXN_SECURITY_METERING_ERROR", "EXCEEDED_QUOTA")
_MAPPING = ("INVALID_FIELD", "INVALID_TYPE", "NOT_FOUND", "INVALID_FIELD_FOR_INSERT_UPDATE")
_GONE = ("ENTITY_IS_DELETED", "INVALID_CROSS_REFERENCE_KEY", "NOT_FOUND", "MALFORMED_ID")
_REMEDIES = {
    "REQUIRED_FIELD_MISSING": "map a column to it, or fill it in the model",
    "STRING_TOO_LONG": "shorten it in the model, or lengthen the field",
    "INVALID_EMAIL_ADDRESS": "correct the address, or leave it out in the model",
    "DUPLICATES_DETECTED": "a duplicate rule found another record: merge the two there, or match by its id",
    "DUPLICATE_VALUE": "another record has this value of a unique field: merge the two there",
    "FIELD_CUSTOM_VALIDATION_EXCEPTION": "correct what the org's validation rule asks for",
    "INVALID_OR_NULL_FOR_RESTRICTED_PICKLIST": "add the value to the picklist, or correct it in the model",
    "CANNOT_UPDATE_CONVERTED_LEAD": "the lead became a contact: sync contacts",
    "INVALID_CROSS_REFERENCE_KEY": "the record is gone or out of our user's sight",
    "ENTITY_IS_DELETED": "the record is in the recycle bin: restore it, or take it out of the model",
}


def judged(op: Op, status: int, code: str | None, message: str = "", dest_id: str | None = None) -> RowResult:
    """The result of one row; no code is a success."""
    if not code:
        return RowResult(op.seq, "acknowledged", status, dest_id=dest_id or None)
    if code in _PASSING or _LOCKED in message:
        return RowResult(op.seq, "again", status, "transient", code, message)
    if op.op == "exit" and code in _GONE:
        return RowResult(op.seq, "acknowledged", status, None, code, "was gone already")
    remedy = _REMEDIES.get(code)
    return RowResult(op.seq, "rejected", status, "permanent", code, f"{message}: {remedy}" if remedy else message)


def meaning(endpoint: str, response: httpx.Response) -> Exception:
    """What an answer that refuses a whole request means."""
    told = said(response)
    first = told[0] if isinstance(told, list) and told and isinstance(told[0], dict) else {}
    code = str(first.get("errorCode") or f"HTTP_{response.status_code}")
    message = str(first.get("message") or response.text[:200])
    if code in _SPENT:
        return UnavailableError(
            f"{endpoint} has no requests left ({code}: {message}): what was acknowledged is kept; run the sync again "
            "when the org's 24 hours have passed"
        )
    if response.status_code in (401, 403):
        return AuthError(
            f"Salesforce at {endpoint} refuses us ({code}: {message}): check the connected app, and that its user may "
            "use the API and edit the object"
        )
    if code in _PASSING:
        return TransientError(f"{code}: {message}", status=response.status_code)
    if code in _MAPPING or response.status_code == 404:
        return MappingError(f"Salesforce at {endpoint} cannot take the rows ({code}: {message}): correct the document, "
                            "or give our user the field")  # fmt: skip
    return failure(response, code, message)
