"""`make client`: examples/ems_client/models.py, the typed objects of the HTTP API as its schema says today.

The classes are datamodel-code-generator's. It makes a class of every bound and pattern, so that it is given what a
reader of a program wants to know: names, types, meanings. The server checks the rest and says what is wrong with it.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from datamodel_code_generator import Formatter, GenerateConfig, InputFileType, LiteralType, PythonVersion, generate

from ems_pipeline.api.app import create_app
from ems_pipeline.api.web import Settings, Web

MODELS = Path(__file__).parents[1] / "examples" / "ems_client" / "models.py"
HEADER = '''"""What the HTTP API takes and answers, class by class: made from its schema by `make client`."""'''
KEPT = ("type", "enum", "$ref", "format", "required", "default", "description")
"""Of a schema, what a class is made of; beside it the schemas within."""
PAGE = "Items_"
"""Begin of the names of pages of lists, which the caller reads entry by entry."""


def schema() -> dict[str, Any]:
    """The OpenAPI schema, as a server tells it."""
    return create_app(Web(Settings("", "s" * 48))).openapi()


def models() -> str:
    """The text of the module."""
    told = schema()
    known = {name: _slim(model) for name, model in told["components"]["schemas"].items() if not name.startswith(PAGE)}
    slim = {"openapi": told["openapi"], "info": told["info"], "paths": {}, "components": {"schemas": known}}
    made = generate(
        json.dumps(slim),
        config=GenerateConfig(
            input_file_type=InputFileType.OpenAPI,
            custom_file_header=HEADER,
            target_python_version=PythonVersion.PY_311,
            enum_field_as_literal=LiteralType.All,
            strict_nullable=True,
            use_schema_description=True,
            use_field_description=True,
            use_single_line_docstring=True,
            use_annotated=True,
            use_union_operator=True,
            use_standard_collections=True,
            formatters=[Formatter.RUFF_CHECK, Formatter.RUFF_FORMAT],
            settings_path=MODELS.parent,
        ),
    )
    return f"{made}\n"


def _slim(told: dict[str, Any], is_money: bool = False) -> dict[str, Any]:
    """A schema without bounds, patterns, titles and examples; money, which is told as text, as a decimal number."""
    is_money = is_money or told.get("unit") == "currency"
    slim = {name: told[name] for name in KEPT if name in told}
    if is_money and told.get("type") == "string":
        slim["format"] = "decimal"
    if "anyOf" in told:
        slim["anyOf"] = [_slim(one, is_money) for one in told["anyOf"]]
    if "items" in told:
        slim["items"] = _slim(told["items"])
    if "properties" in told:
        slim["properties"] = {name: _slim(one) for name, one in told["properties"].items()}
    others = told.get("additionalProperties")
    for values in (others, *told.get("patternProperties", {}).values()):
        if values is not None:
            slim["additionalProperties"] = _slim(values) if isinstance(values, dict) else values
    return slim


if __name__ == "__main__":
    MODELS.write_text(models(), encoding="utf-8")
