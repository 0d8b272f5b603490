"""What texts of variables may say: numbers within bounds, choices, days, folders, addresses, names."""

from __future__ import annotations

import ipaddress
import math
import os
import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from pathlib import Path

from ems_pipeline.settings.setting import Form

Network = ipaddress.IPv4Network | ipaddress.IPv6Network
HOST = re.compile(r"[a-z0-9_]([a-z0-9_.-]*[a-z0-9_])?")
PASSWORD = re.compile(r":[^:/@]*@|(?<=password=)\S+")
SERVER = re.compile(r"postgresql(\+\w+)?://\S+")
LIBPQ = re.compile(r"postgres(ql)?://\S+|\w+ *= *\S.*")
WEB_ADDRESS = re.compile(r"https?://[^\s/]\S*")
SAFE_ADDRESS = re.compile(r"https://[^\s/?#@]+/?|http://(127\.0\.0\.1|localhost)(:\d+)?/?")
"""Within TLS, or on this machine: for what carries a secret in its path."""
INBOUND = re.compile(r"(https://[^\s/?#@]+|http://(127\.0\.0\.1|localhost)(:\d+)?)/rest/[1-9]\d{0,8}/[^\s/?#]{8,100}/?")
"""An inbound webhook of Bitrix24: user and code stand in its path."""
BOT_TOKEN = re.compile(r"[0-9]{3,20}:[A-Za-z0-9_-]{20,100}")
MAILBOX = re.compile(
    r"[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+(\.[A-Za-z0-9!#$%&'*+/=?^_`{|}~-]+)*@[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?"
)
"""One mailbox without quotes, comments or names: nothing in it can begin another header or command."""
SCALAR = re.compile(r"[A-Za-z0-9_-]{43}")
"""32 bytes in base64url: a private key of P-256, in one line for files of variables."""
POINT = re.compile(r"B[A-Za-z0-9_-]{86}")
"""65 bytes in base64url: a point of P-256, uncompressed, so the first byte is 4."""
PRINTABLE_ASCII = re.compile(r"[!-~]+")


def whole_number(least: int, most: int, allowed: str) -> Form[int]:
    """A whole number within bounds, in the digits of ASCII."""
    digits = re.compile(rf"[0-9]{{1,{len(str(most))}}}")

    def parse(text: str) -> int:
        if not digits.fullmatch(text) or not least <= int(text) <= most:
            raise ValueError
        return int(text)

    return Form(allowed, parse, may_be_empty=False)


def number(least: float, most: float, allowed: str) -> Form[float]:
    """A number within bounds."""

    def parse(text: str) -> float:
        if math.isnan(value := float(text)) or not least <= value <= most:
            raise ValueError
        return value

    return Form(allowed, parse, may_be_empty=False)


def choice(*words: str) -> Form[str]:
    """One of some words."""

    def parse(text: str) -> str:
        if text not in words:
            raise ValueError
        return text

    return Form(" or ".join(words), parse)


def at_least(characters: int, allowed: str) -> Form[str]:
    """A secret that is long enough; it is not shown."""

    def parse(text: str) -> str:
        if len(text) < characters:
            raise ValueError
        return text

    return Form(allowed, parse, _length)


def matching(pattern: re.Pattern[str], allowed: str, shown: Callable[[str], str]) -> Form[str]:
    """A text of one pattern."""

    def parse(text: str) -> str:
        if not pattern.fullmatch(text):
            raise ValueError
        return text

    return Form(allowed, parse, shown)


def _length(text: str) -> str:
    return f"a text of {len(text)} characters"


def _without_password(text: str) -> str:
    return repr(PASSWORD.sub(lambda found: ":***@" if found[0].startswith(":") else "***", text))


def _parts(text: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in text.split(",") if part.strip())


def _hosts(text: str) -> frozenset[str]:
    names = frozenset(name.lower() for name in _parts(text))
    for name in names:
        if not HOST.fullmatch(name):
            ipaddress.IPv6Address(name)
    return names


def _proxies(text: str) -> tuple[str, ...]:
    """As uvicorn takes them; it would believe no other, without a word."""
    for part in _parts(text):
        if part != "*":
            ipaddress.ip_network(part)
    return _parts(text)


def _networks(text: str) -> tuple[Network, ...]:
    return () if text == "none" else tuple(ipaddress.ip_network(part) for part in _parts(text))


def _broadcasts(text: str) -> tuple[str, ...]:
    """IPv4 addresses; how wide a network is nobody can tell by looking at one of them."""
    return tuple(str(ipaddress.IPv4Address(part)) for part in _parts(text))


def _push_hosts(text: str) -> tuple[str, ...]:
    """Names, `*.` for what stands below one; of addresses only this machine's, so that nobody's network is asked."""
    names = tuple(part.lower() for part in _parts(text))
    for name in names:
        bare = name.removeprefix("*.")
        is_number = bare.replace(".", "").isdecimal()
        if not HOST.fullmatch(bare) or ("." not in bare and bare != "localhost") or (is_number and name != "127.0.0.1"):
            raise ValueError
    return names


def _mail_link(text: str) -> str:
    if not text.startswith("mailto:") or not MAILBOX.fullmatch(text.removeprefix("mailto:")):
        raise ValueError
    return text


FLAG = Form("0 or 1", lambda text: bool(("0", "1").index(text)))
TEXT = Form("a text", str)
SECRET = Form("the secret", str, _length)
PATH = Form("a path", Path)
FOLDERS: Form[tuple[Path, ...]] = Form(
    'folders, separated by ":"', lambda text: tuple(Path(part) for part in text.split(os.pathsep) if part)
)
DAY = Form("a day such as 2025-07-01, or leave it unset", date.fromisoformat)
NAMES: Form[tuple[str, ...]] = Form("names, separated by commas", _parts)
HOSTS = Form("names or addresses alone, no scheme and no port, separated by commas, e.g. ems.example", _hosts)
NETWORKS = Form("networks, separated by commas, e.g. 192.168.1.0/24,127.0.0.0/8, or none", _networks)
BROADCASTS = Form("IPv4 addresses, separated by commas, e.g. 192.168.1.255", _broadcasts)
PROXIES = Form("addresses or networks, separated by commas, e.g. 192.0.2.7,10.0.0.0/8, or * for everybody", _proxies)
DATABASE = matching(SERVER, "postgresql://user@host:5432/ems (password: ~/.pgpass)", _without_password)
LIBPQ_DATABASE = matching(LIBPQ, "postgresql://ems_web@host:5432/ems (password: ~/.pgpass)", _without_password)
ADDRESS = matching(WEB_ADDRESS, "an address such as https://host/path", _without_password)
SAFE_SERVICE = matching(SAFE_ADDRESS, "an address with https:// and without a path", repr)
TOKEN = matching(BOT_TOKEN, "the token as @BotFather tells it, such as 123456:ABC...", _length)
MAIL = matching(MAILBOX, "one address such as ems@example.org", repr)
PUSH_SECRET = matching(SCALAR, "the private key as `ems notify push-key` writes it", _length)
PUSH_POINT = matching(POINT, "the public key as `ems notify push-key` prints it", repr)
PUSH_HOSTS = Form("names of hosts, *. for all below one, separated by commas, e.g. fcm.googleapis.com", _push_hosts)
MAIL_LINK = Form("mailto: and an address, such as mailto:ems@example.org", _mail_link)
MAIL_HOST = matching(HOST, "the name of a server alone, such as smtp.example.org", repr)
SERVER_HOST = matching(HOST, "the name or address of a server alone, such as homeassistant.local", repr)
TOPIC = matching(re.compile(r"[a-zA-Z0-9_-]{1,40}"), "one word of letters, digits, _ and -", repr)
MAIL_PASSWORD = matching(
    PRINTABLE_ASCII, "a password of ASCII characters; many providers make one for programs", _length
)
SECRET_ADDRESS = matching(WEB_ADDRESS, "an address such as https://host/path", _length)


USER = whole_number(1, 999_999_999, "a number such as 7")
LANGUAGE = matching(re.compile("[a-z]{2}"), "two letters such as en", repr)
WEBHOOK = matching(INBOUND, "the webhook as the portal shows it, such as https://firm.bitrix24.eu/rest/7/...", _length)


def _instant(text: str) -> datetime:
    found = datetime.fromisoformat(text)
    if found.tzinfo is None:
        raise ValueError
    return found.astimezone(UTC)


INSTANT = Form("an instant with its offset, such as 2026-03-01T12:00:00Z", _instant)
