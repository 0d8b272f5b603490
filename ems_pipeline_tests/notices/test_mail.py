"""E-mail leaves within verified TLS or not at all, and nothing of it can begin another header."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest

from ems_pipeline.notify.mail import is_address
from ems_pipeline.notify.notice import Blocked, Down, Message, NotSent, Unsure
from ems_pipeline.plant.smtp_twin import SmtpTwin, serving_smtp
from ems_pipeline_tests.notices.conftest import PASSWORD, House, mail

SAID = Message("critical: home01: fire", "critical: home01: fire: caf\u00e9\n.\nstill here", "abc")


@pytest.mark.parametrize("security", ["starttls", "tls"])
def test_a_letter_arrives_as_it_was_said_and_nothing_before_tls_is_secret(
    certificate: Path, security: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate.with_name("cert.pem")))
    with serving_smtp(SmtpTwin(certificate, "ems", PASSWORD, security)) as twin:
        mail(twin).send("anna@example.org", SAID)
        mail(twin).send("anna@example.org", SAID)
    first, second = twin.letters
    assert first.get_content().splitlines() == ["critical: home01: fire: caf\u00e9", ".", "still here"]
    assert (first["From"], first["To"], first["Subject"]) == ("ems@home.example", "anna@example.org", SAID.subject)
    assert first["Message-ID"] == second["Message-ID"] == "<ems.abc@home.example>", "the same again is known as such"
    assert twin.recipients == ["anna@example.org"] * 2
    assert {words[:4] for words in twin.plain_words} <= {"ehlo", "STAR"}


def test_a_certificate_that_does_not_verify_is_refused_before_anything_is_told(
    certificate: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SSL_CERT_FILE", raising=False)
    for security in ("starttls", "tls"):
        with serving_smtp(SmtpTwin(certificate, "ems", PASSWORD, security)) as twin:
            with pytest.raises(Down, match=r"the certificate does not verify: .*; name the host"):
                mail(twin).send("anna@example.org", SAID)
            assert (twin.letters, twin.recipients) == ([], [])


def test_a_certificate_of_another_host_is_refused(post: SmtpTwin) -> None:
    with pytest.raises(Down, match="the certificate does not verify: IP address mismatch"):
        mail(post, host="127.0.0.1").send("anna@example.org", SAID)


@pytest.mark.parametrize(
    ("fault", "kind", "why"),
    [
        ("no-tls", Down, "it offers no STARTTLS, .*; set EMS_SMTP_SECURITY=tls"),
        ("login-refused", Down, r"the login is refused \(535\); check EMS_SMTP_USER"),
        ("greylisted", NotSent, "450 come again later; it is tried again"),
        ("no-mailbox", Blocked, "550 no such mailbox; correct the address"),
        ("full", NotSent, "452 no room"),
        ("dropped", Unsure, "the line broke"),
        ("lost", Unsure, "the line broke after the message was said"),
        ("slow", Down, "no conversation"),
    ],
)
def test_each_refusal_is_known_for_what_it_is(post: SmtpTwin, fault: str, kind: type[NotSent], why: str) -> None:
    post.faults.add(fault)
    with pytest.raises(NotSent, match=why) as refused:
        mail(post, timeout_s=0.2 if fault == "slow" else 5.0).send("anna@example.org", SAID)
    assert type(refused.value) is kind
    assert PASSWORD not in str(refused.value), "a server may repeat it"
    assert refused.value.__context__ is None or refused.value.__suppress_context__


def test_whoever_was_asked_to_come_again_comes_and_is_no_trouble(house: House, post: SmtpTwin) -> None:
    house.person("anna")
    house.email("anna", "anna@example.org")
    post.faults.add("greylisted")
    house.alarm("a")
    teller = house.teller(mail(post))
    for _ in range(3):
        teller.look()
        house.later(seconds=15)
    assert len(post.letters) == 1
    assert house.open().keys() == {"a"}


def test_a_mailbox_that_is_not_there_is_asked_once_and_is_an_alarm(house: House, post: SmtpTwin) -> None:
    house.person("anna")
    number = house.email("anna", "anna@example.org")
    post.faults.add("no-mailbox")
    house.alarm("a")
    teller = house.teller(mail(post))
    for _ in range(3):
        teller.look()
        house.later(minutes=5)
    assert "550 no such mailbox" in house.open()[f"channel-blocked:email:{number}"]


def test_an_alarm_cannot_write_headers_of_its_own(house: House, post: SmtpTwin) -> None:
    """Whatever a device says of itself."""
    house.person("anna")
    house.email("anna", "anna@example.org")
    house.alarm("x\r\nBcc: eve@example.org", text="a\r\nBcc: eve@example.org\r\n\r\n.\r\nMAIL FROM:<eve@example.org>")
    house.teller(mail(post)).look()
    (letter,) = post.letters
    assert letter["Bcc"] is None
    assert letter["Subject"] == "warning: home01: x Bcc: eve@example.org"
    assert post.recipients == ["anna@example.org"]


@pytest.mark.parametrize(
    "address",
    [
        "", "anna", "anna@", "@example.org", "a b@example.org", "a@b@c", "anna@example.org\nBcc: eve@example.org",
        "anna@example.org, eve@example.org", "Anna <anna@example.org>", "\"a\"@example.org", "anna@exa mple.org",
        "anna@example.org.", ".a@example.org", "a..b@example.org", "a@-b", "\u00e1nna@example.org", "a@[127.0.0.1]",
    ],
)  # fmt: skip
def test_what_is_no_single_address_is_refused(address: str) -> None:
    assert not is_address(address)


@pytest.mark.parametrize(
    "address", ["anna@example.org", "a.b+ems@mail.example.org", "o'neil@example.org", "a@localhost"]
)
def test_what_is_one_is_taken(address: str) -> None:
    assert is_address(address)


def test_the_password_is_in_no_log_and_no_error(house: House, post: SmtpTwin, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    house.person("anna")
    house.email("anna", "anna@example.org")
    house.alarm("a")
    wrong = "An0ther-Gehe1m"
    teller = house.teller(mail(post, password=wrong))
    for _ in range(12):
        teller.look()
        house.later(seconds=15)
    assert "the login is refused (535)" in house.open()["notices-email"]
    assert wrong not in caplog.text + repr(house.open()) + repr(mail(post, password=wrong)) + repr(teller)
