"""A lost way is one alarm of its site, whatever engines did before."""

from __future__ import annotations

from ems_pipeline.gensets.snapshot import Link
from ems_pipeline.scada.routes import KIND, troubles


def test_a_lost_site_is_one_critical_alarm_however_many_controllers_it_has() -> None:
    links = {("hall", "set-1"): Link.DOWN, ("hall", "set-2"): Link.DOWN, ("mill", "set-1"): Link.GOOD}
    (one,) = troubles(links, {("hall", "set-2"): "no usable answer in 2 s"})
    assert (one.site_key, one.kind, one.severity) == ("hall", KIND, "critical")
    assert one.text.startswith("no controller of the site answers")
    assert one.text.endswith("no usable answer in 2 s")


def test_a_part_of_a_site_is_a_warning_that_names_it() -> None:
    (one,) = troubles({("hall", "set-1"): Link.GOOD, ("hall", "set-2"): Link.DOWN}, {})
    assert (one.severity, one.text[:6]) == ("warning", "set-2 ")


def test_what_was_not_answered_once_is_no_alarm() -> None:
    assert troubles({("hall", "set-1"): Link.STALE}, {}) == []
