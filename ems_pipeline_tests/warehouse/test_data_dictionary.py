"""What everything in the database means is said once, in `sql/comments/`; the page and the copy are made from it."""

from __future__ import annotations

from ems_pipeline.warehouse import Warehouse, catalogue, migrate
from ems_pipeline_tests import dictionary

STALE = "words of an older release"


def test_every_table_view_column_and_function_says_what_it_is(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        relations, routines = catalogue.relations(connection), catalogue.routines(connection)
        assert catalogue.schema(connection)
    assert {"site", "telemetry", "vw_setpoint"} <= set(relations)
    silent = [name for name, relation in relations.items() if not relation.meaning]
    silent += [f"{name}.{c.name}" for name, relation in relations.items() for c in relation.columns if not c.meaning]
    silent += [f"{name}()" for name, meaning in routines.items() if not meaning]
    assert silent == [], "add a COMMENT ON in sql/comments/"


def test_the_page_and_the_copy_for_those_without_a_database_are_what_the_database_says(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        assert dictionary.PAGE.read_text(encoding="utf-8") == dictionary.page(connection), "run `make dictionary`"
        assert catalogue.known() == catalogue.relations(connection), "run `make dictionary`"


def test_every_start_replaces_words_of_before_and_speaks_of_views_made_anew(warehouse: Warehouse) -> None:
    with warehouse.begin() as connection:
        before = catalogue.relations(connection), catalogue.routines(connection)
        for name, relation in before[0].items():
            kind = "VIEW" if name.startswith("vw_") else "TABLE"
            whole = name if "." in name else f"ems.{name}"
            connection.exec_driver_sql(f"COMMENT ON {kind} {whole} IS '{STALE}'")
            for column in relation.columns:
                connection.exec_driver_sql(f"COMMENT ON COLUMN {whole}.{column.name} IS '{STALE}'")
    migrate.upgrade(warehouse)
    with warehouse.begin() as connection:
        assert (catalogue.relations(connection), catalogue.routines(connection)) == before
