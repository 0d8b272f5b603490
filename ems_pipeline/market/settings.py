"""Where the outside world is and how we identify ourselves there: addresses, tokens, orders of asking."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from ems_pipeline import settings
from ems_pipeline.secret import SecretUnreadable

ENTSOE_TOKEN, RTE_CREDENTIALS = settings.ENTSOE_TOKEN.name, settings.RTE_CREDENTIALS.name


@dataclass(frozen=True)
class SourceSettings:
    """What the fetchers need to know; secrets stay out of `repr`."""

    urls: Mapping[str, str] = field(default_factory=dict)
    priorities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entsoe_token: str | None = field(default=None, repr=False)
    rte_credentials: str | None = field(default=None, repr=False)
    timeout_s: float = settings.TIMEOUT_S
    retries: int = 2
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Secrets that cannot be read, by the variable, and why: they cost the source that needs them, and no other."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> SourceSettings:
        """As the environment says; a secret that cannot be read is told, and costs one source.

        Raises:
            WrongSetting: a time-out or an address that cannot be.
        """
        secrets: dict[str, str | None] = {}
        unreadable = {}
        for setting in (settings.ENTSOE_TOKEN, settings.RTE_CREDENTIALS):
            try:
                secrets[setting.name] = setting.read(environ)
            except SecretUnreadable as error:
                unreadable[setting.name] = str(error)
        return cls(
            settings.SOURCE_URL.read(environ),
            settings.PRICE_SOURCES.read(environ),
            secrets.get(ENTSOE_TOKEN),
            secrets.get(RTE_CREDENTIALS),
            settings.SOURCE_TIMEOUT_S.read(environ),
            unreadable=unreadable,
        )

    def url(self, source: str, default: str) -> str:
        """The address of ``source``: the overriding one, else ``default``."""
        return self.urls.get(settings.SOURCE_URL.variable(source), default)

    def priority(self, zone: str) -> tuple[str, ...] | None:
        """The order of sources somebody set for ``zone``, or None."""
        return self.priorities.get(settings.PRICE_SOURCES.variable(zone))
