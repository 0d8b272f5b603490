"""Pages that stand as one file: the templates of this package, with all that is put in made harmless."""

from __future__ import annotations

from jinja2 import Environment, PackageLoader, Template, select_autoescape


def template(name: str) -> Template:
    """A template of this package by its file's name."""
    environment = Environment(
        loader=PackageLoader("ems_pipeline.report", "."),
        autoescape=select_autoescape(default=True),
        trim_blocks=True,
        lstrip_blocks=True,
    )
    return environment.get_template(name)
