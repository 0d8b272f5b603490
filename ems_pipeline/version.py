"""Which code this is: the release, and a fingerprint of what the package and its SQL consist of.

The release alone does not tell two states of a checkout apart; a commit is not known where the package is installed.
"""

import functools
import hashlib
import platform
from importlib.metadata import version
from pathlib import Path

from ems_pipeline import __version__, settings

PACKAGE = Path(__file__).parent
SQL = settings.SQL_DIR.read() or PACKAGE.parent / "sql"
"""Where migrations, functions and views stand: what settles a quarter-hour is code as well."""
DECIDING = ("highspy", "numpy", "polars")
"""Libraries whose arithmetic is in a decision."""
SUFFIXES = {".py", ".yaml", ".json", ".j2", ".sql"}


@functools.cache
def code_version() -> str:
    """``0.1.0+1a2b3c4d5e6f``: equal for equal code, wherever it lies; what a process has loaded it keeps."""
    digest = hashlib.sha256()
    for folder in (PACKAGE, SQL):
        for path in sorted(folder.rglob("*")):
            if path.suffix in SUFFIXES and path.is_file():
                digest.update(f"{path.relative_to(folder)}\0".encode())
                digest.update(path.read_bytes())
    return f"{__version__}+{digest.hexdigest()[:12]}"


@functools.cache
def libraries() -> dict[str, str]:
    """Python and the libraries whose arithmetic is in a decision, each with its version."""
    return {"python": platform.python_version()} | {name: version(name) for name in DECIDING}
