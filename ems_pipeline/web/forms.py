"""What a form says. Its fields are texts; a field that is not known is refused as everywhere."""

from __future__ import annotations

from typing import Annotated, Any, TypeVar

from fastapi import Query
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, RootModel, ValidationError


class Form(BaseModel):
    """Of a page of ours; empty fields are as good as none where the model lets them be None."""

    model_config = ConfigDict(extra="forbid")


def _none_when_empty(said: Any) -> Any:
    return None if isinstance(said, str) and not said.strip() else said


EMPTY_IS_NONE = BeforeValidator(_none_when_empty)
Wanted = Annotated[float | None, EMPTY_IS_NONE]
"""A number that may be left out."""
Done = Annotated[str, Query(max_length=20)]
"""Word of what a form did, looked up by the page that it led back to."""
Wish = TypeVar("Wish", bound=BaseModel)


def understood(model: type[Wish], said: dict[str, Any]) -> Wish:
    """What the API takes, of what a form says; what it would refuse is refused as there (RequestValidationError)."""
    try:
        return model.model_validate(said)
    except ValidationError as error:
        raise RequestValidationError([one | {"loc": ("body", *one["loc"])} for one in error.errors()]) from None


class Fields(RootModel[dict[Annotated[str, Field(max_length=100)], Annotated[str, Field(max_length=200)]]]):
    """Of a page that asks as many as there are devices: texts by name, each looked at by whom it is for."""
