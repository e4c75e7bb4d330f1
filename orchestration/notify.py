"""One message to one webhook: what went wrong, where, what to do. Deciding when is the sensors' business."""

import httpx

from orchestration.settings import Settings


def notify(settings: Settings, *, title: str, text: str, what_to_do: str, run_id: str) -> bool:
    """Post a message (`{title, text, what_to_do, run_id}` as JSON) to `TESSERA_NOTIFY_URL`.

    Returns whether a message was sent: without the variable nothing is, quietly. Raises httpx.HTTPError when the
    webhook refuses, so that the sensor's tick shows it.
    """
    if not settings.notify_url:
        return False
    body = {"title": title, "text": f"{title}\n{text}\n{what_to_do}", "what_to_do": what_to_do, "run_id": run_id}
    httpx.post(settings.notify_url, json=body, timeout=10).raise_for_status()
    return True
