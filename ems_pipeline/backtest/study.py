"""What is asked of a backtest: homes, months, and variants of each home that are lived through side by side.

A variant is a patch: of the site file, of its tariff, of the planner's options, or another forecaster. Mappings are
merged, parts of a list are named by their key (``batteries: {pack: {capacity_wh: 20000}}``), null takes away, and
whatever else is given replaces what stood there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field, ValidationError, model_validator

from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import plain
from ems_pipeline.sites import Site, document
from ems_pipeline.sites.faults import listed
from ems_pipeline.sites.planner import SolverOptions
from ems_pipeline.sites.record import Key, Pct, Record
from ems_pipeline.sites.revised import Document

SiteOf = Callable[[str, Path], Document]
"""The document of a site, by the path of its file (beside the study's) or the key it is registered by."""
Forecaster = Literal["model", "persistence", "perfect"]
"""Who says what load and PV will be: the product's models, the last fortnight, or who has seen what came."""


class StudyInvalid(EmsError, ValueError):
    """A study that cannot be lived; the text names its part and the remedy."""

    usual = "correct what is named"


class Files(Record):
    """History from files, as `plant.recording` reads them; a euro of their prices is ``per_eur`` in site currency."""

    files: tuple[Path, ...] = Field(min_length=1)
    price_zone: str | None = None
    per_eur: float = Field(1.0, gt=0)
    pv_sleeps: bool = False
    """The inverter is silent at night: a slot without a PV value made none. Otherwise it was not measured."""


class Home(Record):
    """A home of a study: the site as its file says it, and what happened there; without files the warehouse tells."""

    key: Key
    site: Document
    history: Files | None = None


class Options(SolverOptions):
    """What is asked of the planner where it is not asked what the live decision is.

    ``value`` decides from the value of stored energy where that is exact (`backtest.exact`), ``plans`` by a plan each.
    """

    method: Literal["value", "plans"] = "value"


class Variant(Record):
    """One way in which every home of a study is lived."""

    site: Document = Field(default_factory=dict)
    tariff: Document = Field(default_factory=dict)
    planner: Options = Options()
    forecaster: Forecaster = "model"

    def of(self, home: Home) -> Site:
        """The home's site under this variant.

        Raises:
            StudyInvalid: what comes out is no site; all of its faults are listed.
        """
        changed = patched(patched(home.site, self.site), {"tariff": self.tariff} if self.tariff else {})
        try:
            return Site.model_validate(changed)
        except ValidationError as error:
            faults = "\n".join(f"  {fault}" for fault in listed(changed, error))
            raise StudyInvalid(f"home {home.key} is no site under a variant:\n{faults}") from None


class Study(Record):
    """What is lived: every variant of every home in every whole month from ``first`` to ``last``.

    Each month begins with a battery at ``start_soc_pct``, so that months are lived in any order and in parallel; what
    is in the cells at their end is settled like that of any other day.
    """

    study: Key
    first: date
    last: date
    start_soc_pct: Pct = 50.0
    homes: tuple[Home, ...] = Field(min_length=1)
    variants: Annotated[dict[Key, Variant], Field(min_length=1)]

    @model_validator(mode="after")
    def _makes_sense(self) -> Study:
        if self.last < self.first:
            raise ValueError(f"last {self.last} lies before first {self.first}; swap them")
        keys = [home.key for home in self.homes]
        if twice := sorted({key for key in keys if keys.count(key) > 1}):
            raise ValueError(f"homes {twice} are named twice; give each a key of its own")
        return self

    @property
    def months(self) -> list[date]:
        """First days of the months, in order."""
        count = (self.last.year - self.first.year) * 12 + self.last.month - self.first.month + 1
        begun = self.first.year * 12 + self.first.month - 1
        return [date((begun + k) // 12, (begun + k) % 12 + 1, 1) for k in range(count)]

    def days_of(self, month: date) -> tuple[date, date]:
        """First and last day of the study in a month."""
        following = date(month.year + month.month // 12, month.month % 12 + 1, 1)
        return max(self.first, month), min(self.last, date.fromordinal(following.toordinal() - 1))


def patched(whole: Any, patch: Any) -> Any:
    """``whole`` with ``patch`` in it; neither is changed.

    Raises:
        StudyInvalid: a part that is named by its key is not there.
    """
    if not isinstance(patch, Mapping):
        return patch
    if isinstance(whole, list):
        return _parts(whole, patch)
    merged = dict(whole) if isinstance(whole, Mapping) else {}
    for name, wanted in patch.items():
        if wanted is None:
            merged.pop(name, None)
        else:
            merged[name] = patched(merged.get(name), wanted)
    return merged


def _parts(parts: list[Any], patch: Mapping[str, Any]) -> list[Any]:
    keys = [str(part.get("key")) if isinstance(part, Mapping) else "" for part in parts]
    if unknown := sorted(set(patch) - set(keys)):
        raise StudyInvalid(f"a patch names {unknown}, and there is {keys}", "name a part by its key, or give a list")
    named = ((part, patch.get(key, {})) for key, part in zip(keys, parts, strict=True))
    return [patched(part, change) for part, change in named if change is not None]


def read_study(path: Path, site_of: SiteOf) -> Study:
    """The study in a YAML file; paths in it are beside the file.

    Args:
        site_of: who finds the sites that it names.

    Raises:
        StudyInvalid: it cannot be read, or is no study; all faults are listed.
    """
    try:
        said = document.read(path)
    except document.DocumentError as error:
        raise StudyInvalid(f"study {plain(path)} {error.what}", error.remedy) from None
    if not isinstance(said, dict) or not isinstance(said.get("homes"), list):
        raise StudyInvalid(f"study {plain(path)} names no homes", "give a list `homes:`, see docs/backtest.md")
    whole = said | {"homes": list(_homes(said["homes"], path.parent, site_of))}
    try:
        return Study.model_validate(whole)
    except ValidationError as error:
        faults = "\n".join(f"  {'.'.join(map(str, one['loc'])) or 'study'}: {one['msg']}" for one in error.errors())
        raise StudyInvalid(f"study {plain(path)} is no study:\n{faults}") from None


def _homes(said: list[Any], beside: Path, site_of: SiteOf) -> Iterator[Document]:
    for one in said:
        if not isinstance(one, dict) or not isinstance(one.get("site"), str):
            raise StudyInvalid(f"home {plain(str(one))} names no site", "write `- site: home01` or the path of a file")
        site = site_of(one["site"], beside)
        home = {"key": site["key"]} | one | {"site": site}
        if isinstance(history := one.get("history"), dict) and isinstance(history.get("files"), list):
            home["history"] = history | {"files": [str((beside / name).resolve()) for name in history["files"]]}
        yield home
