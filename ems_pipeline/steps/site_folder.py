"""The folder of site files, each read by itself and held against what the maps and the markets know."""

from pathlib import Path

from ems_pipeline import settings
from ems_pipeline.devices.installed import obedience
from ems_pipeline.devices.points.map_file import MapFileError, load_map
from ems_pipeline.sites import Site, SiteFileError, load_site, load_sites, market_zones
from ems_pipeline.sites.loader import faulty


def site_folder() -> Path:
    """``EMS_SITES``, or ``sites`` below the working directory."""
    return settings.SITES.read().resolve()


def read_site(path: Path) -> Site:
    """The site in a file, usable as it stands.

    Raises:
        SiteFileError: every fault of the file, maps and market zone included.
    """
    site = load_site(path, known={"map": _unknown_map, "market_zone": market_zones.fault})
    if faults := list(obedience.misfits(site)):
        raise faulty(path, faults, site.key, withdraws=not site.control.enabled)
    return site


def read_sites() -> list[Site | SiteFileError]:
    """What the files of the folder say; a file that cannot be used costs no other anything."""
    return load_sites(site_folder(), read_site)


def _unknown_map(name: str) -> str:
    try:
        load_map(name)
    except MapFileError as error:
        return str(error)
    return ""
