"""A report is sent once a day, from an hour of the site's own day on, and says what is not known."""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from ems_pipeline.notices import reports
from ems_pipeline.notify.choice import Wishes
from ems_pipeline.plant.smtp_twin import SmtpTwin
from ems_pipeline.sites import Site
from ems_pipeline.steps import settling
from ems_pipeline.time_grid import day_bounds, zone
from ems_pipeline.warehouse.told import Span
from ems_pipeline_tests.api.lived import live
from ems_pipeline_tests.notices.conftest import House, mail

ONLY_HOME01 = frozenset({"home01"})
SUNDAY = date(2026, 3, 1)


def at(house: House, text: str) -> None:
    house.clock.at = datetime.fromisoformat(text).astimezone(UTC)


def subjects(twin: SmtpTwin) -> list[str]:
    return [str(letter["Subject"]) for letter in twin.letters]


def test_a_day_is_reported_once_from_its_hour_on_and_a_week_on_monday(house: House, post: SmtpTwin) -> None:
    house.person("anna")
    house.email("anna", "anna@example.org", Wishes(wants_daily=True, wants_weekly=True, sites=ONLY_HOME01))
    at(house, "2026-03-02T06:59:00+01:00")
    house.teller(mail(post)).look()
    assert post.letters == []
    at(house, "2026-03-02T07:00:00+01:00")
    for _ in range(4):
        house.teller(mail(post)).look()  # each after a restart
    at(house, "2026-03-03T09:00:00+01:00")
    for _ in range(2):
        house.teller(mail(post)).look()
    assert subjects(post) == [
        "Demo home, 2026-03-01: unknown", "Demo home, 2026-02-23 to 2026-03-01: unknown",
        "Demo home, 2026-03-02: unknown",
    ]  # fmt: skip
    assert "Nothing is settled of it: nothing was measured or priced." in post.letters[0].get_content()


def test_a_report_that_was_refused_is_sent_later_and_one_that_may_have_arrived_three_times_at_most(
    house: House, post: SmtpTwin
) -> None:
    house.person("anna")
    house.email("anna", "anna@example.org", Wishes(wants_daily=True, sites=ONLY_HOME01))
    at(house, "2026-03-02T07:00:00+01:00")
    post.faults = {"full"}
    teller = house.teller(mail(post))
    for _ in range(4):
        teller.look()
        house.later(minutes=15)
    assert post.letters == []
    post.faults = {"lost"}
    for _ in range(8):
        teller.look()
        house.later(minutes=20)
    assert len(post.letters) == 3
    assert len({letter["Message-ID"] for letter in post.letters}) == 1


@pytest.fixture
def settled(house: House, home01: Site) -> House:
    """The evening of a lived day, settled."""
    start, end = day_bounds(SUNDAY, zone("Europe/Prague"))
    with house.warehouse.begin() as connection:
        live(connection)
        settling.settle_slots(connection, home01, start, end, end)
        settling.settle_day(connection, home01, start, end, end)
    return house


def test_a_settled_day_comes_in_money_with_its_page(settled: House, post: SmtpTwin) -> None:
    told = reports.message(settled.own, Span("home01", SUNDAY, 1))
    lines = told.text.splitlines()
    assert lines[0] == "Demo home, 2026-03-01"
    assert lines[1].startswith("cost: ")
    assert any("quarter-hours are settled; the rest is unknown" in line for line in lines), "most of it was not lived"
    assert told.attachment is not None
    mail(post).send("anna@example.org", told)
    (letter,) = post.letters
    (page,) = letter.iter_attachments()
    assert (page.get_filename(), page.get_content_type()) == ("home01-2026-03-01.html", "text/html")
    assert "<svg" in page.get_content()
