"""A mail server as a program that sends meets it: STARTTLS or TLS, a login, and what such servers refuse for."""

from __future__ import annotations

import base64
import email
import socket
import socketserver
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.policy import SMTP
from pathlib import Path

FAULTS: dict[str, str] = {
    "no-tls": "STARTTLS is not offered",
    "login-refused": "user and password are not taken: 535",
    "greylisted": "whoever was never seen before is asked to come again: 450, once",
    "no-mailbox": "the recipient is not known: 550",
    "full": "the message is refused after it was said: 452",
    "dropped": "the line is cut before the message is said",
    "lost": "the message is taken and the line is cut before the answer",
    "slow": "every answer takes longer than anybody waits",
}
"""What the server does wrong, by name."""


@dataclass
class SmtpTwin:
    """A server with one login."""

    certificate: Path
    """Certificate and key in one PEM file."""
    user: str
    password: str
    security: str = "starttls"
    patience_s: float = 30.0
    faults: set[str] = field(default_factory=set)
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[str] = field(default_factory=list)
    plain_words: list[str] = field(default_factory=list)
    """What was said before TLS began."""
    port: int = 0
    _seen: set[str] = field(default_factory=set)

    def context(self) -> ssl.SSLContext:
        found = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        found.load_cert_chain(self.certificate)
        return found

    def is_new(self, address: str) -> bool:
        """Whether a recipient is asked for the first time."""
        is_new = address not in self._seen
        self._seen.add(address)
        return is_new

    def taken(self, data: bytes, recipients: list[str]) -> None:
        self.letters.append(email.message_from_bytes(data, policy=SMTP))
        self.recipients += recipients


class _Cut(Exception):
    """The line is cut."""


class _Conversation:
    """One client, from the greeting to the end."""

    def __init__(self, twin: SmtpTwin, wire: socket.socket) -> None:
        self._twin, self._wire = twin, wire
        self._is_secret = twin.security == "tls"
        if self._is_secret:
            self._wire = twin.context().wrap_socket(wire, server_side=True)
        self._reader = self._wire.makefile("rb")
        self._recipients: list[str] = []
        self._is_known = False

    def hold(self) -> None:
        self._say("220 twin.example ESMTP")
        while line := self._reader.readline():
            words = line.decode("ascii", "replace").rstrip("\r\n")
            if not self._is_secret:
                self._twin.plain_words.append(words)
            if not self._answered(words):
                return

    def _answered(self, words: str) -> bool:
        """Answer one line; False: the conversation is over."""
        verb, faults = words[:4].upper(), self._twin.faults
        if "slow" in faults:
            time.sleep(self._twin.patience_s)
        if verb == "EHLO":
            self._say("250-twin.example")
            if not self._is_secret and "no-tls" not in faults:
                self._say("250-STARTTLS")
            self._say("250 AUTH PLAIN" if self._is_secret else "250 HELP")
        elif verb == "STAR" and not self._is_secret and "no-tls" not in faults:
            self._say("220 go on")
            self._wire = self._twin.context().wrap_socket(self._wire, server_side=True)
            self._reader, self._is_secret = self._wire.makefile("rb"), True
        elif verb == "AUTH":
            self._login(words)
        elif verb == "MAIL":
            self._say("250 ok" if self._is_known else "530 log in first")
        elif verb == "RCPT":
            self._recipient(words.partition("<")[2].partition(">")[0])
        elif verb == "DATA":
            self._message()
        elif verb == "QUIT":
            self._say("221 bye")
            return False
        else:
            self._say("250 ok")
        return True

    def _login(self, words: str) -> None:
        """AUTH PLAIN (RFC 4616), with its first answer in the same line."""
        given = base64.b64decode(words.split()[-1]).decode().split("\0")[1:]
        is_right = given == [self._twin.user, self._twin.password] and "login-refused" not in self._twin.faults
        self._is_known = is_right
        self._say("235 welcome" if is_right else f"535 no such login {given[-1]}")  # some repeat what they were told

    def _recipient(self, address: str) -> None:
        if "no-mailbox" in self._twin.faults:
            self._say("550 no such mailbox")
        elif "greylisted" in self._twin.faults and self._twin.is_new(address):
            self._say("450 come again later")
        else:
            self._recipients.append(address)
            self._say("250 ok")

    def _message(self) -> None:
        if "dropped" in self._twin.faults:
            raise _Cut
        self._say("354 go on")
        lines: list[bytes] = []
        while (line := self._reader.readline()) not in (b".\r\n", b""):
            lines.append(line.removeprefix(b".") if line.startswith(b"..") else line)
        if "full" in self._twin.faults:
            self._say("452 no room")
            return
        self._twin.taken(b"".join(lines), self._recipients)
        self._recipients = []
        if "lost" in self._twin.faults:
            raise _Cut
        self._say("250 taken")

    def _say(self, line: str) -> None:
        self._wire.sendall(f"{line}\r\n".encode())

    def end(self) -> None:
        self._reader.close()
        self._wire.close()


@contextmanager
def serving_smtp(twin: SmtpTwin) -> Iterator[SmtpTwin]:
    """The server at a free port of this machine; its port is the twin's."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            try:
                conversation = _Conversation(twin, self.request)
            except OSError:
                return  # the client does not trust the certificate
            try:
                conversation.hold()
            except (OSError, _Cut):
                return  # the client has gone, or is to think so
            finally:
                conversation.end()

    class Server(socketserver.ThreadingTCPServer):
        daemon_threads = True
        block_on_close = False

    with Server(("127.0.0.1", 0), Handler) as server:
        twin.port = int(server.server_address[1])
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
        thread.start()
        try:
            yield twin
        finally:
            server.shutdown()
            thread.join(timeout=10)
