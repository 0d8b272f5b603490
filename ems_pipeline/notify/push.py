"""Web push (RFC 8030): one message to one browser, by the service of its maker.

The message is encrypted for the browser (RFC 8291) and signed with our key (RFC 8292) by `webpush`; the request goes by
`ems_pipeline.http`, so nothing follows a redirect. The address of a browser is told to nobody.
"""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from ems_pipeline import http
from ems_pipeline.notify import subscription
from ems_pipeline.notify.notice import Blocked, Down, Held, Message, NotSent, Unreached, Unsure
from ems_pipeline.notify.subscription import NoSubscription, Subscription

if TYPE_CHECKING:
    from webpush import WebPush

TIMEOUT_S = 10.0
LONGEST = 800
"""UTF-16 units of a message: three bytes each at most, so that all of it stays below `MOST_BYTES`."""
MOST_BYTES, SHORT_BYTES = 2900, 1000
"""Of a payload, and of one that was refused as too large; no service has to take more than 4096 when encrypted."""
SHORTEST_HOLD_S, LONGEST_HOLD_S = 60.0, 3600.0
URGENCY = {"info": "low", "warning": "normal", "critical": "high"}
TTL_S = {"info": 3600, "warning": 4 * 3600, "critical": 24 * 3600}
"""How long a service keeps it for a browser that is off: what is worse is worth more the next morning."""
MAKE_KEY = "`ems notify push-key` makes one; browsers have to be bound again then"


class Push:
    """Browsers, by our key."""

    kind = "push"
    has_buttons = False
    longest = LONGEST

    def __init__(
        self, key: str, contact: str, public_key: str | None, services: Sequence[str], timeout_s: float = TIMEOUT_S
    ) -> None:
        """``key``: of P-256, 32 bytes in base64url. ``public_key``: what pages show; None: nothing."""
        self._key, self._contact, self._public_key = key, contact.removeprefix("mailto:"), public_key
        self._services, self._timeout_s = services, timeout_s
        self._unreached: Unreached | None = None

    def send(self, address: str, message: Message) -> None:
        """Deliver one message; what is too large for the service is said once more, shorter.

        Raises:
            Blocked: the browser takes nothing any more, or the address is none that may be told.
            Held: the service wants a pause. Unreached: it is not there. Down: our own key is none.
            Unsure: the line broke after the message was said. NotSent: try again later.
        """
        try:
            browser = subscription.read(address, self._services)
        except NoSubscription as error:
            raise Blocked(error.what, error.remedy) from None
        try:
            try:
                self._post(browser, message, MOST_BYTES)
            except http.HttpError as error:
                if error.status != 413:
                    raise
                self._post(browser, message, SHORT_BYTES)
        except http.HttpError as error:
            raise self._refusal(browser, error) from None  # its own text holds the address
        self._unreached = None

    def check(self) -> None:
        """Whether the key can be used; Down: it cannot. Unreached: a service was not, and none has answered since.

        There is nothing to ask a push service without telling somebody something.
        """
        _ = self._signer
        if self._unreached is not None:
            raise self._unreached

    def spacing_s(self, address: str) -> float:  # noqa: ARG002 - services ask for pauses by refusing
        """None that anybody asks for."""
        return 0.0

    @cached_property
    def _signer(self) -> WebPush:
        from cryptography.hazmat.primitives import serialization
        from cryptography.hazmat.primitives.asymmetric import ec
        from webpush import WebPush
        from webpush.vapid import VAPID

        try:
            number = int.from_bytes(base64.urlsafe_b64decode(self._key + "="), "big")
            private = ec.derive_private_key(number, ec.SECP256R1())
        except ValueError:
            raise Down("EMS_PUSH_KEY is no key of P-256", MAKE_KEY) from None
        public = private.public_key()
        shown = VAPID.get_application_server_key(public)
        if self._public_key not in (None, shown):
            raise Down("EMS_PUSH_PUBLIC_KEY is not the public part of EMS_PUSH_KEY", f"set it to {shown}")
        encoding = serialization.Encoding.PEM
        return WebPush(
            private.private_bytes(encoding, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()),
            public.public_bytes(encoding, serialization.PublicFormat.SubjectPublicKeyInfo),
            self._contact,
        )

    def _post(self, browser: Subscription, message: Message, most_bytes: int) -> None:
        from webpush import WebPushSubscription

        keys = {"auth": browser.auth, "p256dh": browser.p256dh}
        told = WebPushSubscription.model_validate({"endpoint": browser.endpoint, "keys": keys})
        try:
            made = self._signer.get(payload(message, most_bytes), told, ttl=TTL_S.get(message.severity, 3600))
        except ValueError:
            raise Blocked(f"push by {browser.host}: the browser's key is no point of P-256", "bind it again") from None
        more = {
            "Urgency": URGENCY.get(message.severity, "normal"),
            "Topic": hashlib.sha256(message.key.encode()).hexdigest()[:32],  # said twice, it is shown once
            "Content-Type": "application/octet-stream",
        }
        http.post(browser.endpoint, made.encrypted, {**made.headers, **more}, timeout_s=self._timeout_s)

    def _refusal(self, browser: Subscription, error: http.HttpError) -> NotSent:
        where = f"push by {browser.host}"
        if error.status is None and isinstance(error, http.PermanentError):
            return NotSent(f"{where}: no answer that counts", "nobody follows to another address")
        if error.status is None:
            said = f"{where}: no answer"
            if error.may_have_arrived:
                return Unsure(said)
            self._unreached = Unreached(said, "check the network, or remove a browser whose service is gone")
            return self._unreached
        said = f"{where}: HTTP {error.status}"
        if error.status in (404, 410):
            return Blocked(said, "the browser has ended it: bind it again")
        if error.status == 429:
            after_s = SHORTEST_HOLD_S if error.after_s is None else error.after_s
            return Held(said, min(after_s, LONGEST_HOLD_S))
        if error.status in (401, 403):
            return Blocked(f"{said}: it was bound by another key than EMS_PUSH_KEY", "bind it again")
        if error.status == 413:
            return Blocked(f"{said}: it takes not even {SHORT_BYTES} bytes", "bind it again")
        return NotSent(said)


def payload(message: Message, most_bytes: int) -> bytes:
    """JSON for our service worker: title, body and tag, cut to at most ``most_bytes``."""
    title, text = message.subject[:120], message.text
    while True:
        said = json.dumps({"title": title, "body": text, "tag": message.key[:64]}, ensure_ascii=False)
        packed = said.encode("utf-8", "replace")
        if len(packed) <= most_bytes or not text:
            return packed
        text = text[: max(0, len(text) - max(1, (len(packed) - most_bytes) // 4) - 1)].rstrip("…") + "…"
        if text == "…":
            text = ""


def new_key() -> tuple[str, str]:
    """A private key and its public part, both in base64url: 32 bytes, and the 65 that browsers take."""
    from cryptography.hazmat.primitives.asymmetric import ec
    from webpush.vapid import VAPID

    private = ec.generate_private_key(ec.SECP256R1())
    number = private.private_numbers().private_value.to_bytes(32, "big")
    return base64.urlsafe_b64encode(number).rstrip(b"=").decode(), VAPID.get_application_server_key(
        private.public_key()
    )
