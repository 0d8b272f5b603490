"""Day or night at a place: hand-checked instants of almanacs."""

from __future__ import annotations

from datetime import UTC, datetime

from ems_pipeline.weather import sun

PRAGUE, TROMSO = (50.09, 14.42), (69.65, 18.96)


def test_the_sun_is_down_at_night_and_up_by_day_and_never_sets_in_the_arctic_summer() -> None:
    asked = [
        (datetime(2026, 3, 20, 12, 0, tzinfo=UTC), PRAGUE, False),
        (datetime(2026, 3, 20, 23, 0, tzinfo=UTC), PRAGUE, True),
        (datetime(2026, 6, 21, 2, 30, tzinfo=UTC), PRAGUE, True),  # sunrise 04:52 summer time
        (datetime(2026, 6, 21, 3, 5, tzinfo=UTC), PRAGUE, False),
        (datetime(2026, 6, 21, 23, 0, tzinfo=UTC), TROMSO, False),
        (datetime(2026, 12, 21, 11, 0, tzinfo=UTC), TROMSO, True),
    ]
    found = sun.is_down([at for at, _, _ in asked], *zip(*(place for _, place, _ in asked), strict=True))
    assert found.tolist() == [down for _, _, down in asked]
