"""Browsers are told by the services of their makers: encrypted for them alone, and nobody learns where they are."""

from __future__ import annotations

import logging
from collections.abc import Iterator

import pytest
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric import ec

from ems_pipeline import settings
from ems_pipeline.notify import push as pushing
from ems_pipeline.notify import subscription, ways
from ems_pipeline.notify.choice import Wishes
from ems_pipeline.notify.notice import Blocked, Down, Held, Message, NotSent, Unreached, Unsure
from ems_pipeline.notify.push import Push
from ems_pipeline.notify.subscription import NoSubscription
from ems_pipeline.notify.telegram import Telegram
from ems_pipeline.plant.push_twin import FAULTS, PushTwin, serving_push
from ems_pipeline.plant.telegram_twin import TelegramTwin
from ems_pipeline_tests.notices.browser import Browser, coded, decoded
from ems_pipeline_tests.notices.conftest import House

PRIVATE, PUBLIC = pushing.new_key()
HERE = ("127.0.0.1",)
SAID = Message("warning: home01: a", "warning: home01: a: so it is", "k" * 24, severity="warning")


@pytest.fixture
def service() -> Iterator[PushTwin]:
    with serving_push(PUBLIC, patience_s=0.6) as twin:
        yield twin


@pytest.fixture
def push() -> Push:
    return Push(PRIVATE, "mailto:ems@example.org", PUBLIC, HERE, timeout_s=2.0)


@pytest.fixture
def browser() -> Browser:
    return Browser()


def test_the_browser_of_these_tests_reads_the_example_of_rfc_8291() -> None:
    """Section 5 and appendix A."""
    number = int.from_bytes(decoded("q1dXpw3UpT5VOmu_cf_v6ih07Aems3njxI-JWgLcM94"), "big")
    browser = Browser(key=ec.derive_private_key(number, ec.SECP256R1()), auth=decoded("BTBZMqHH6r4Tts7J_aSIgg"))
    body = decoded(
        "DGv6ra1nlYgDCS1FRnbzlwAAEABBBP4z9KsN6nGRTbVYI_c7VJSPQTBtkgcy27mlmlMoZIIgDll6e3vCYLocInmYWAmS6TlzAC8wEqKK6PBr"
        "u3jl7A_yl95bQpu6cVPTpK4Mqgkf1CXztLVBSt2Ks3oZwbuwXPXLWyouBWLVWGNWQexSgSxsj_Qulcy4a-fN"
    )
    assert browser.opened(body) == b"When I grow up, I want to be a watermelon"


def test_a_message_is_for_its_browser_alone_and_says_what_the_alarm_says(
    service: PushTwin, push: Push, browser: Browser
) -> None:
    push.send(browser.at(service.address), SAID)
    (told,) = service.pushed
    assert browser.read(told.body) == {"title": SAID.subject, "body": SAID.text, "tag": SAID.key}
    assert (told.ttl_s, told.urgency) == (4 * 3600, "normal")
    assert b"home01" not in told.body
    with pytest.raises(InvalidTag):
        Browser(auth=browser.auth).opened(told.body)


def test_people_are_told_by_their_browser_as_by_any_other_way(
    house: House, service: PushTwin, push: Push, browser: Browser
) -> None:
    house.person("anna")
    house.browser("anna", browser.at(service.address), Wishes(least_severity="critical"))
    for kind, severity in (("dust", "warning"), ("fire", "critical"), ("flood", "critical")):
        house.alarm(kind, severity)
    for _ in range(2):
        house.teller(push).look()
        house.later(seconds=20)
    (told,) = service.pushed
    assert browser.read(told.body)["body"] == "critical: home01: fire: so it is\ncritical: home01: flood: so it is"
    assert (told.ttl_s, told.urgency) == (24 * 3600, "high")


def test_what_does_not_fit_follows_and_a_long_one_is_cut_below_three_kilobytes(
    house: House, service: PushTwin, push: Push, browser: Browser
) -> None:
    house.person("anna")
    house.browser("anna", browser.at(service.address))
    for kind in ("a", "b", "c"):
        house.alarm(kind, text="é€" * 300)
    for _ in range(4):
        house.teller(push).look()
        house.later(seconds=20)
    bodies = [browser.read(told.body)["body"] for told in service.pushed]
    assert [kind for body in bodies for kind in "abc" if f": {kind}: " in body] == ["a", "b", "c"]
    for most in (pushing.MOST_BYTES, pushing.SHORT_BYTES):
        assert most - 60 < len(pushing.payload(Message("s", '"€\n' * 5000, "k"), most)) <= most


def test_what_is_too_large_for_a_service_is_said_shorter(service: PushTwin, push: Push, browser: Browser) -> None:
    service.faults.add("narrow")
    push.send(browser.at(service.address), Message("s", "x" * 5000, "k"))
    assert service.calls == 2
    assert browser.read(service.pushed[0].body)["body"].endswith("x…")


@pytest.mark.parametrize(
    ("fault", "error"),
    [("broken", NotSent), ("lost", Unsure), ("slow", Unsure), ("wrong-key", Blocked), ("elsewhere", NotSent)],
)
def test_each_fault_of_a_service_is_what_it_is_and_tells_nobody_where_the_browser_is(
    service: PushTwin, browser: Browser, fault: str, error: type[NotSent]
) -> None:
    assert fault in FAULTS
    push = Push(PRIVATE, "mailto:ems@example.org", PUBLIC, HERE, timeout_s=0.3)
    service.faults |= {fault, "echo"}
    with pytest.raises(NotSent) as said:
        push.send(browser.at(service.address), SAID)
    assert type(said.value) is error
    assert "secret" not in f"{said.value!r} {said.value}"
    assert service.calls == 1, "nobody follows a redirect, and nothing is repeated at once"


def test_a_browser_that_ended_it_is_blocked_and_an_alarm_by_the_other_ways(
    house: House, service: PushTwin, push: Push, twin: TelegramTwin, telegram: Telegram,
    caplog: pytest.LogCaptureFixture,
) -> None:  # fmt: skip
    caplog.set_level(logging.DEBUG)
    house.person("anna")
    house.chat("anna", 101)
    for path, code in (("/push/one-secret", 404), ("/push/two-secret", 410)):
        service.gone[path] = code
        house.browser("anna", Browser(path).at(service.address))
    house.alarm("a")
    for _ in range(3):
        house.teller(push).look()
        house.teller(telegram).look()
        house.later(seconds=20)
    assert service.calls == 2, "and not tried again"
    assert sorted(kind.rpartition(":")[0] for kind in house.open()) == [
        "",
        "channel-blocked:push",
        "channel-blocked:push",
    ]
    assert "anna is not told by push any more" in "\n".join(twin.texts(101))
    assert "secret" not in caplog.text + "".join(house.open().values())
    house.browser("anna", Browser("/push/one-secret").at(service.address))
    service.gone.clear()
    house.teller(push).look()
    assert len(service.pushed) == 1, "bound again it is told"


def test_a_pause_that_the_service_asks_for_is_kept(service: PushTwin, push: Push, browser: Browser) -> None:
    for said, after_s in (("30", 30), ("999999", 3600), ("Wed, 21 Oct 2026 07:28:00 GMT", 60), ("", 60), ("-1", 60)):
        service.floods[browser.path] = said
        with pytest.raises(Held) as held:
            push.send(browser.at(service.address), SAID)
        assert held.value.after_s == after_s


def test_a_browser_that_was_bound_by_another_key_is_blocked_and_the_others_are_told(
    house: House, service: PushTwin, push: Push, browser: Browser
) -> None:
    stale = Browser("/push/stale")
    service.gone[stale.path] = 403
    for name, one in (("anna", stale), ("zoe", browser)):
        house.person(name)
        house.browser(name, one.at(service.address))
    house.alarm("a")
    teller = house.teller(push)
    for _ in range(4):
        teller.look()
        house.later(seconds=30)
    assert [told.path for told in service.pushed] == [browser.path] * 2, "of the alarm, and of the blocked browser"
    assert service.calls == 3
    assert sorted(kind.partition(":")[0] for kind in house.open()) == ["a", "channel-blocked"]


def test_a_service_that_is_away_keeps_no_other_browser_waiting_and_is_an_alarm_until_one_is_told(
    house: House, service: PushTwin, push: Push, browser: Browser
) -> None:
    for name, address in (("anna", "http://127.0.0.1:9"), ("zoe", service.address)):
        house.person(name)
        house.browser(name, browser.at(address))
    house.alarm("a")
    teller = house.teller(push)
    teller.look()
    assert len(service.pushed) == 1
    for _ in range(12):
        house.later(seconds=30)
        teller.look()
    assert "push by 127.0.0.1: no answer" in house.open()["notices-push"]
    house.alarm("b")
    for _ in range(2):
        teller.look()
    assert len(service.pushed) == 2
    assert "notices-push" not in house.open()


def test_a_browser_whose_service_takes_not_even_a_short_message_is_blocked(
    service: PushTwin, push: Push, browser: Browser
) -> None:
    service.gone[browser.path] = 413
    with pytest.raises(Blocked, match="not even"):
        push.send(browser.at(service.address), SAID)
    assert service.calls == 2


def test_a_service_that_is_away_is_not_reached_and_the_key_is_looked_at(browser: Browser, push: Push) -> None:
    push.check()
    with pytest.raises(Unreached, match=r"push by 127\.0\.0\.1: no answer"):
        push.send(browser.at("http://127.0.0.1:9"), SAID)
    with pytest.raises(Unreached):
        push.check()
    with pytest.raises(Down, match="EMS_PUSH_PUBLIC_KEY"):
        Push(PRIVATE, "mailto:a@b.cz", pushing.new_key()[1], HERE).check()
    with pytest.raises(Down, match="no key of P-256"):
        Push("A" * 43, "mailto:a@b.cz", None, HERE).check()


@pytest.mark.parametrize(
    "endpoint",
    [
        "http://fcm.googleapis.com/fcm/send/x", "https://fcm.googleapis.com.evil.example/x", "https://192.168.1.1/x",
        "https://evilpush.apple.com.example/x", "https://anna@fcm.googleapis.com/x", "https://push.apple.com/x",
        "https://fcm.googleapis.com:8443/x", "https://fcm.googleapis.com/x#y", "ftp://fcm.googleapis.com/x",
        "https://127.0.0.1/x", "https://[::1]/x", "https://[fd00::1/x", "https://fcm.googleapis.com/a b", "",
        "https://fcm.googleapis.com\\@10.0.0.1/x", "https://fcm.googleapis.com/" + "x" * 1000,
        "https://fcm.googleapis.com:99999/x", "https://evil-push.apple.com/x",
    ],
)  # fmt: skip
def test_no_other_server_is_ever_asked(endpoint: str, browser: Browser) -> None:
    with pytest.raises(NoSubscription):
        subscription.checked(endpoint, coded(browser.point), coded(browser.auth), settings.KNOWN_PUSH)


def test_known_services_are_taken_and_keys_that_are_none_are_not(browser: Browser) -> None:
    point, auth = coded(browser.point), coded(browser.auth)
    for host in (
        "fcm.googleapis.com",
        "web.push.apple.com",
        "updates.push.services.mozilla.com",
        "a.notify.windows.com",
    ):
        found = subscription.checked(f"https://{host}/x", point, auth, settings.KNOWN_PUSH)
        assert (found.host, repr(found)) == (host, "Subscription()")
    for wrong in ((point[:-2], auth), (point, auth[:-2]), ("é", auth), (coded(b"\2" + browser.point[1:]), auth)):
        with pytest.raises(NoSubscription):
            subscription.checked("https://fcm.googleapis.com/x", *wrong, settings.KNOWN_PUSH)
    off_curve = coded(b"\4" + bytes(64))
    with pytest.raises(Blocked, match="no point"):
        Push(PRIVATE, "mailto:a@b.cz", PUBLIC, HERE).send(f"http://127.0.0.1:9/x {off_curve} {auth}", SAID)


def test_the_way_is_there_where_its_key_is() -> None:
    environ = {"EMS_PUSH_KEY": PRIVATE, "EMS_PUSH_PUBLIC_KEY": PUBLIC}
    with pytest.raises(ways.NoSender, match="EMS_PUSH_CONTACT"):
        ways.to_persons(environ)
    (way,) = ways.to_persons(environ | {"EMS_PUSH_CONTACT": "mailto:a@example.org"})
    way.check()
    for wrong in ("10.0.0.1", "com", "*", "https://fcm.googleapis.com", "*.127.0.0.1"):
        with pytest.raises(settings.WrongSetting):
            settings.PUSH_SERVICES.read({"EMS_PUSH_SERVICES": wrong})
