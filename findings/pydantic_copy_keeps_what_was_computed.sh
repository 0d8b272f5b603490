#!/bin/sh
# pydantic 2.14.3: model_copy(update=...) of a frozen model takes the values of its cached properties along, so what they
# were computed from changes and they do not. A copy made before the property was first looked at answers otherwise.
set -eu
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install --quiet --disable-pip-version-check pydantic==2.14.3
"$folder/venv/bin/python" - <<'END'
from functools import cached_property
import pydantic

class Shelf(pydantic.BaseModel, frozen=True):
    books: tuple[str, ...]

    @cached_property
    def first(self) -> str:
        return self.books[0]

shelf = Shelf(books=("Anna", "Emma"))
early = shelf.model_copy(update={"books": ("Ulysses",)})
looked_at = shelf.first
late = shelf.model_copy(update={"books": ("Ulysses",)})
print(f"pydantic {pydantic.VERSION}: equal {early.books == late.books}, first book of the early copy {early.first}, of the late one {late.first}")
assert (early.first, late.first) == ("Ulysses", "Anna"), "changed"
END
