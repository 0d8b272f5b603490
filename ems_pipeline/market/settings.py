"""Where the outside world is and how we identify ourselves there: addresses, tokens, priorities from the environment.

EMS_SOURCE_<SOURCE>_URL      replaces a source's address (a mirror, the virtual plant's document twin)
EMS_PRICE_SOURCES_<ZONE>     comma-separated sources of a zone in order, e.g. EMS_PRICE_SOURCES_DE_LU=entsoe,awattar
EMS_ENTSOE_TOKEN             ENTSO-E security token
EMS_RTE_CREDENTIALS          RTE client credentials, base64 of id:secret, as its portal shows them
                             (both also from a file that EMS_..._FILE names)
EMS_SOURCE_TIMEOUT_S         seconds to wait for one reply (20), 1 to 120
"""

from __future__ import annotations

import math
import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from ems_pipeline.secret import SecretUnreadable, secret

SHORTEST_S, LONGEST_S = 1.0, 120.0
"""For one reply: less fails at everybody, more keeps the other sources and zones waiting."""
ENTSOE_TOKEN, RTE_CREDENTIALS = "EMS_ENTSOE_TOKEN", "EMS_RTE_CREDENTIALS"


@dataclass(frozen=True)
class SourceSettings:
    """What the fetchers need to know; secrets stay out of `repr`."""

    urls: Mapping[str, str] = field(default_factory=dict)
    priorities: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    entsoe_token: str | None = field(default=None, repr=False)
    rte_credentials: str | None = field(default=None, repr=False)
    timeout_s: float = 20.0
    retries: int = 2
    unreadable: Mapping[str, str] = field(default_factory=dict)
    """Secrets that cannot be read, by the variable, and why: they cost the source that needs them, and no other."""

    @classmethod
    def from_environ(cls, environ: Mapping[str, str] | None = None) -> SourceSettings:
        """Read the variables of the module's docstring.

        Raises:
            ValueError: EMS_SOURCE_TIMEOUT_S is no number of seconds, or not within its bounds.
        """
        environ = os.environ if environ is None else environ
        named = {
            key.removeprefix("EMS_PRICE_SOURCES_"): tuple(name.strip() for name in value.split(",") if name.strip())
            for key, value in environ.items()
            if key.startswith("EMS_PRICE_SOURCES_")
        }
        urls = {
            key.removeprefix("EMS_SOURCE_").removesuffix("_URL"): value
            for key, value in environ.items()
            if key.startswith("EMS_SOURCE_") and key.endswith("_URL") and value
        }
        secrets: dict[str, str | None] = dict.fromkeys((ENTSOE_TOKEN, RTE_CREDENTIALS))
        unreadable = {}
        for name in secrets:
            try:
                secrets[name] = secret(name, environ)
            except SecretUnreadable as error:
                unreadable[name] = str(error)
        return cls(
            urls, named, secrets[ENTSOE_TOKEN], secrets[RTE_CREDENTIALS], _timeout_s(environ), unreadable=unreadable
        )

    def url(self, source: str, default: str) -> str:
        """The address of ``source``: the overriding one, else ``default``."""
        return self.urls.get(_variable_part(source), default)

    def priority(self, zone: str) -> tuple[str, ...] | None:
        """The order of sources somebody set for ``zone``, or None."""
        return self.priorities.get(_variable_part(zone))


def _timeout_s(environ: Mapping[str, str]) -> float:
    text = environ.get("EMS_SOURCE_TIMEOUT_S", "20")
    try:
        timeout_s = float(text)
    except ValueError:
        timeout_s = math.nan
    if not SHORTEST_S <= timeout_s <= LONGEST_S:
        raise ValueError(
            f"EMS_SOURCE_TIMEOUT_S is {text!r}; write seconds from {SHORTEST_S:g} to {LONGEST_S:g}, e.g. 20"
        )
    return timeout_s


def _variable_part(name: str) -> str:
    return name.upper().replace("-", "_").replace(".", "_")
