"""The pictures of plans and of this moment, in the reader's language; `drawn` puts pictures into pages."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import groupby
from typing import Literal

from markupsafe import Markup

from ems_pipeline import time_grid
from ems_pipeline.api.reading import Row
from ems_pipeline.pictures.flow import Flow, Node, flow
from ems_pipeline.pictures.gauge import Gauge, gauge
from ems_pipeline.pictures.panel import Band, Panel, Series, Span
from ems_pipeline.pictures.paths import Values
from ems_pipeline.pictures.slot_chart import NARROW, WIDE, SlotChart, slot_chart
from ems_pipeline.pictures.words import Words
from ems_pipeline.units import from_kilo
from ems_pipeline.web import drawn
from ems_pipeline.web.said import Said
from ems_pipeline.web.words import modes

PHONE_HOURS = timedelta(hours=24)
LEAST_KW = 0.0005
Gettext = Callable[[str], str]


@dataclass(frozen=True)
class Pen:
    """Draws for one reader and one site."""

    say: Said
    _: Gettext

    @property
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
        _ = self._
        panels = [self._prices(slots), *self._mode_strip(slots), self._powers(slots, ("grid", "battery", "pv"))]
        return self._chart(slots, [*panels, *self._charge(slots)], now, _("The next hours"), is_narrow=is_narrow)

    def plan(self, slots: Sequence[Row], bands: Sequence[Band], now: datetime, *, is_narrow: bool) -> Markup:
        """A plan: price with what a kWh more would be worth, modes, powers, expectation with p10 to p90, charge, house.

        Args:
            bands: of the expectation, in the order of the slots; of more slots than are shown, the first count.
        """
        _ = self._
        bands = [Band(b.name, b.low[: len(slots)], b.high[: len(slots)]) for b in bands]
        expected = Panel(
            _("expected"), "kW",
            [self._series("load", column(slots, "load_kw"), is_dashed=True),
             self._series("pv", column(slots, "pv_available_kw"), is_dashed=True)],
            [Band(self._name(b.name), b.low, b.high, b.name) for b in bands],
        )  # fmt: skip
        powers = self._powers(slots, ("grid", "battery", "pv", "ev", "heat_pump", "genset"))
        panels = [self._prices(slots, "marginal value"), *self._mode_strip(slots), powers, expected]
        panels += [*self._charge(slots), *self._indoor(slots)]
        return self._chart(slots, panels, now, _("The plan"), is_narrow=is_narrow)

    def rows(self, slots: Sequence[Row]) -> Iterator[dict[str, str | bool]]:
        """The cells of a picture's table: written here, since a template takes twice as long for each."""
        say = self.say
        for slot in slots:
            starts_at: datetime = slot["starts_at"]
            yield {
                "is_now": starts_at <= say.now < starts_at + time_grid.SLOT,
                "stamp": say.stamp(starts_at),
                "time": say.time(starts_at),
                "mode": modes.short(self._, slot["mode"]),
                "buy": say.number(slot["buy_per_kwh"], 2),
                "sell": say.number(slot["sell_per_kwh"], 2),
                "grid": say.power(slot["grid_kw"]),
                "pv": say.power(slot["pv_kw"]),
                "house": say.power(slot["load_kw"]),
                "charge": say.share(slot["soc_pct"]),
                "why": slot["reason"],
            }

    def _chart(
        self, slots: Sequence[Row], panels: Sequence[Panel], now: datetime, title: str, *, is_narrow: bool
    ) -> Markup:
        starts = [slot["starts_at"] for slot in slots]
        summary = self.say.span(starts[0], starts[-1]) if starts else ""
        form = NARROW if is_narrow else WIDE
        return slot_chart(SlotChart(starts, panels, self.say.zone, title, summary, now, form, self.words))

    def _name(self, colour: str) -> str:
        """What a series of that colour is called."""
        _ = self._
        return {
            "buy": _("buy"), "sell": _("sell"), "marginal value": _("worth of a kWh"), "grid": _("grid"),
            "battery": _("battery"), "pv": _("PV"), "ev": _("cars"), "heat pump": _("heat pump"),
            "genset": _("genset"), "load": _("house"), "soc": _("planned"), "indoor": _("planned"),
        }[colour]  # fmt: skip

    def _series(
        self, colour: str, values: Values, *, shape: Literal["step", "line"] = "step", is_dashed: bool = False
    ) -> Series:
        return Series(self._name(colour), values, shape, is_dashed, colour)

    def _prices(self, slots: Sequence[Row], *more: str) -> Panel:
        named = {"buy": "buy_per_kwh", "sell": "sell_per_kwh", "marginal value": "marginal_value_per_kwh"}
        series = [self._series(name, column(slots, named[name])) for name in ("buy", "sell", *more)]
        return Panel(self._("price"), f"{self.say.currency}/kWh", series)

    def _powers(self, slots: Sequence[Row], names: Sequence[str]) -> Panel:
        """Those that are ever anything."""
        series = [self._series(name.replace("_", " "), column(slots, f"{name}_kw")) for name in names]
        return Panel(self._("power"), "kW", [s for s in series if any(abs(v or 0.0) > LEAST_KW for v in s.values)])

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
