"""How a portal says no, by what there is to do about it. The text never holds the webhook's address.

Source: b24restdocs, limits.md and _includes/system-errors.md.
"""

from __future__ import annotations

import html
import json
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any

from ems_pipeline.bitrix.address import REMEDY, Webhook
from ems_pipeline.bitrix.reading import instant_of
from ems_pipeline.errors import EmsError
from ems_pipeline.http import HttpError
from ems_pipeline.plain_text import plain

TAG = re.compile(r"<[^<>]{0,200}>")


class BitrixError(EmsError):
    """No usable answer of a portal."""


class Away(BitrixError):
    """The portal is not there, or has trouble of its own: what was asked did not happen."""

    usual = "it is tried again"


class Unanswered(BitrixError):
    """The line broke after it was said: it may have happened all the same."""

    usual = "it is looked up before it is said again"


class Full(BitrixError):
    """Too many requests within a short time (QUERY_LIMIT_EXCEEDED)."""

    usual = "it is tried again more slowly; other programs at this address of the internet count, too"


class Spent(BitrixError):
    """A method has used up its time (OPERATION_TIME_LIMIT); ``until_at``: when the portal counts anew, if known."""

    usual = "it is tried again then"

    def __init__(self, what: str, until_at: datetime | None) -> None:
        super().__init__(what)
        self.until_at = until_at


class Overloaded(BitrixError):
    """Somebody at Bitrix24 has shut the portal's REST by hand (OVERLOAD_LIMIT)."""

    usual = "write to the support of Bitrix24; when they have opened it, ask for a synchronisation"


class Shut(BitrixError):
    """The webhook is worth nothing, or may not do this: somebody who may has to look."""

    usual = REMEDY


class Refused(BitrixError):
    """This call is wrong as it is. ``code``: the portal's, such as ERROR_CORE."""

    usual = "correct it in the portal or in the settings, then ask for a synchronisation"

    def __init__(self, what: str, code: str) -> None:
        super().__init__(what)
        self.code = code


def words(text: object) -> str:
    """What a portal says, without its HTML (``Task title is not specified<br>``)."""
    return plain(html.unescape(TAG.sub(" ", str(text))), 300)


def of_http(where: Webhook, method: str, error: HttpError) -> BitrixError:
    """The refusal behind a status, or behind no answer at all."""
    place = f"Bitrix24 at {where.host}, {method}"
    if error.status is None:
        said = f"{place}: {hidden(where, error.reason)}"
        return Unanswered(said) if error.may_have_arrived else Away(said)
    document = read(error.body)
    code, text = told(document)
    said = f"{place}: {error.status} {code} {hidden(where, text or error.reason)}".replace("  ", " ")
    return of_code(said, error.status, code, reset_at(document))


def of_code(said: str, status: int, code: str, until_at: datetime | None = None) -> BitrixError:
    """The refusal of a code; a batch tells codes without a status (0)."""
    match code.upper():
        case "QUERY_LIMIT_EXCEEDED":
            return Full(said)
        case "OVERLOAD_LIMIT":
            return Overloaded(said)
        case "OPERATION_TIME_LIMIT":
            return Spent(said, until_at)
        case "NO_AUTH_FOUND" | "EXPIRED_TOKEN" | "INVALID_TOKEN" | "INSUFFICIENT_SCOPE" | "INVALID_CREDENTIALS":
            return Shut(said)
        case "INTERNAL_SERVER_ERROR" | "ERROR_UNEXPECTED_ANSWER":
            return Unanswered(said)
    if status in (401, 403):
        return Shut(said)
    if status == 429:
        return Spent(said, until_at)
    if status == 504:
        return Unanswered(said)  # whoever stands before the portal gave up waiting; the portal did not
    if status == 503:
        return Away(said)
    return Unanswered(said) if status >= 500 else Refused(said, code)


def told(document: Mapping[str, Any]) -> tuple[str, str]:
    """Code and text of an error, in the words of either version of REST."""
    error = document.get("error", "")
    if not isinstance(error, Mapping):
        return plain(error, 60), words(document.get("error_description", ""))
    faults = [f for f in error.get("validation") or () if isinstance(f, Mapping)]
    more = "; ".join(words(f"{fault.get('field', '')}: {fault.get('message', '')}") for fault in faults)
    return plain(error.get("code", ""), 100), " ".join(part for part in (words(error.get("message", "")), more) if part)


def reset_at(document: Mapping[str, Any]) -> datetime | None:
    """When the portal counts a method's time anew, as its answers tell."""
    time = document.get("time")
    return instant_of(time.get("operating_reset_at")) if isinstance(time, Mapping) else None


def hidden(where: Webhook, text: object) -> str:
    """A text of a portal without our secret, should it repeat that."""
    return words(str(text).replace(where.code, "***"))


def read(body: bytes) -> Mapping[str, Any]:
    """A document; empty where it is none (a page of HTML, say)."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, Mapping) else {}
