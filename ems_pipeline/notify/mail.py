"""E-mail by SMTP: always within TLS whose certificate is verified, one message at a time."""

from __future__ import annotations

import smtplib
import ssl
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Literal

from ems_pipeline.notify import wording
from ems_pipeline.notify.notice import Blocked, Down, Message, NotSent, Unsure
from ems_pipeline.plain_text import plain, printable
from ems_pipeline.settings.forms import MAILBOX
from ems_pipeline.time_grid import SystemClock

TIMEOUT_S = 15.0
LONGEST_SUBJECT = 150


def is_address(text: str) -> bool:
    """Whether a text is one address that we send to."""
    return MAILBOX.fullmatch(text) is not None


@dataclass(frozen=True)
class Server:
    """A server that takes messages from us. ``security``: TLS from the first byte, or after STARTTLS; never none."""

    host: str
    port: int
    security: Literal["starttls", "tls"]
    sender: str
    user: str | None = None
    password: str | None = field(default=None, repr=False)


class Mail:
    """Messages by one server."""

    kind = "email"
    has_buttons = False
    longest = wording.LONGEST

    def __init__(self, server: Server, timeout_s: float = TIMEOUT_S) -> None:
        self._server, self._timeout_s = server, timeout_s

    def send(self, address: str, message: Message) -> None:
        """Deliver one message.

        Raises:
            Down: no server, no TLS, a certificate that does not verify, or it does not let us in.
            Blocked: it will never take anything for this address.
            Unsure: the line broke after the message was said. NotSent: try again later.
        """
        text = self._letter(address, message).as_bytes()
        with self._conversation() as smtp:
            self._demand(smtp.mail(self._server.sender), address)
            self._demand(smtp.rcpt(address), address)
            try:
                answer = smtp.data(text)
            except smtplib.SMTPDataError as error:  # refused before the message was said
                raise NotSent(f"{self._where}: {address}: no message is taken ({error.smtp_code})") from None
            except (OSError, smtplib.SMTPException) as error:
                raise Unsure(f"{self._where}: the line broke after the message was said ({_kind(error)})") from None
            self._demand(answer, address)

    def check(self) -> None:
        """Connect, begin TLS and log in, as `send` would; same errors."""
        with self._conversation():
            pass

    def spacing_s(self, address: str) -> float:  # noqa: ARG002 - servers ask for pauses by refusing
        """None that anybody asks for."""
        return 0.0

    @property
    def _where(self) -> str:
        return f"SMTP at {self._server.host}:{self._server.port}"

    @contextmanager
    def _conversation(self) -> Iterator[smtplib.SMTP]:
        """A session within TLS, logged in where there is a user; it ends as well as it can."""
        smtp: smtplib.SMTP | None = None
        try:
            smtp = self._opened()
            yield smtp
            with suppress(OSError, smtplib.SMTPException):  # what was taken stays taken
                smtp.quit()
        except NotSent:
            raise
        except ssl.SSLCertVerificationError as error:
            remedy = (
                "name the host as its certificate does; a CA of your own goes into the file that SSL_CERT_FILE names"
            )
            raise Down(
                f"{self._where}: the certificate does not verify: {plain(error.verify_message)}", remedy
            ) from None
        except smtplib.SMTPAuthenticationError as error:
            remedy = "check EMS_SMTP_USER and EMS_SMTP_PASSWORD; many providers want a password made for programs"
            raise Down(f"{self._where}: the login is refused ({error.smtp_code})", remedy) from None
        except smtplib.SMTPNotSupportedError:
            remedy = "set EMS_SMTP_SECURITY=tls where it speaks TLS from the first byte (port 465)"
            raise Down(f"{self._where}: it offers no STARTTLS, or no login that we know", remedy) from None
        except (OSError, smtplib.SMTPException) as error:
            raise Down(f"{self._where}: no conversation ({_kind(error)})", "check host, port and network") from None
        finally:
            if smtp is not None:
                smtp.close()

    def _opened(self) -> smtplib.SMTP:
        server, context = self._server, ssl.create_default_context()
        smtp: smtplib.SMTP
        if server.security == "tls":
            smtp = smtplib.SMTP_SSL(server.host, server.port, timeout=self._timeout_s, context=context)
        else:
            smtp = smtplib.SMTP(server.host, server.port, timeout=self._timeout_s)
        try:
            if server.security == "starttls":
                smtp.starttls(context=context)
            smtp.ehlo_or_helo_if_needed()
            if server.user is not None:
                smtp.login(server.user, server.password or "")
        except BaseException:
            smtp.close()
            raise
        return smtp

    def _demand(self, answer: tuple[int, bytes], address: str) -> None:
        code, said = answer
        if code // 100 in (2, 3):
            return
        text = f"{self._where}: {address}: {code} {plain(said.decode('utf-8', 'replace'), 200)}"
        if code in (550, 551, 553):
            raise Blocked(text, "correct the address")
        raise NotSent(text)

    def _letter(self, address: str, message: Message) -> EmailMessage:
        letter = EmailMessage(policy=SMTP)
        letter["From"], letter["To"] = self._server.sender, address
        letter["Subject"] = plain(message.subject, LONGEST_SUBJECT)
        letter["Date"] = format_datetime(SystemClock().now())
        domain = self._server.sender.rpartition("@")[2]
        letter["Message-ID"] = f"<ems.{message.key}@{domain}>"
        letter["Auto-Submitted"] = "auto-generated"  # RFC 3834: nobody's absence note comes back
        letter.set_content(printable(message.text) + "\n", cte="quoted-printable")  # no server has to take eight bits
        if message.attachment is not None:
            name, html = message.attachment
            letter.add_attachment(html, subtype="html", filename=name, cte="base64")
        return letter


def _kind(error: BaseException) -> str:
    """An error without what a server said in it: that may repeat a password."""
    said = getattr(error, "smtp_code", None) or getattr(error, "strerror", None)
    return f"{type(error).__name__}: {plain(said, 100)}" if said else type(error).__name__
