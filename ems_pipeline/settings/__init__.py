"""Every variable of the environment that the program reads: name, form, default and meaning, once.

A module that wants one asks here, when it wants it: ``settings.SHARDS.read()``. Add a variable as a constant and to
`SECTIONS`, then `make settings`, which writes `.env.example` and the table of docs/operations.md. Passwords that site
files name are asked for by name (`ems_pipeline.secret`); values of site files are laid over by `sites.loader`.

    setting    a variable, a secret, a family of variables, and how each is read
    forms      what their texts may say
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from ipaddress import ip_network
from pathlib import Path
from typing import Any

from ems_pipeline.errors import EmsError
from ems_pipeline.secret import SecretUnreadable
from ems_pipeline.settings import forms
from ems_pipeline.settings.setting import Environ, Family, Secret, Setting, WrongSetting

__all__ = ["Family", "Secret", "Setting", "WrongSetting"]

KEEP_DAYS = 180
FEWEST_DAYS, MOST_DAYS = 8, 36_500
"""Settlement and checks of the last week look at minutes."""
MOST_SHARDS = 1000
"""Each is a run of its own in every quarter-hour."""
TIMEOUT_S, SHORTEST_S, LONGEST_S = 20.0, 1.0, 120.0
"""For one reply: less fails at everybody, more keeps the other sources and zones waiting."""
SHORTEST_SECRET = 32
"""Characters of what signs tokens."""

KNOWN_PUSH = (
    "fcm.googleapis.com", "*.push.services.mozilla.com", "*.notify.windows.com", "*.push.apple.com",
)  # fmt: skip
HOUSE_NETWORKS = ("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "fc00::/7", "127.0.0.0/8", "::1/128")
"""Without the link-local ones: a device there has no lease, and a rented server's own secrets are served there."""

HOME = Setting("EMS_HOME", "folder of local state", forms.PATH, Path(".ems/live"), ".ems/live", "`.ems/live`")
SITES = Setting("EMS_SITES", "folder of site files", forms.PATH, Path("sites"), "sites", "`sites`")
DEVICE_MAPS = Setting("EMS_DEVICE_MAPS", 'folders of point maps of your own, separated by ":"', forms.FOLDERS, ())
DATABASE_URL: Setting[str | None] = Setting(
    "EMS_DATABASE_URL", "a PostgreSQL server of yours instead of the embedded one", forms.DATABASE, None,
    "postgresql://ems@host/ems",
)  # fmt: skip
DAGSTER_DATABASE_URL: Setting[str | None] = Setting(
    "EMS_DAGSTER_DATABASE_URL", "Dagster's own database, if it is elsewhere", forms.DATABASE, None,
    "postgresql+psycopg2://ems@host/dagster", "database `dagster` on the same server",
)  # fmt: skip
DAGSTER_SETTINGS = Setting(
    "EMS_DAGSTER_SETTINGS", "Dagster's settings file", forms.PATH, Path("dagster.yaml"), "dagster.yaml",
    "`dagster.yaml`",
)  # fmt: skip
SQL_DIR: Setting[Path | None] = Setting(
    "EMS_SQL_DIR", "folder of sql/, for packages that keep it elsewhere", forms.PATH, None, "", "beside the package"
)
SITE = Family(
    "EMS_SITE__", "<SITE>__<PATH>", "", "one value of a site file", forms.TEXT,
    "EMS_SITE__HOME01__GATEWAYS__RS485__HOST=192.0.2.7",
)  # fmt: skip
"""Read by `sites.loader`, as YAML."""
PRICE_SOURCES = Family(
    "EMS_PRICE_SOURCES_", "<ZONE>", "", "sources of prices of a market zone in the order of asking", forms.NAMES,
    "EMS_PRICE_SOURCES_CZ=ote,energy-charts",
)  # fmt: skip
ENTSOE_TOKEN: Secret[str | None] = Secret(
    "EMS_ENTSOE_TOKEN", "access to ENTSO-E's prices", forms.SECRET, None, is_missed_by_one=True
)
RTE_CREDENTIALS: Secret[str | None] = Secret(
    "EMS_RTE_CREDENTIALS", "access to RTE's Tempo colours: base64 of id:secret, as its portal shows them",
    forms.SECRET, None, is_missed_by_one=True,
)  # fmt: skip
PV_SECOND_SOURCE = Setting(
    "EMS_PV_SECOND_SOURCE", "none: forecast.solar is never asked (it learns where the planes are)",
    forms.choice("forecast-solar", "none"), "forecast-solar", "forecast-solar", "`forecast-solar`",
)  # fmt: skip
SOURCE_TIMEOUT_S = Setting(
    "EMS_SOURCE_TIMEOUT_S", f"how long one reply of a source is waited for, {SHORTEST_S:g} to {LONGEST_S:g} s",
    forms.number(SHORTEST_S, LONGEST_S, f"seconds from {SHORTEST_S:g} to {LONGEST_S:g}, e.g. {TIMEOUT_S:g}"),
    TIMEOUT_S, f"{TIMEOUT_S:g}", f"{TIMEOUT_S:g}",
)  # fmt: skip
SOURCE_URL = Family(
    "EMS_SOURCE_", "<NAME>", "_URL", "another address of a source of prices, colours or weather", forms.ADDRESS,
    "EMS_SOURCE_OPEN_METEO_URL=https://weather.example",
)  # fmt: skip
NOTIFY_WEBHOOK: Secret[str | None] = Secret(
    "EMS_NOTIFY_WEBHOOK", "where every new alarm is posted to as JSON", forms.SECRET_ADDRESS, None
)
TELEGRAM_TOKEN: Secret[str | None] = Secret(
    "EMS_TELEGRAM_TOKEN", "of the Telegram bot that tells people and takes their wishes ([notices.md](notices.md))",
    forms.TOKEN, None,
)  # fmt: skip
TELEGRAM_URL = Setting(
    "EMS_TELEGRAM_URL", "another server of the Telegram Bot API", forms.SAFE_SERVICE, "https://api.telegram.org", "",
    "`https://api.telegram.org`",
)  # fmt: skip
SMTP_HOST: Setting[str | None] = Setting(
    "EMS_SMTP_HOST", "server that sends our e-mail", forms.MAIL_HOST, None, "smtp.example.org"
)
SMTP_PORT = Setting("EMS_SMTP_PORT", "its port", forms.whole_number(1, 65535, "a port"), 587, "587", "587")
SMTP_SECURITY = Setting(
    "EMS_SMTP_SECURITY", "starttls, or tls: from the first byte on (port 465); never without",
    forms.choice("starttls", "tls"), "starttls", "starttls", "`starttls`",
)  # fmt: skip
SMTP_USER: Setting[str | None] = Setting(
    "EMS_SMTP_USER", "by which we log in there; unset: no login",
    forms.matching(forms.PRINTABLE_ASCII, "a name of ASCII characters", repr), None,
)  # fmt: skip
SMTP_PASSWORD: Secret[str | None] = Secret("EMS_SMTP_PASSWORD", "of that user", forms.MAIL_PASSWORD, None)
SMTP_FROM: Setting[str | None] = Setting(
    "EMS_SMTP_FROM", "whom our e-mail is from; needed where EMS_SMTP_HOST is set", forms.MAIL, None, "ems@example.org",
    "`EMS_SMTP_USER`, if that is an address",
)  # fmt: skip
PUSH_KEY: Secret[str | None] = Secret(
    "EMS_PUSH_KEY", "signs what browsers are told; `ems notify push-key` makes the file", forms.PUSH_SECRET, None
)
PUSH_PUBLIC_KEY: Setting[str | None] = Setting(
    "EMS_PUSH_PUBLIC_KEY", "its public part, which the pages show to browsers", forms.PUSH_POINT, None
)
PUSH_CONTACT: Setting[str | None] = Setting(
    "EMS_PUSH_CONTACT", "whom a push service writes to; needed where EMS_PUSH_KEY is set", forms.MAIL_LINK, None,
    "mailto:ems@example.org",
)  # fmt: skip
PUSH_SERVICES: Setting[tuple[str, ...]] = Setting(
    "EMS_PUSH_SERVICES", "hosts of push services that a browser may name, separated by commas", forms.PUSH_HOSTS,
    KNOWN_PUSH, ",".join(KNOWN_PUSH), "those of Google, Mozilla, Microsoft and Apple",
)  # fmt: skip
REPORT_HOUR = Setting(
    "EMS_REPORT_HOUR", "hour of the site's day from which on reports of the day before are sent",
    forms.whole_number(1, 23, "an hour from 1 to 23"), 7, "7", "7",
)  # fmt: skip
NOTICES_DATABASE_URL: Setting[str | None] = Setting(
    "EMS_NOTICES_DATABASE_URL", "address of the database for whoever tells people", forms.DATABASE, None,
    "postgresql://ems_notices@host/ems", "`EMS_DATABASE_URL` as login `ems_notices`",
)  # fmt: skip
BITRIX_WEBHOOK: Secret[str | None] = Secret(
    "EMS_BITRIX_WEBHOOK", "inbound webhook of a Bitrix24 portal: services become tasks ([bitrix24.md](bitrix24.md))",
    forms.WEBHOOK, None,
)  # fmt: skip
BITRIX_RESPONSIBLE: Setting[int | None] = Setting(
    "EMS_BITRIX_RESPONSIBLE", "number of the user there whose tasks they become", forms.USER, None, "7",
    "whoever made the webhook",
)  # fmt: skip
BITRIX_GROUP: Setting[int | None] = Setting(
    "EMS_BITRIX_GROUP", "number of the group (project) there that they stand in", forms.USER, None, "", "in none"
)
BITRIX_LANGUAGE = Setting(
    "EMS_BITRIX_LANGUAGE", "in which they are written, where the template has it: en, ru", forms.LANGUAGE, "en", "en",
    "en",
)  # fmt: skip
BITRIX_EVENT_TOKEN: Secret[str | None] = Secret(
    "EMS_BITRIX_EVENT_TOKEN", "application token of the portal's outgoing webhook, by which its events are known",
    forms.SECRET, None,
)  # fmt: skip
REGULATION_MODEL: Secret[str | None] = Secret(
    "EMS_REGULATION_MODEL", "language model that may propose tasks of a regulation ([bitrix24.md](bitrix24.md))",
    forms.SECRET_ADDRESS, None, is_missed_by_one=True,
)  # fmt: skip
MQTT_HOST: Setting[str | None] = Setting(
    "EMS_MQTT_HOST", "broker at which Home Assistant hears of the sites ([homeassistant.md](homeassistant.md))",
    forms.SERVER_HOST, None, "homeassistant.local",
)  # fmt: skip
MQTT_SECURITY = Setting(
    "EMS_MQTT_SECURITY", "tls, with a certificate that verifies; plain: whoever is in between hears and says all",
    forms.choice("tls", "plain"), "tls", "tls", "`tls`",
)  # fmt: skip
MQTT_PORT: Setting[int | None] = Setting(
    "EMS_MQTT_PORT", "its port", forms.whole_number(1, 65535, "a port"), None, "8883", "8883, plain 1883"
)
MQTT_USER: Setting[str | None] = Setting(
    "EMS_MQTT_USER", "by which we log in there; unset: no login",
    forms.matching(forms.PRINTABLE_ASCII, "a name of ASCII characters", repr), None, "ems",
)  # fmt: skip
MQTT_PASSWORD: Secret[str | None] = Secret("EMS_MQTT_PASSWORD", "of that user", forms.SECRET, None)
MQTT_TOKEN: Secret[str | None] = Secret(
    "EMS_MQTT_TOKEN", "of the HTTP API: what it may read is told, to whose sites; wishes are filed in its name",
    forms.SECRET, None,
)  # fmt: skip
MQTT_API = Setting(
    "EMS_MQTT_API", "where that API answers; `ems up` says its own", forms.SAFE_SERVICE, "http://127.0.0.1:8000", "",
    "`http://127.0.0.1:8000`",
)  # fmt: skip
MQTT_COMMANDS = Setting(
    "EMS_MQTT_COMMANDS", "1: wishes are taken from the broker, and become overrides", forms.FLAG, False, "0", "0"
)
MQTT_DISCOVERY = Setting(
    "EMS_MQTT_DISCOVERY", "prefix under which Home Assistant looks for new entities", forms.TOPIC, "homeassistant",
    "homeassistant", "`homeassistant`",
)  # fmt: skip
MQTT_PREFIX = Setting(
    "EMS_MQTT_PREFIX", "first word of our own topics; another for each installation at one broker", forms.TOPIC, "ems",
    "ems", "`ems`",
)  # fmt: skip
LOG = Setting(
    "EMS_LOG", "json: runs and services log JSON lines", forms.choice("json", "text"), "text", "text", "`text`"
)
TRACEBACK = Setting("EMS_TRACEBACK", "1: tracebacks instead of messages", forms.FLAG, False, "0", "0")
WEB_DATABASE_URL: Setting[str | None] = Setting(
    "EMS_WEB_DATABASE_URL", "address of the database for the HTTP API", forms.LIBPQ_DATABASE, None,
    "postgresql://ems_web@host/ems", "`EMS_DATABASE_URL` as login `ems_web`",
)  # fmt: skip
WEB_SECRET: Secret[str | None] = Secret(
    "EMS_WEB_SECRET", "signs tokens of the HTTP API; another one ends all of them",
    forms.at_least(
        SHORTEST_SECRET,
        f"{SHORTEST_SECRET} characters at least, for it signs tokens: take what `openssl rand -hex 24` prints, or "
        "leave it unset for one of this machine's own",
    ),
    None, "", "`web.secret` in `EMS_HOME`, made once",
)  # fmt: skip
WEB_HOSTS: Setting[frozenset[str]] = Setting(
    "EMS_WEB_HOSTS", "names the HTTP API is called by besides localhost, separated by commas", forms.HOSTS, frozenset()
)
WEB_PROXIES: Setting[tuple[str, ...]] = Setting(
    "EMS_WEB_PROXIES", "addresses of proxies that are believed when they say for whom they ask", forms.PROXIES, ()
)
WEB_AT: Setting[datetime | None] = Setting(
    "EMS_WEB_AT", "moment at which the pages stand still, to look at what a demo left; nothing is live then",
    forms.INSTANT, None,
)  # fmt: skip
SETUP_NETWORKS: Setting[tuple[forms.Network, ...]] = Setting(
    "EMS_SETUP_NETWORKS", "where the set-up may look for devices: networks separated by commas, or none",
    forms.NETWORKS, tuple(map(ip_network, HOUSE_NETWORKS)), ",".join(HOUSE_NETWORKS), "private networks, this machine",
)  # fmt: skip
OCPP_LAN = Setting(
    "EMS_OCPP_LAN", "1: chargers may call in from beyond this machine, at gateways with a password", forms.FLAG, False,
    "0", "0",
)  # fmt: skip
OCPP_CERTIFICATE: Setting[Path | None] = Setting(
    "EMS_OCPP_CERTIFICATE", "file with the certificate that chargers are shown; all of them call by TLS then",
    forms.PATH, None, "", "no TLS",
)  # fmt: skip
OCPP_KEY: Setting[Path | None] = Setting(
    "EMS_OCPP_KEY", "file with its key, if that is another one", forms.PATH, None, "", "the same file"
)
BATTERY_BROADCAST: Setting[tuple[str, ...]] = Setting(
    "EMS_BATTERY_BROADCAST", "addresses at which all batteries of this network are asked who they are",
    forms.BROADCASTS, ("255.255.255.255",), "255.255.255.255", "`255.255.255.255`",
)  # fmt: skip
KEEP_MINUTES_DAYS = Setting(
    "EMS_KEEP_MINUTES_DAYS", "how long minutes of telemetry are kept; quarter-hours are kept for ever",
    forms.whole_number(FEWEST_DAYS, MOST_DAYS, f"a number of days, {FEWEST_DAYS} to {MOST_DAYS} (a century)"),
    KEEP_DAYS, f"{KEEP_DAYS}", f"{KEEP_DAYS}",
)  # fmt: skip
SHARDS = Setting(
    "EMS_SHARDS", "parts the sites are split into, a run each (several machines)",
    forms.whole_number(
        1, MOST_SHARDS, f"how many parts the sites are split into: a number from 1 to {MOST_SHARDS}"
    ),
    1, "1", "1",
)  # fmt: skip
CELERY_BROKER: Setting[str | None] = Setting(
    "EMS_CELERY_BROKER", "where several machines meet; read by deploy/dagster-celery.yaml", forms.TEXT, None
)
FIRST_DAY: Setting[date | None] = Setting(
    "EMS_FIRST_DAY", "first day of the sites: `ems` sets it; Celery workers need the same", forms.DAY, None
)
PLOTS = Setting("EMS_PLOTS", "0: no charts in runs (for replays of weeks)", forms.FLAG, True, "1", "1")

SECTIONS: dict[str, tuple[Setting[Any] | Family[Any], ...]] = {
    "where things are": (HOME, SITES, DEVICE_MAPS, DATABASE_URL, DAGSTER_DATABASE_URL, DAGSTER_SETTINGS, SQL_DIR),
    "site files": (SITE,),
    "sources": (PRICE_SOURCES, ENTSOE_TOKEN, RTE_CREDENTIALS, PV_SECOND_SOURCE, SOURCE_TIMEOUT_S, SOURCE_URL),
    "people": (
        NOTIFY_WEBHOOK,
        TELEGRAM_TOKEN,
        TELEGRAM_URL,
        SMTP_HOST,
        SMTP_PORT,
        SMTP_SECURITY,
        SMTP_USER,
        SMTP_PASSWORD,
        SMTP_FROM,
        PUSH_KEY,
        PUSH_PUBLIC_KEY,
        PUSH_CONTACT,
        PUSH_SERVICES,
        REPORT_HOUR,
        NOTICES_DATABASE_URL,
        LOG,
        TRACEBACK,
    ),
    "maintenance": (
        BITRIX_WEBHOOK,
        BITRIX_RESPONSIBLE,
        BITRIX_GROUP,
        BITRIX_LANGUAGE,
        BITRIX_EVENT_TOKEN,
        REGULATION_MODEL,
    ),
    "Home Assistant": (
        MQTT_HOST,
        MQTT_SECURITY,
        MQTT_PORT,
        MQTT_USER,
        MQTT_PASSWORD,
        MQTT_TOKEN,
        MQTT_API,
        MQTT_COMMANDS,
        MQTT_DISCOVERY,
        MQTT_PREFIX,
    ),
    "the HTTP API (`ems web`)": (WEB_DATABASE_URL, WEB_SECRET, WEB_HOSTS, WEB_PROXIES, WEB_AT, SETUP_NETWORKS),
    "chargers that call in": (OCPP_LAN, OCPP_CERTIFICATE, OCPP_KEY),
    "devices": (BATTERY_BROADCAST,),
    "size": (KEEP_MINUTES_DAYS, SHARDS, CELERY_BROKER, FIRST_DAY, PLOTS),
}


class WrongEnvironment(EmsError, ValueError):
    """Variables that say what they cannot say; the text lists all of them, each with its remedy."""


def faults(environ: Environ | None = None) -> list[str]:
    """What is wrong with the environment and keeps the installation from starting, a line each."""
    asked = [
        setting.read
        for section in SECTIONS.values()
        for setting in section
        if not (isinstance(setting, Secret) and setting.is_missed_by_one)
    ]
    return [fault for read in asked if (fault := _fault(read, environ))]


def demand(environ: Environ | None = None) -> None:
    """Refuse to begin with an environment that is wrong.

    Raises:
        WrongEnvironment: it is.
    """
    if found := faults(environ):
        raise WrongEnvironment("\n".join(found), "correct each of them", is_told=True)


def _fault(read: Callable[[Environ | None], object], environ: Environ | None) -> str:
    try:
        read(environ)
    except (WrongSetting, SecretUnreadable) as error:
        return str(error)
    return ""
