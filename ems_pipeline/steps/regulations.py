"""A regulation on its way to a template: what a language model proposes for it, where one is named."""

from __future__ import annotations

from dataclasses import replace

from ems_pipeline import settings
from ems_pipeline.http import HttpError
from ems_pipeline.regulation import plug
from ems_pipeline.regulation.draft import Draft, Place, Unread


def with_model(draft: Draft) -> Draft:
    """The draft with what a model proposes; one that does not answer costs nothing, and is told. SecretUnreadable."""
    address = settings.REGULATION_MODEL.read()
    if address is None:
        return draft
    try:
        return plug.with_proposals(draft, plug.Service(address))
    except HttpError as error:
        # A server may repeat in its words the address it was asked at, which may hold what is secret.
        reason = error.reason if error.status is None else f"HTTP {error.status}"
        told = Unread("", Place(1, 1), f"the language model did not answer: {reason}")
        return replace(draft, unread=[*draft.unread, told])
