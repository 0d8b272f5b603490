"""`make settings`: `.env.example` and the table of docs/operations.md, from `ems_pipeline.settings`."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from ems_pipeline.settings import SECTIONS, Family, Secret, Setting

ROOT = Path(__file__).parents[1]
EXAMPLE, TABLE = ROOT / ".env.example", ROOT / "docs" / "operations.md"
HEAD = "| variable | meaning | default |\n|---|---|---|\n"
OPENING = """\
# Every variable that ems-pipeline reads; `make settings` writes this page. None is needed: without any, `ems up` runs
# the demo site from .ems/live. A secret may stand in a file instead: the same name with _FILE holds the file's path.
# Never commit one. Compose reads secrets/site.env (deploy/make-secrets); systemd units name an EnvironmentFile.
"""
COMMENTS_AT = 40


def example() -> str:
    """The text of `.env.example`."""
    parts = [OPENING]
    for title, section in SECTIONS.items():
        parts += [f"\n# --- {title} ---\n", *(_line(setting) for setting in section)]
    return "".join(parts)


def operations() -> str:
    """docs/operations.md with the table as it should be."""
    rows = [_row(setting) for section in SECTIONS.values() for setting in section]
    text = TABLE.read_text(encoding="utf-8")
    return re.sub(re.escape(HEAD) + r"(\|.*\n)*", lambda _: HEAD + "".join(rows), text)


def _line(setting: Setting[Any] | Family[Any]) -> str:
    shown = setting.sample if isinstance(setting, Family) else f"{setting.name}={setting.sample}"
    meaning = f"{'secret: ' if isinstance(setting, Secret) else ''}{setting.meaning}"
    if isinstance(setting, Family):
        meaning += f": {setting.name}"
    if len(shown) > COMMENTS_AT - 2:
        return f"# {meaning}\n#{shown}\n"
    return f"#{shown}".ljust(COMMENTS_AT) + f"# {meaning}\n"


def _row(setting: Setting[Any] | Family[Any]) -> str:
    without = "unset" if isinstance(setting, Family) else setting.without
    meaning = setting.meaning + (" (secret)" if isinstance(setting, Secret) else "")
    return f"| `{setting.name}` | {meaning} | {without} |\n"


if __name__ == "__main__":
    written = {EXAMPLE: example(), TABLE: operations()}
    for path, text in written.items():
        path.write_text(text, encoding="utf-8")
