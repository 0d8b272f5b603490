"""What the headers of a request ask for, and the answer: format, window of rows, count, status."""

from __future__ import annotations

import csv
import io
import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from fastapi import Response
from psycopg import AsyncConnection

from ems_pipeline.api.rest import refusals
from ems_pipeline.api.rest.query import Window
from ems_pipeline.api.rest.refusals import Refused
from ems_pipeline.api.rest.statement import BODY_BYTES, ROWS, Statement

Media: TypeAlias = Literal["application/json", "text/csv", "application/vnd.pgrst.object+json"]
OFFERED: dict[str, Media] = {
    "*/*": "application/json",
    "application/*": "application/json",
    "application/json": "application/json",
    "application/vnd.pgrst.object+json": "application/vnd.pgrst.object+json",
    "application/vnd.pgrst.object": "application/vnd.pgrst.object+json",
    "text/*": "text/csv",
    "text/csv": "text/csv",
}
COUNTED = re.compile(r"(?:^|[,\s])count=(exact|planned|estimated)(?:$|[,\s])")
RANGE = re.compile(r"([0-9]{1,18})-([0-9]{0,18})")


@dataclass(frozen=True)
class Preferences:
    """Of one request; ``range`` only where it is a GET."""

    media: Media
    count: str | None
    range: tuple[int, int | None] | None
    with_body: bool

    @classmethod
    def of(cls, method: str, headers: Mapping[str, str]) -> Preferences:
        """Read them.

        Raises:
            Refused: no format that is asked for is offered.
        """
        counted = COUNTED.search(headers.get("prefer", ""))
        ranged = RANGE.fullmatch(headers.get("range", "").strip()) if method == "GET" else None
        rows = (int(ranged[1]), int(ranged[2]) if ranged[2] else None) if ranged else None
        return cls(_media(headers.get("accept") or "*/*"), counted[1] if counted else None, rows, method != "HEAD")

    def window(self, asked: Window) -> Window:
        """Rows that both the header and the parameters ask for.

        Raises:
            Refused: there can be none, or fewer than none.
        """
        if asked.limit == 0:
            return Window(0, 0)
        if asked.limit is not None and asked.limit < 0:
            raise refusals.out_of_range("Limit should be greater than or equal to zero.")
        first, last = self.range or (0, None)
        offset = max(first, asked.offset)
        ends = [
            end for end in (last, None if asked.limit is None else asked.offset + asked.limit - 1) if end is not None
        ]
        if not ends:
            return Window(offset)
        if min(ends) < offset:
            raise refusals.out_of_range(
                "The lower boundary must be lower than or equal to the upper boundary in the Range header."
            )
        return Window(offset, min(ends) - offset + 1)


def _media(accept: str) -> Media:
    wanted = list[tuple[float, str]]()
    for one in accept.split(","):
        name, _, parameters = one.strip().lower().partition(";")
        quality = re.search(r"q=([0-9.]+)", parameters)
        if "nulls=stripped" not in parameters.replace(" ", ""):
            wanted.append((-_number(quality[1]) if quality else -1.0, name.strip()))
    for weight, name in sorted(wanted, key=lambda pair: pair[0]):
        if name in OFFERED and weight < 0:
            return OFFERED[name]
    raise Refused(406, "PGRST107", f"None of these media types are available: {accept[:200]}")


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return 0.0


async def answer(
    connection: AsyncConnection[dict[str, object]],
    statement: Statement,
    labels: list[str],
    window: Window,
    preferred: Preferences,
) -> Response:
    """Ask, and send the rows.

    Raises:
        Refused: the window begins after the last row, one row was wanted and there are others, or it is too much.
    """
    body, rows, total = await _fetch(connection, statement, preferred)
    if total is not None and window.offset > total:
        raise refusals.out_of_range(f"An offset of {window.offset} was requested, but there are only {total} rows.")
    if preferred.media == "application/vnd.pgrst.object+json" and rows != 1:
        message = "Cannot coerce the result to a single JSON object"
        raise Refused(406, "PGRST116", message, f"The result contains {rows} rows")
    if preferred.media == "text/csv" and preferred.with_body:
        body = _csv(labels, body)
    elif preferred.media == "application/json" and preferred.with_body:
        body = f"[{body}]"
    is_part = total is not None and rows < total
    headers = {"Content-Range": _content_range(window.offset, rows, total), "Range-Unit": "items"}
    if preferred.count:
        headers["Preference-Applied"] = f"count={preferred.count}"
    return Response(body, 206 if is_part else 200, headers, f"{preferred.media}; charset=utf-8")


def _content_range(offset: int, rows: int, total: int | None) -> str:
    span = f"{offset}-{offset + rows - 1}" if rows and total != 0 else "*"
    return f"{span}/{'*' if total is None else total}"


async def _fetch(
    connection: AsyncConnection[dict[str, object]], statement: Statement, preferred: Preferences
) -> tuple[str, int, int | None]:
    form: Literal["objects", "cells", "nothing"] = "cells" if preferred.media == "text/csv" else "objects"
    asked = statement.rows(
        form if preferred.with_body else "nothing",
        wants_total=preferred.count in ("exact", "estimated"),
        count_to=ROWS + 1 if preferred.count == "estimated" else None,
    )
    row = await (await connection.execute(asked, statement.values.given)).fetchone()
    assert row is not None
    body, rows, total = row["body"], row["rows"], row["total"]
    assert isinstance(rows, int)
    if body is None:
        raise Refused(
            400, "54000", f"the answer is larger than {BODY_BYTES >> 20} MiB", None,
            "ask for fewer columns in select, or for fewer rows by limit",
        )  # fmt: skip
    if preferred.count == "planned" or (preferred.count == "estimated" and isinstance(total, int) and total > ROWS):
        guess = await _planned(connection, statement)
        total = guess if total is None else max(guess, int(str(total)))
    return str(body), rows, None if total is None else int(str(total))


async def _planned(connection: AsyncConnection[dict[str, object]], statement: Statement) -> int:
    row = await (await connection.execute(statement.planned(), statement.values.given)).fetchone()
    assert row is not None
    told: Any = row["QUERY PLAN"]
    plan = json.loads(told) if isinstance(told, str) else told
    return int(plan[0]["Plan"]["Plan Rows"])


def _csv(labels: list[str], cells: str) -> str:
    written = io.StringIO()
    lines = csv.writer(written, lineterminator="\n")
    lines.writerow(labels)
    lines.writerows(json.loads(f"[{cells}]"))
    return written.getvalue()
