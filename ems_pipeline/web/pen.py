"""The pictures of plans and of this moment, in the reader's language; `drawn` puts pictures into pages.

A plan that exists does not change: what is drawn of it is kept, and only the mark of the present instant is drawn anew.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from itertools import groupby
from typing import Any, Literal
from uuid import UUID

from markupsafe import Markup

from ems_pipeline import time_grid
from ems_pipeline.api.kept import Kept
from ems_pipeline.api.reading import Row
from ems_pipeline.pictures.flow import Flow, Node, flow
from ems_pipeline.pictures.gauge import Gauge, gauge
from ems_pipeline.pictures.panel import Band, Panel, Series, Span
from ems_pipeline.pictures.paths import Values
from ems_pipeline.pictures.slot_chart import NARROW, Form, SlotChart
from ems_pipeline.pictures.words import Words
from ems_pipeline.units import from_kilo
from ems_pipeline.web import drawn
from ems_pipeline.web.said import Said
from ems_pipeline.web.words import modes, sentences

LEAST_KW = 0.0005
Gettext = Callable[[str], str]


@dataclass(frozen=True)
class Pen:
    """Draws for one reader and one site.

    Args:
        kept: what has been drawn of plans.
        plan_id: whose quarter-hours are shown.
    """

    say: Said
    _: Gettext
    kept: Kept[Any]
    plan_id: UUID | None

    @cached_property
    def words(self) -> Words:
        """What pictures write of their own accord."""
        _ = self._
        texts = {"now": _("now"), "no_data": _("no data"), "clock": _("clock"), "unexplained": _("unexplained")}
        return drawn.words(self.say, texts | {"reserve": _("reserve")})

    def flow(self, measured: Row, kinds: frozenset[str]) -> Markup:
        """Power between the parts that the site has.

        Args:
            measured: the bus as `routes.now` tells it.
            kinds: of the site's assets, as `routes.sites` names them.
        """
        _ = self._
        age = self.say.ago(measured["as_of"]) if measured["as_of"] else ""
        parts = [
            ("grid", _("Grid"), True), ("pv", _("PV"), "pv" in kinds), ("genset", _("Genset"), "gensets" in kinds),
            ("battery", _("Battery"), "batteries" in kinds), ("load", _("House"), True),
            ("ev", _("Cars"), "chargers" in kinds), ("heat_pump", _("Heat pump"), "heat_pumps" in kinds),
        ]  # fmt: skip
        nodes = [
            Node(name.replace("_", " "), said, _watts(measured[f"{name}_kw"]))  # type: ignore[arg-type]
            for name, said, is_there in parts
            if is_there
        ]
        summary = "; ".join(f"{node.name}: {self.words.power(node.power_w)}" for node in nodes)
        return flow(Flow(nodes, _("Power now"), f"{summary}. {age}", words=self.words))

    def charge(self, soc_pct: float | None, reserve_pct: float | None, note: str) -> Markup:
        """State of charge with its reserve."""
        return gauge(Gauge(soc_pct, self._("State of charge"), reserve_pct, note, words=self.words))

    def hours(self, slots: Sequence[Row], now: datetime, *, is_narrow: bool) -> Markup:
        """The next hours on the first page: price, what the batteries do, power at the meter, charge."""

        def panels() -> list[Panel]:
            powers = self._powers(slots, ("grid", "battery", "pv"))
            return [self._prices(slots), *self._mode_strip(slots), powers, *self._charge(slots)]

        return self._chart(slots, panels, now, self._("The next hours"), form=NARROW if is_narrow else drawn.BROAD)

    def plan(self, slots: Sequence[Row], bands: Sequence[Band], now: datetime) -> Markup:
        """A plan: price with what a kWh more would be worth, modes, powers, expectation with p10 to p90, charge, house.

        Args:
            bands: of the expectation, in the order of the slots.
        """

        def panels() -> list[Panel]:
            powers = self._powers(slots, ("grid", "battery", "pv", "ev", "heat_pump", "genset"))
            panels = [self._prices(slots, "marginal value"), *self._mode_strip(slots), powers]
            return [*panels, self._expected(slots, bands), *self._charge(slots), *self._indoor(slots)]

        told = tuple((b.name, *b.low, *b.high) for b in bands)  # may be forecast again, in hindsight
        return self._chart(slots, panels, now, self._("The plan"), told, form=drawn.BROAD)

    def _key(self, slots: Sequence[Row], *what: Any) -> tuple[Any, ...] | None:
        """All that a drawing of these quarter-hours depends on: of other days the day is written, too."""
        if self.plan_id is None or not slots:
            return None
        say = self.say
        reader = str(say.locale), say.zone.key, say.currency, say.local(say.now).date()
        return (self.plan_id, slots[0]["starts_at"], len(slots), *reader, *what)

    def rows(self, slots: Sequence[Row]) -> Iterator[tuple[bool, str, str, str, list[str], str]]:
        """Rows of a picture's table, the present one marked."""
        say = self.say
        for slot in slots:
            starts_at: datetime = slot["starts_at"]
            figures = [
                *(say.number(slot[price], 2) for price in ("buy_per_kwh", "sell_per_kwh")),
                *(say.power(slot[power]) for power in ("grid_kw", "pv_kw", "load_kw")),
                say.share(slot["soc_pct"]),
            ]
            is_now = starts_at <= say.now < starts_at + time_grid.SLOT
            mode, why = modes.short(self._, slot["mode"]), sentences.said(slot["reason"], say.locale.language)
            yield is_now, say.stamp(starts_at), say.time(starts_at), mode, figures, why

    def _chart(
        self, slots: Sequence[Row], panels: Callable[[], Sequence[Panel]], now: datetime, title: str, *told: Any,
        form: Form,
    ) -> Markup:  # fmt: skip
        is_shown = bool(slots) and slots[0]["starts_at"] <= now <= slots[-1]["starts_at"] + time_grid.SLOT
        moment = now if is_shown else None
        key = self._key(slots, title, form, is_shown, *told)

        def chart() -> SlotChart:
            starts = [slot["starts_at"] for slot in slots]
            summary = self.say.span(starts[0], starts[-1]) if starts else ""
            return SlotChart(starts, panels(), self.say.zone, title, summary, moment, form, self.words)

        return drawn.standing(self.kept, key, chart, moment)

    @cached_property
    def _names(self) -> dict[str, str]:
        """What a series of a colour is called."""
        _ = self._
        return {
            "buy": _("buy"), "sell": _("sell"), "marginal value": _("worth of a kWh"), "grid": _("grid"),
            "battery": _("battery"), "pv": _("PV"), "ev": _("cars"), "heat pump": _("heat pump"),
            "genset": _("genset"), "load": _("house"), "soc": _("planned"), "indoor": _("planned"),
        }  # fmt: skip

    def _series(
        self, colour: str, values: Values, *, shape: Literal["step", "line"] = "step", is_dashed: bool = False
    ) -> Series:
        return Series(self._names[colour], values, shape, is_dashed, colour)

    def _prices(self, slots: Sequence[Row], *more: str) -> Panel:
        named = {"buy": "buy_per_kwh", "sell": "sell_per_kwh", "marginal value": "marginal_value_per_kwh"}
        series = [self._series(name, column(slots, named[name])) for name in ("buy", "sell", *more)]
        return Panel(self._("price"), f"{self.say.currency}/kWh", series)

    def _powers(self, slots: Sequence[Row], names: Sequence[str]) -> Panel:
        """Those that are ever anything."""
        series = [self._series(name.replace("_", " "), column(slots, f"{name}_kw")) for name in names]
        return Panel(self._("power"), "kW", [s for s in series if any(abs(v or 0.0) > LEAST_KW for v in s.values)])

    def _expected(self, slots: Sequence[Row], bands: Sequence[Band]) -> Panel:
        """What house and PV were expected to be; of bands of more slots than are shown the first count."""
        named = (("load", "load_kw"), ("pv", "pv_available_kw"))
        series = [self._series(name, column(slots, of), is_dashed=True) for name, of in named]
        shown = [Band(self._names[b.name], b.low[: len(slots)], b.high[: len(slots)], b.name) for b in bands]
        return Panel(self._("expected"), "kW", series, shown)

    def _mode_strip(self, slots: Sequence[Row]) -> Iterator[Panel]:
        """What the batteries do as a strip; nothing without one."""
        if all(slot["soc_pct"] is None for slot in slots):
            return
        yield Panel(self._("battery"), "", spans=list(self._spans(slots)))

    def _spans(self, slots: Sequence[Row]) -> Iterator[Span]:
        for mode, group in groupby(slots, key=lambda slot: str(slot["mode"])):
            first, *_rest = members = list(group)
            until = members[-1]["starts_at"] + time_grid.SLOT
            yield Span(first["starts_at"], until, modes.short(self._, mode), mode if mode in modes.COLOURED else "hold")

    def _charge(self, slots: Sequence[Row]) -> Iterator[Panel]:
        if any(slot["soc_pct"] is not None for slot in slots):
            series = [self._series("soc", column(slots, "soc_pct"), shape="line", is_dashed=True)]
            yield Panel(self._("charge level"), "%", series, bounds=(0, 100))

    def _indoor(self, slots: Sequence[Row]) -> Iterator[Panel]:
        if any(slot["indoor_c"] is not None for slot in slots):
            series = [self._series("indoor", column(slots, "indoor_c"), shape="line", is_dashed=True)]
            yield Panel(self._("room"), "°C", series, has_zero=False)


def column(slots: Sequence[Row], name: str) -> list[float | None]:
    """A value of every slot; money comes as text."""
    return [None if slot[name] is None else float(slot[name]) for slot in slots]


def band(name: str, quarters: Sequence[Row], slots: Sequence[Row]) -> Band:
    """p10 to p90 of a forecast, kW, at the slots of a plan; None where nothing was forecast."""
    at = {row["start"]: row for row in quarters}
    found = [at.get(slot["starts_at"], {}) for slot in slots]
    return Band(name, [row.get("p10_kw") for row in found], [row.get("p90_kw") for row in found])


def _watts(kw: float | None) -> float | None:
    return None if kw is None else from_kilo(kw)
