"""Functions under ``/rest/rpc``: which may be called by whom, and their arguments as parameters."""

from __future__ import annotations

import json
from collections.abc import Mapping

from psycopg import sql

from ems_pipeline.api.rest import refusals
from ems_pipeline.api.rest.comparing import SQL, Values
from ems_pipeline.api.rest.refusals import Refused
from ems_pipeline.api.rest.relations import OF_NO_SITE, SITE_ARGUMENT, Catalogue, Function, nearest


def chosen(catalogue: Catalogue, name: str, given: Mapping[str, object], sites: frozenset[str] | None) -> Function:
    """The function that takes these arguments, for a caller of these sites (None: of all).

    Raises:
        Refused: there is none, or it is about a site that does not exist for the caller.
    """
    function = catalogue.functions.get(name)
    if function is None:
        raise refusals.no_function(name, sorted(given), nearest(name, catalogue.functions))
    if not function.takes(given):
        takes = f"{name}({', '.join(function.arguments)})"
        raise refusals.no_function(name, sorted(given), takes)
    if sites is not None and name not in OF_NO_SITE and given.get(SITE_ARGUMENT) not in sites:
        raise refusals.no_function(name, sorted(given), None)
    return function


def call(values: Values, function: Function, given: Mapping[str, object]) -> SQL:
    """``ems.name(argument => parameter, ...)``."""
    arguments = [
        sql.SQL("{} => {}::{}").format(
            sql.Identifier(name),
            values.add(_argument(value, function.arguments[name])),
            sql.SQL(function.arguments[name]),
        )
        for name, value in given.items()
    ]
    return sql.SQL("{}({})").format(sql.Identifier("ems", function.name), sql.SQL(", ").join(arguments))


def _argument(value: object, kind: str) -> str | None:
    """A value of JSON as PostgreSQL reads it for a type; a text is taken as it is."""
    if value is None:
        return None
    if isinstance(value, str) and not (kind in ("json", "jsonb") and not _is_json(value)):
        return value
    written = json.dumps(value)
    if "\\u0000" in written:
        raise Refused(400, "22P05", "unsupported Unicode escape sequence", "\\u0000 cannot be converted to text.")
    return written


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True
