"""`make release VERSION=0.2.0`: what the changelog tells as unreleased becomes that version, committed and tagged here.

Nothing is pushed; what follows is printed. A tree with changes, a version that is not newer or a changelog that tells
nothing is refused before anything is written.
"""

from __future__ import annotations

import argparse
import re
import subprocess
from datetime import UTC, date, datetime
from pathlib import Path

ROOT = Path(__file__).parents[1]
PACKAGE, CHANGELOG = ROOT / "ems_pipeline" / "__init__.py", ROOT / "CHANGELOG.md"
VERSION = re.compile(r'^__version__ = "(\d+\.\d+\.\d+)"$', re.MULTILINE)
COMPOSE = ROOT / "docker-compose.yml"
IMAGE = re.compile(r"(image: ems-pipeline:)\d+\.\d+\.\d+")
UNRELEASED = re.compile(r"^## Unreleased\n+(.*?)(?=^## |\Z)", re.MULTILINE | re.DOTALL)


class NotReleasable(ValueError):
    """What stands in the way of a release; the text ends with the remedy."""


def renumbered(package: str, version: str) -> str:
    """The package's ``__init__.py`` with the new version.

    Raises:
        NotReleasable: it is not three numbers, or not newer than what the file says.
    """
    if not re.fullmatch(r"\d+\.\d+\.\d+", version):
        raise NotReleasable(f"{version!r} is no version; write three numbers, e.g. make release VERSION=0.2.0")
    found = VERSION.search(package)
    if found is None:
        raise NotReleasable('ems_pipeline/__init__.py has no line __version__ = "X.Y.Z"; write one')
    if _numbers(version) <= _numbers(found[1]):
        raise NotReleasable(f"{version} is not newer than {found[1]}, which ems_pipeline says; name a later one")
    return VERSION.sub(f'__version__ = "{version}"', package, count=1)


def dated(changelog: str, version: str, day: date) -> str:
    """``CHANGELOG.md`` with what was unreleased under the version and its day, and an empty part for what comes.

    Raises:
        NotReleasable: nothing is told of what is new.
    """
    found = UNRELEASED.search(changelog)
    if found is None or not found[1].strip():
        raise NotReleasable("CHANGELOG.md tells nothing under '## Unreleased'; write what changes for people first")
    heading = f"## Unreleased\n\n## {version} ({day.isoformat()})\n\n"
    return changelog[: found.start()] + heading + found[1] + changelog[found.end() :]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def main() -> None:
    """Check, write the three files, commit, tag."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("version", help="three numbers, newer than the last")
    version = parser.parse_args().version
    try:
        if changed := _git("status", "--porcelain"):
            raise NotReleasable(f"the tree has changes; commit them or take them back:\n{changed}")
        package = renumbered(PACKAGE.read_text(encoding="utf-8"), version)
        changelog = dated(CHANGELOG.read_text(encoding="utf-8"), version, datetime.now(UTC).date())
    except NotReleasable as refused:
        parser.exit(1, f"error: {refused}\n")
    PACKAGE.write_text(package, encoding="utf-8")
    CHANGELOG.write_text(changelog, encoding="utf-8")
    COMPOSE.write_text(IMAGE.sub(rf"\g<1>{version}", COMPOSE.read_text(encoding="utf-8")), encoding="utf-8")
    _git("commit", "--quiet", "--all", "--message", f"Release {version}")
    _git("tag", "--annotate", f"v{version}", "--message", f"ems-pipeline {version}")
    print(f"committed and tagged v{version}. Now .ci/run from a clean clone of the tag, then git push --follow-tags")


def _git(*arguments: str) -> str:
    return subprocess.run(["git", *arguments], cwd=ROOT, check=True, capture_output=True, text=True).stdout


if __name__ == "__main__":
    main()
