"""docs/data-dictionary.md and the database's catalogue name the same things."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
import sqlalchemy as sa

import ems_pipeline
from ems_pipeline.warehouse import Warehouse

PAGE = Path(ems_pipeline.__file__).parents[1] / "docs" / "data-dictionary.md"
COMMON = "Columns that mean the same everywhere"


def documented() -> tuple[dict[str, set[str]], dict[str, list[str]]]:
    """Names in the table under each heading, and the tables it refers to with "Columns as in"."""
    found: dict[str, set[str]] = {}
    borrowed: dict[str, list[str]] = {}
    heading = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if line.startswith("#"):
            heading = line.lstrip("# ")
            found[heading] = set()
        elif line.startswith("Columns as in "):
            borrowed[heading] = re.findall(r"`(\w+)`", line)
        elif row := re.match(r"\| `(\w+)` \| \S", line):
            assert row[1] not in found[heading], f"{heading}.{row[1]} is documented twice"
            found[heading].add(row[1])
    return found, borrowed


@pytest.fixture(scope="module")
def catalogue(warehouse: Warehouse) -> dict[str, set[str]]:
    """Columns by table or view of schema `ems`; partitions are their parent."""
    with warehouse.begin() as connection:
        rows = connection.execute(
            sa.text("""SELECT c.relname, a.attname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                       JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
                       WHERE n.nspname = 'ems' AND c.relkind IN ('r', 'p', 'v') AND NOT c.relispartition""")
        ).all()
    found: dict[str, set[str]] = {}
    for table, column in rows:
        found.setdefault(table, set()).add(column)
    return found


def test_every_table_and_view_has_a_section_and_every_section_its_table(catalogue: dict[str, set[str]]) -> None:
    text = PAGE.read_text(encoding="utf-8")
    sections = set(re.findall(r"^### (\w+)$", text, re.MULTILINE))
    assert sections == set(catalogue), f"add or remove sections of {PAGE.name}: left documented, right in the database"


def test_every_column_is_documented_and_every_documented_column_exists(catalogue: dict[str, set[str]]) -> None:
    pages, borrowed = documented()
    common = pages[COMMON]
    for table, columns in catalogue.items():
        own = pages.get(table, set())
        elsewhere = common.union(*(pages[name] for name in borrowed.get(table, [])))
        assert columns - elsewhere - own == set(), f"columns of {table} without a row in {PAGE.name}"
        assert own - columns == set(), f"rows of {table} in {PAGE.name} without a column"
        assert not own & elsewhere, f"{table} documents again what it shares"
    assert common <= set().union(*catalogue.values()), "common columns that no table has"


def test_every_function_is_documented(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        names = connection.execute(
            sa.text("""SELECT p.proname FROM pg_proc p JOIN pg_namespace n ON n.oid = p.pronamespace
                       WHERE n.nspname = 'ems' AND NOT EXISTS (SELECT FROM pg_depend d WHERE d.objid = p.oid
                                                               AND d.deptype = 'e')""")
        ).scalars()
        assert documented()[0]["Functions"] == set(names)
