"""The fifth step: a contract by template. Its numbers are where to begin, not a price list: they are marked until
somebody says that they are those of his contract. Amounts without VAT, per kWh, in the site's currency.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from ems_pipeline.web.setup import typed
from ems_pipeline.web.setup.typed import Texts, wrong

Part = dict[str, Any]
TWENTY_HOURS = "00:00-08:45, 09:45-11:45, 12:45-16:45, 17:45-19:45, 20:45-00:00"
EIGHT_HOURS = "22:00-06:00"


@dataclass(frozen=True)
class Template:
    """A kind of contract: what is asked, and what stands there at first (empty: nothing does)."""

    key: str
    currency: str | None
    """None: any."""
    energy: str
    fields: dict[str, str]
    sell: str

    @property
    def has_two_registers(self) -> bool:
        return "low_windows" in self.fields


_CZECH = {"fee": "0.399", "levies": "0.19254", "vat_pct": "21", "monthly": "409.87", "sell": "0.35"}
TEMPLATES = {
    t.key: t
    for t in (
        Template("nl-dynamic", "EUR", "spot", {
            "fee": "0.0182", "network": "0", "levies": "0.0916", "vat_pct": "21", "monthly": "7", "sell": "0.0182",
        }, "spot"),
        Template("de-dynamic", "EUR", "spot", {
            "fee": "0.02", "network": "0.09", "levies": "0.06656", "vat_pct": "19", "monthly": "15", "sell": "0.0786",
        }, "fixed"),
        Template("cz-d57d", "CZK", "spot", {
            **_CZECH, "network": "0.55", "network_low": "0.2045", "low_windows": TWENTY_HOURS,
        }, "spot"),
        Template("cz-d25d", "CZK", "spot", {
            **_CZECH, "network": "2.25245", "network_low": "0.1165", "low_windows": EIGHT_HOURS,
        }, "spot"),
        Template("spot", None, "spot", {
            "fee": "", "network": "", "levies": "", "vat_pct": "", "monthly": "", "sell": "",
        }, "spot"),
        Template("two-rate", None, "fixed", {
            "price": "", "price_low": "", "low_windows": "", "vat_pct": "", "monthly": "", "sell": "",
        }, "fixed"),
        Template("flat", None, "fixed", {"price": "", "vat_pct": "", "monthly": "", "sell": ""}, "fixed"),
    )
}  # fmt: skip
LABELS = {
    "fee": "the supplier's fee", "network": "the network's price", "network_low": "the network's low price",
    "levies": "taxes and levies", "price": "the price", "price_low": "the low price",
}  # fmt: skip


def offered(currency: str, market_zone: str) -> list[Template]:
    """Templates that may be of a site: its currency's and everybody's, without a market those of fixed prices."""
    fitting = [t for t in TEMPLATES.values() if t.currency in (None, currency)]
    return [t for t in fitting if market_zone != "none" or "spot" not in (t.energy, t.sell)]


def suggested(market_zone: str, currency: str) -> str:
    """The template of the site's country, else that of any spot contract."""
    country = market_zone.split("-")[0].lower()
    mine = (t.key for t in offered(currency, market_zone) if t.key.startswith(f"{country}-"))
    return next(mine, "flat" if market_zone == "none" else "spot")


def meant(texts: Texts, currency: str) -> Part:
    """The tariff of a document.

    Raises:
        Problem: the first field that cannot be taken.
    """
    template = TEMPLATES.get(texts.get("template", ""))
    if template is None:
        raise wrong("template", "no contract is chosen", "choose the one that is most like yours")
    numbers = {
        name: typed.number(texts, name, label, -20, 50) for name, label in LABELS.items() if name in template.fields
    }
    windows = typed.spans(texts.get("low_windows", "")) if template.has_two_registers else []
    if template.has_two_registers and not windows:
        raise wrong("low_windows", "the hours of the low rate are missing", "write them as 22:00-06:00, 13:00-15:00")
    is_mine = texts.get("is_mine") == "yes"
    return {
        "name": template.key if is_mine else f"{template.key}, numbers unverified",
        "currency": currency,
        "periods": [{
            "valid_from": f"{typed.day(texts, 'valid_from', 'since when it holds')}",
            "vat": typed.number(texts, "vat_pct", "VAT, %", 0, 50) / 100,
            "energy": _energy(template, numbers),
            "distribution": _distribution(template, numbers, windows),
            "levies_per_kwh": {"levies": numbers["levies"]} if "levies" in numbers else {},
            "monthly": {"all": typed.number(texts, "monthly", "the fixed amount of a month", 0, 100_000)},
            "sell": _sell(template, texts),
        }],
    }  # fmt: skip


def _energy(template: Template, numbers: dict[str, float]) -> Part:
    if template.energy == "spot":
        return {"kind": "spot", "fee_per_kwh": numbers["fee"]}
    low = {"low_price_per_kwh": numbers["price_low"]} if "price_low" in numbers else {}
    return {"kind": "fixed", "price_per_kwh": numbers["price"], **low}


def _distribution(template: Template, numbers: dict[str, float], windows: list[dict[str, str]]) -> Part:
    high = {"rate": template.key, "high_per_kwh": numbers.get("network", 0.0)}
    low = {"low_per_kwh": numbers.get("network_low", 0.0), "low_windows": windows}
    return high | low if windows else high


def _sell(template: Template, texts: Texts) -> Part:
    if template.sell == "spot":
        return {"kind": "spot", "fee_per_kwh": typed.number(texts, "sell", "what is kept of a kWh sold", -20, 50)}
    return {"kind": "fixed", "price_per_kwh": typed.number(texts, "sell", "what a kWh sold brings", -20, 50)}
