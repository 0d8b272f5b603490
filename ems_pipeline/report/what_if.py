"""An owner's question as one HTML file without any outside reference: what each variant saves a year, how sure that
is, and when an investment is back."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from markupsafe import Markup

from ems_pipeline.backtest.payback import Answered
from ems_pipeline.pictures.whiskers import Whisker, Whiskers, whiskers
from ems_pipeline.report.template import template

YEAR_DAYS = 365
SIMPLIFIED = {
    "batteries": "several batteries are lived as one",
    "inverters": "AC limits of inverters are left out",
    "efficiency": "efficiencies by power or charge are left out, those of the file's constants hold",
    "courses": "plans go along the forecast alone; live ones reckon with several courses",
    "capacity": "the charge on the peak is not in the money",
}


@dataclass(frozen=True)
class WhatIfPage:
    """What is shown of an answered question; ``rows`` begin with the site as it is.

    Args:
        is_own: lived on what was measured at the site; otherwise on files that were named.
        faults: months that could not be lived, and why.
    """

    key: str
    study: str
    site: str
    currency: str
    first: date
    last: date
    is_own: bool
    left_out: Sequence[str]
    rows: Sequence[Answered]
    faults: Mapping[str, str]

    @property
    def lived_days(self) -> int:
        """Days that were lived as the site is."""
        return self.rows[0].days

    @property
    def notes(self) -> list[str]:
        """What the figures rest on, in sentences: nothing is extended or left out silently."""
        asked = (self.last - self.first).days + 1
        source = "what was measured at the site" if self.is_own else "the files that were named"
        told = [f"{self.lived_days} of {asked} days from {self.first} to {self.last} lived, on {source}"]
        if self.lived_days < YEAR_DAYS - 1:
            told.append(
                f"{self.lived_days} days stand for a year: their mean day times 365.25; seasons that are not among "
                "them are not known"
            )
        told.append("cars and heat pumps draw what they drew, whatever a variant changes")
        told += [SIMPLIFIED[name] for name in self.left_out]
        return told + [f"{where} is not lived: {why}" for where, why in self.faults.items()]

    @property
    def as_json(self) -> dict[str, Any]:
        """All of it, for programs."""
        said = {name: value for name, value in asdict(self).items() if name != "rows"}
        said |= {"first": str(self.first), "last": str(self.last), "notes": self.notes}
        return said | {"variants": [asdict(row) for row in self.rows]}


def back(row: Answered) -> str:
    """When the investment of a variant is back, in words."""
    if row.invested is None:
        return "price not said"
    if row.invested == 0:
        return "nothing invested"
    if row.payback_years is None:
        return "does not pay back"
    years = row.payback_years
    return f"{years.value:.1f} years ({years.low:.1f} to {years.high:.1f})"


def html(page: WhatIfPage) -> str:
    """The page of a question."""
    return template("what_if.html.j2").render(
        page=page, back=back, saved=_saved(page), payback=_payback(page)
    )  # fmt: skip


def _saved(page: WhatIfPage) -> Markup | None:
    shown = [Whisker(row.variant, row.saved.value, row.saved.low, row.saved.high) for row in page.rows[1:]]
    title = "saved a year against the site as it is"
    return (
        whiskers(Whiskers(shown, f"{page.currency} a year", title, f"{title}, with 95 % intervals")) if shown else None
    )


def _payback(page: WhatIfPage) -> Markup | None:
    known = [(row.variant, row.payback_years) for row in page.rows if row.payback_years is not None]
    if not known:
        return None
    shown = [Whisker(name, years.value, years.low, years.high) for name, years in known]
    return whiskers(Whiskers(shown, "years", "years until it is back", "years until it is back, with 95 % intervals"))
