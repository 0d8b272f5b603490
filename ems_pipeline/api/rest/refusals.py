"""Errors as clients of PostgREST parse them: ``code``, ``message``, ``details``, ``hint``, and its status for each.

Two of PostgREST's statuses are not followed, since the fault is the question's and the server is well: a question too
complex for PostgreSQL (54...) is 400 and not 500, one that takes too long (57014) is 504.
"""

from __future__ import annotations

import psycopg

from ems_pipeline.plain_text import paragraph

CLASSES = {
    "08": 503, "09": 500, "0L": 403, "0P": 403, "25": 500, "28": 403, "2D": 500, "38": 500, "39": 500, "3B": 500,
    "40": 503, "53": 503, "54": 400, "55": 500, "57": 503, "58": 500, "F0": 500, "HV": 500, "P0": 500, "XX": 500,
}  # fmt: skip
STATES = {
    "23503": 409, "23505": 409, "25006": 405, "53400": 500, "57014": 504, "P0001": 400, "42883": 404, "42P01": 404,
    "42P17": 500, "42501": 403,
}  # fmt: skip
"""Of SQLSTATE; everything else is 400."""


class Refused(Exception):
    """A request the dialect answers with an error; ``details`` may be a list."""

    def __init__(self, status: int, code: str, message: str, details: object = None, hint: str | None = None) -> None:
        super().__init__(message)
        self.status, self.code, self.message, self.details, self.hint = status, code, message, details, hint

    def body(self) -> dict[str, object]:
        """What is sent; words of the question that it repeats steer no terminal."""
        told = {"code": self.code, "message": self.message, "details": self.details, "hint": self.hint}
        return {name: paragraph(text) if isinstance(text, str) else text for name, text in told.items()}


def of_database(error: psycopg.Error) -> Refused:
    """What PostgreSQL said, with the status PostgREST gives it."""
    state = error.sqlstate
    if state is None:
        return Refused(503, "PGRST001", "Database client error. Retrying the connection.")
    status = STATES.get(state, CLASSES.get(state[:2], 400))
    told = error.diag
    return Refused(status, state, told.message_primary or "", told.message_detail, told.message_hint)


def no_relation(name: str, nearest: str | None) -> Refused:
    """Nothing of this name may be read."""
    hint = f"Perhaps you meant the table 'ems.{nearest}'" if nearest else None
    return Refused(404, "PGRST205", f"Could not find the table 'ems.{name}' in the schema cache", None, hint)


def no_function(name: str, given: list[str], nearest: str | None) -> Refused:
    """No function of this name takes these arguments and may be called."""
    listed = f"({', '.join(given)})" if given else " without parameters"
    message = f"Could not find the function ems.{name}{listed} in the schema cache"
    plural = "s" if len(given) > 1 else ""
    searched = f" with parameter{plural} {', '.join(given)}" if given else " without parameters"
    details = f"Searched for the function ems.{name}{searched}, but no matches were found in the schema cache."
    hint = f"Perhaps you meant to call the function ems.{nearest}" if nearest else None
    return Refused(404, "PGRST202", message, details, hint)


def no_column(relation: str, name: str, nearest: str | None) -> Refused:
    """As PostgreSQL says it, without having been asked."""
    hint = f'Perhaps you meant to reference the column "{relation}.{nearest}".' if nearest else None
    return Refused(400, "42703", f"column {relation}.{name} does not exist", None, hint)


def no_relationship(parent: str, child: str, by: str | None, nearest: str | None) -> Refused:
    """No foreign key joins the two."""
    hinted = f"' using the hint '{by}" if by else ""
    return Refused(
        400,
        "PGRST200",
        f"Could not find a relationship between '{parent}' and '{child}' in the schema cache",
        f"Searched for a foreign key relationship between '{parent}' and '{child}{hinted}' in the schema 'ems', "
        "but no matches were found.",
        f"Perhaps you meant '{nearest}' instead of '{child}'." if nearest else None,
    )


def not_embedded(name: str) -> Refused:
    """A parameter is about a relation that was not selected."""
    return Refused(
        400, "PGRST108", f"'{name}' is not an embedded resource in this request", None,
        f"Verify that '{name}' is included in the 'select' query parameter.",
    )  # fmt: skip


def out_of_range(details: str) -> Refused:
    """There are no such rows."""
    return Refused(416, "PGRST103", "Requested range not satisfiable", details)
