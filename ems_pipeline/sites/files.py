"""The site files of a folder for a process that follows them: looked at by their marks, read when one has changed."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path

from ems_pipeline.sites.loader import SiteFileError, load_sites
from ems_pipeline.sites.site import Site

Read = Callable[[Path], Sequence[Site | SiteFileError]]


class Files:
    """The sites of a folder; a file that cannot be used stays what it was."""

    def __init__(self, folder: Path, read: Read = load_sites) -> None:
        self._folder, self._read = folder, read
        self._known: dict[str, Site] = {}
        self.faults: list[str] = []
        """Of the last reading."""

    def marks(self) -> frozenset[tuple[str, int, int]]:
        """What changes when a file does."""
        try:
            entries: Iterable[os.DirEntry[str]] = os.scandir(self._folder)
            found = [(e.name, e.stat().st_mtime_ns, e.stat().st_size) for e in entries if e.name.endswith(".yaml")]
        except OSError:
            return frozenset()
        return frozenset(found)

    def sites(self) -> list[Site]:
        """As the files say now."""
        found = self._read(self._folder)
        faults = [error for error in found if isinstance(error, SiteFileError)]
        faulty = {error.site_key for error in faults}
        kept = self._known if None in faulty else {key: self._known[key] for key in faulty & self._known.keys() if key}
        self._known = kept | {site.key: site for site in found if isinstance(site, Site)}
        self.faults = [str(error) for error in faults]
        return list(self._known.values())
