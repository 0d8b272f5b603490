"""The ways to single persons that the environment names."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, cast

from ems_pipeline import settings
from ems_pipeline.errors import EmsError
from ems_pipeline.notify.mail import Mail, Server, is_address
from ems_pipeline.notify.notice import Way
from ems_pipeline.notify.push import Push
from ems_pipeline.notify.telegram import Telegram


class NoSender(EmsError, ValueError):
    """A way is set up but for whom it is from."""


def telegram(environ: Mapping[str, str] | None = None) -> Telegram | None:
    """The bot; None where no token is named. SecretUnreadable, WrongSetting: see `Setting.read`."""
    token = settings.TELEGRAM_TOKEN.read(environ)
    return Telegram(token, settings.TELEGRAM_URL.read(environ)) if token else None


def mail(environ: Mapping[str, str] | None = None) -> Mail | None:
    """The SMTP server; None where none is named.

    Raises:
        NoSender: see there. SecretUnreadable, WrongSetting: see `Setting.read`.
    """
    host = settings.SMTP_HOST.read(environ)
    if host is None:
        return None
    user = settings.SMTP_USER.read(environ)
    sender = settings.SMTP_FROM.read(environ) or (user if user and is_address(user) else None)
    if sender is None:
        raise NoSender("EMS_SMTP_HOST is set, and nothing says whom e-mail is from", "set EMS_SMTP_FROM")
    security = cast(Literal["starttls", "tls"], settings.SMTP_SECURITY.read(environ))
    password = settings.SMTP_PASSWORD.read(environ)
    return Mail(Server(host, settings.SMTP_PORT.read(environ), security, sender, user, password))


def push(environ: Mapping[str, str] | None = None) -> Push | None:
    """To browsers; None where no key is named. Errors as of `mail`."""
    key = settings.PUSH_KEY.read(environ)
    if key is None:
        return None
    contact = settings.PUSH_CONTACT.read(environ)
    if contact is None:
        raise NoSender("EMS_PUSH_KEY is set, and nothing says whom push services write to", "set EMS_PUSH_CONTACT")
    return Push(key, contact, settings.PUSH_PUBLIC_KEY.read(environ), settings.PUSH_SERVICES.read(environ))


def to_persons(environ: Mapping[str, str] | None = None) -> list[Way]:
    """All of them; errors as above."""
    return [way for way in (telegram(environ), mail(environ), push(environ)) if way is not None]
