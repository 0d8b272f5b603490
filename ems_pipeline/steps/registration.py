"""The registry follows the site files: good ones are registered, of the others people are told.

What is registered goes on whatever becomes of its file; it ends by `ems site remove`, or by a file that says so.
"""

from dataclasses import dataclass, field

from ems_pipeline import control
from ems_pipeline.control.outcome import Outcome
from ems_pipeline.plain_text import plain
from ems_pipeline.sites import Site, SiteFileError
from ems_pipeline.steps.platform import ALL_SITES, Platform
from ems_pipeline.steps.shards import Shard
from ems_pipeline.warehouse import DatabaseUnavailable, alarms
from ems_pipeline.warehouse import sites as registry
from ems_pipeline.warehouse.alarms import Trouble
from ems_pipeline.warehouse.engine import Connection

FILE = "site-file:"
"""How the kind of a site file's alarm begins; the name of the file follows."""
UNREADABLE = "its configuration cannot be read"
MISSING = FILE + "missing"
CONFIG = "site-config"
"""Kind of the alarm of a registered site whose configuration cannot be read."""


@dataclass(frozen=True)
class Registration:
    """What a look at the site files came to: the sites with a good file, versions added, what is wrong elsewhere."""

    sites: list[Site] = field(default_factory=list)
    changed: int = 0
    faults: list[str] = field(default_factory=list)
    faulty: dict[str, str] = field(default_factory=dict)
    """By the site that a faulty file says it is, or is called by: one of its faults."""


def follow_files(platform: Platform) -> Registration:
    """Register every good site file; file an alarm for every other and end those of files that are good again."""
    now, found = platform.clock.now(), platform.read_sites()
    wrong = [item for item in found if isinstance(item, SiteFileError)]
    good, changed, refused = [], 0, {}
    unwanted = {error.site_key or error.path.stem for error in wrong if error.withdraws}
    for site in (item for item in found if isinstance(item, Site)):
        try:
            with platform.warehouse.begin() as connection:
                changed += registry.register(connection, [site], now)
            good.append(site)
        except DatabaseUnavailable:
            raise
        except Exception as error:  # whatever is wrong with this one: the others are registered
            refused[site.key] = f"site {site.key} cannot be registered: {plain(error)}"
            unwanted |= set() if site.control.enabled else {site.key}
    changed += sum(_withdraw(platform, key) for key in sorted(unwanted - {site.key for site in good}))
    with platform.warehouse.begin() as connection:
        known = registry.active_keys(connection)
        troubles = _of_files(wrong, known) + _refused(refused, known) + _missing(good, wrong, refused, known)
        alarms.settle(connection, FILE, troubles, now)
    faulty = {error.site_key or error.path.stem: str(error) for error in wrong} | refused
    return Registration(good, changed, [*map(str, wrong), *refused.values()], faulty)


def _withdraw(platform: Platform, key: str) -> int:
    """Of a file that cannot be used its ``control: {enabled: false}`` counts all the same: the rest is as registered.

    Returns:
        Number of versions added.
    """
    with platform.warehouse.begin() as connection:
        try:
            site = registry.newest(connection, key)
        except LookupError:  # never registered: nothing is steered
            return 0
        off = site.model_copy(update={"control": site.control.model_copy(update={"enabled": False})})
        return registry.restate(connection, off, platform.clock.now()) if site.control.enabled else 0


def let_go_unreadable(platform: Platform, shard: Shard = ALL_SITES) -> list[Outcome]:
    """Sites whose newest configuration cannot be read: an alarm each, and the devices of the shard's are handed back.

    They are released by the newest configuration that can be read; the others know nothing of it.
    """
    now = platform.clock.now()
    with platform.warehouse.begin() as connection:
        unreadable = registry.unreadable(connection)
        troubles = [Trouble(key, CONFIG, "critical", _out_of_service(key, why)) for key, why in unreadable.items()]
        alarms.settle(connection, CONFIG, troubles, now)
        found = [_last_readable(connection, key) for key in unreadable if shard.holds(key)]
    return [
        outcome
        for site in found
        if site is not None
        for outcome in control.release_site(platform.warehouse, site, now, platform.clock, UNREADABLE)
    ]


def _last_readable(connection: Connection, key: str) -> Site | None:
    try:
        return registry.newest(connection, key)
    except LookupError:
        return None


def _out_of_service(key: str, why: str) -> str:
    return (
        f"the registered configuration of {key} cannot be read: {why}. It is neither measured nor steered; "
        "save its site file once more, or `ems site add` it"
    )


def _of_files(wrong: list[SiteFileError], known: list[str]) -> list[Trouble]:
    """An alarm per file, of its site where that is registered; two files of one name cannot be."""
    return [
        Trouble(_site_of(error, known), FILE + plain(error.path.name), "warning", _goes_on(error, known))
        for error in wrong
    ]


def _goes_on(error: SiteFileError, known: list[str]) -> str:
    site = _site_of(error, known)
    if site and error.withdraws:
        return f"{error}\n{site} is not steered, as the file says; for the rest it goes on as it was registered before"
    return (
        f"{error}\n{site} goes on as it was registered before; `ems control disarm {site}` stops that"
        if site
        else str(error)
    )


def _site_of(error: SiteFileError, known: list[str]) -> str | None:
    """The registered site a broken file is about: as it says itself, or as it is called."""
    return next((key for key in (error.site_key, error.path.stem) if key in known), None)


def _refused(refused: dict[str, str], known: list[str]) -> list[Trouble]:
    return [Trouble(key if key in known else None, f"{FILE}{key}", "warning", text) for key, text in refused.items()]


def _missing(good: list[Site], wrong: list[SiteFileError], refused: dict[str, str], known: list[str]) -> list[Trouble]:
    """Sites in service that no file speaks of; silent while a file cannot be told whose it is."""
    about = [_site_of(error, known) for error in wrong]
    if None in about:
        return []
    gone = sorted(set(known) - {site.key for site in good} - refused.keys() - set(about))
    text = (
        "no site file says key: {key} any more; it goes on as registered. Put the file back, or `ems site remove {key}`"
    )
    return [Trouble(key, MISSING, "warning", text.format(key=key)) for key in gone]
