"""`make dictionary`: docs/data-dictionary.md and `catalogue.json` as a migrated database describes itself.

The words are those of `sql/comments/`; here is only how the page looks. Sections and their order are its files'.
"""

from __future__ import annotations

import re
import tempfile
from collections.abc import Iterator
from pathlib import Path

from sqlalchemy.engine import Connection, make_url

from ems_pipeline.warehouse import Warehouse, catalogue, embedded, migrate

PAGE = Path(__file__).parents[1] / "docs" / "data-dictionary.md"
OPENING = """# Data dictionary

Schemas `ems` and (at the end) `study` of the PostgreSQL database, as they describe themselves: `\\d+ ems.site` in psql
says the same, and so does every asset in Dagster. The words stand in `sql/comments/`; `make dictionary` writes this
page from them.
"""
HEADING = re.compile(r"-- (.+)\n((?:-- .+\n)*)\n")
SPOKEN_OF = re.compile(r"^COMMENT ON (?:TABLE|VIEW) (?:ems\.)?([\w.]+) ", re.MULTILINE)
PLACE = re.compile(r"\bdocs/(\w+\.md)\b")


def page(connection: Connection) -> str:
    """The text of the page."""
    return "\n".join([OPENING, str(catalogue.schema(connection)), *_sections(connection)]) + "\n"


def _sections(connection: Connection) -> Iterator[str]:
    relations = catalogue.relations(connection)
    for path in sorted((migrate.SQL / "comments").glob("R__*.sql")):
        text = path.read_text(encoding="utf-8")
        spoken_of = SPOKEN_OF.findall(text)
        heading = HEADING.match(text)
        if heading is None or not (spoken_of or "COMMENT ON ROUTINE" in text):
            continue
        yield f"\n## {heading[1]}"
        if heading[2]:
            yield "\n" + _linked(heading[2].replace("-- ", "").rstrip())
        for name in spoken_of:
            yield from _relation(name, relations[name])
        if not spoken_of:
            yield from _table(("function", "what it does"), *catalogue.routines(connection).items())


def _relation(name: str, relation: catalogue.Relation) -> Iterator[str]:
    yield f"\n### {name}"
    yield _linked(str(relation.meaning))
    rows = [(column.name, column.type, column.meaning) for column in relation.columns]
    yield from _table(("column", "type", "meaning"), *rows)


def _table(heads: tuple[str, ...], *rows: tuple[str | None, ...]) -> Iterator[str]:
    yield "\n| " + " | ".join(heads) + " |"
    yield "|---" * len(heads) + "|"
    for name, *others in rows:
        yield "| " + " | ".join([f"`{name}`", *(_linked(str(other)) for other in others)]) + " |"


def _linked(text: str) -> str:
    """Names of pages beside this one as links."""
    return PLACE.sub(r"[\1](\1)", text)


def main() -> None:
    """Write both files from a database made for it."""
    with tempfile.TemporaryDirectory(prefix="ems-", ignore_cleanup_errors=True) as folder:
        data = Path(folder) / "pg"
        warehouse = Warehouse(make_url(embedded.start(data)).set(drivername="postgresql+psycopg"))
        try:
            migrate.upgrade(warehouse)
            with warehouse.begin() as connection:
                PAGE.write_text(page(connection), encoding="utf-8")
                catalogue.COPY.write_text(catalogue.copied(catalogue.relations(connection)), encoding="utf-8")
        finally:
            warehouse.close()
            embedded.stop(data)


if __name__ == "__main__":
    main()
