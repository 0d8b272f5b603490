"""Notices by HTTP POST: chat services, home controllers, whatever takes JSON.

The body is ``{"text": "...", "alarms": [{"number", "severity", "site", "device", "kind", "text", "raised_at"}]}``;
``text`` has a line per alarm, which is what the incoming webhooks of chat services show.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict
from urllib.parse import urlsplit

from ems_pipeline import http
from ems_pipeline.notify.notice import Notice, NotSent

TIMEOUT_S = 5.0


class WebhookNotifier:
    """Posts to one address, which nobody ever sees again."""

    def __init__(self, address: str) -> None:
        self._address = address

    def send(self, notices: Sequence[Notice]) -> None:
        alarms = [asdict(notice) | {"raised_at": notice.raised_at.isoformat()} for notice in notices]
        document = {"text": "\n".join(map(str, notices)), "alarms": alarms}
        try:
            body = json.dumps(document, ensure_ascii=False).encode()
            http.post(self._address, body, {"Content-Type": "application/json"}, timeout_s=TIMEOUT_S)
        except http.HttpError as error:
            # The error repeats the path of the address, and so may the server; both hold what is secret.
            reason = error.reason if error.status is None else f"HTTP {error.status}"
            raise NotSent(
                f"webhook at {urlsplit(error.url).hostname or 'a wrong address'}: {reason}", "check EMS_NOTIFY_WEBHOOK"
            ) from None
