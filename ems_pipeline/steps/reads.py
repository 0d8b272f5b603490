"""One read for many sites; where it fails, one for each, so that a site whose rows cannot be read costs itself."""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from logging import Logger
from typing import TypeVar

from ems_pipeline.plain_text import told
from ems_pipeline.sites import Site
from ems_pipeline.warehouse import DatabaseUnavailable, Warehouse
from ems_pipeline.warehouse.engine import Connection

T = TypeVar("T")
Read = Callable[[Connection, Sequence[Site]], Mapping[str, T]]
"""From sites to what is known of each, by key."""


def of_each(warehouse: Warehouse, sites: Sequence[Site], read: Read[T], logger: Logger) -> dict[str, Callable[[], T]]:
    """What a read knows of each of the sites, in order and for all of them: whoever asks for a site's own gets it.

    The sites are read at once, in one transaction. Where that fails each is read alone when it is asked for, and what
    went wrong is raised there; the log says so, for it costs a multiple.

    Raises:
        DatabaseUnavailable: that is everybody's.
    """
    try:
        with warehouse.begin() as connection:
            found = read(connection, sites)
        return {site.key: partial(found.__getitem__, site.key) for site in sites}
    except DatabaseUnavailable:
        raise
    except Exception as fault:  # whatever it is, it may be one site's
        logger.warning(f"{len(sites)} sites cannot be read at once and are read one by one: {told(fault)}")
        return {site.key: partial(_alone, warehouse, site, read) for site in sites}


def _alone(warehouse: Warehouse, site: Site, read: Read[T]) -> T:
    with warehouse.begin() as connection:
        return read(connection, [site])[site.key]
