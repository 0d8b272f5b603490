"""The secret address of an inbound webhook, ``https://PORTAL/rest/USER/CODE/``, as Bitrix24 shows it once."""

from __future__ import annotations

from dataclasses import dataclass, field
from urllib.parse import urlsplit

REMEDY = "check EMS_BITRIX_WEBHOOK: the portal shows the address under Developer resources, inbound webhook"


@dataclass(frozen=True)
class Webhook:
    """Who asks which portal. Only ``host`` may be shown to anybody."""

    origin: str
    user: int
    """In whose name the portal does what we ask."""
    code: str = field(repr=False)

    @classmethod
    def of(cls, address: str) -> Webhook:
        """From an address in the form that `settings.BITRIX_WEBHOOK` takes."""
        parts = urlsplit(address)
        _, user, code = parts.path.strip("/").split("/")
        return cls(f"{parts.scheme}://{parts.netloc}", int(user), code)

    @property
    def host(self) -> str:
        return urlsplit(self.origin).hostname or "a wrong address"

    def old(self, method: str) -> str:
        return f"{self.origin}/rest/{self.user}/{self.code}/{method}"

    def new(self, method: str) -> str:
        """Of REST 3.0."""
        return f"{self.origin}/rest/api/{self.user}/{self.code}/{method}"
