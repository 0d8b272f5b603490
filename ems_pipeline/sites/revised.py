"""A site file written anew, or changed in some values: comments, order and layout stay as their owner wrote them."""

from __future__ import annotations

import re
from io import StringIO
from typing import Any

import yaml

from ems_pipeline.sites.site import Site

WIDEST = 4096
"""Characters of a line that is not broken: owners break theirs where they like."""
FLUSH_LIST = re.compile(r"^\S+:\n- ", re.MULTILINE)
"""A list whose dashes stand below the first letter of its key."""
Document = dict[str, Any]


def whole(document: Document) -> str:
    """A document as the text of a new file."""
    return yaml.safe_dump(document, sort_keys=False, allow_unicode=True)


def said_by(site: Site) -> Document:
    """What a site was said to be, without defaults, in the order in which the records name it."""
    return site.model_dump(mode="json", exclude_unset=True)


def revised(text: str, before: Document, after: Document) -> str:
    """The text with what differs between two documents changed in it.

    Args:
        text: YAML; it may say less than ``before`` (defaults left out) but says it in the same places.
        before: what the text means, defaults written out.
        after: what it is to mean.

    Raises:
        ValueError: the text cannot be read, or has another shape.
    """
    from ruamel.yaml import YAML
    from ruamel.yaml.error import YAMLError

    rounds = YAML()
    rounds.preserve_quotes = True
    rounds.width = WIDEST
    rounds.indent(mapping=2, **({} if FLUSH_LIST.search(text) else {"sequence": 4, "offset": 2}))
    try:
        node = rounds.load(text)
    except YAMLError as error:
        raise ValueError(f"it cannot be read for changing: {error}") from error
    if not isinstance(node, dict):
        raise ValueError("it is no mapping")
    _change(node, before, after)
    written = StringIO()
    rounds.dump(node, written)
    return written.getvalue()


def _change(node: Document, before: Document, after: Document) -> None:
    """Names and values of a mapping."""
    for name in [name for name in before if name not in after]:
        node.pop(name, None)
    for name, wanted in after.items():
        was, here = before.get(name), node.get(name)
        if name in before and was == wanted:
            continue
        if isinstance(wanted, dict) and isinstance(was, dict) and isinstance(here, dict):
            _change(here, was, wanted)
        elif isinstance(here, list) and (was_by_key := _by_key(was)) and (wanted_by_key := _by_key(wanted)):
            _change_parts(here, was_by_key, wanted_by_key)
        else:
            node[name] = _written(wanted)


def _change_parts(node: list[Any], before: dict[str, Document], after: dict[str, Document]) -> None:
    """Parts of a list, each known by its key."""
    for place in reversed(range(len(node))):
        key = node[place].get("key") if isinstance(node[place], dict) else None
        if key not in after:
            del node[place]
        elif key in before:
            _change(node[place], before[key], after[key])
    node.extend(_written(part) for key, part in after.items() if key not in before)


def _by_key(parts: Any) -> dict[str, Document]:
    """Parts of a list by their keys; empty unless each has one of its own."""
    if not isinstance(parts, list) or not all(isinstance(part, dict) and "key" in part for part in parts):
        return {}
    found = {str(part["key"]): part for part in parts}
    return found if len(found) == len(parts) else {}


def _written(value: Any) -> Any:
    """The value as an owner would write it: 510 for 510.0, a short list in one line, and within quotes what YAML 1.1
    would take for something else (22:00, yes)."""
    from ruamel.yaml.comments import CommentedSeq
    from ruamel.yaml.scalarstring import DoubleQuotedScalarString

    if isinstance(value, dict):
        return {name: _written(one) for name, one in value.items()}
    if isinstance(value, list):
        parts = CommentedSeq([_written(one) for one in value])
        if not any(isinstance(one, dict | list) for one in value):
            parts.fa.set_flow_style()
        return parts
    if isinstance(value, float) and value.is_integer():
        return int(value)
    return DoubleQuotedScalarString(value) if isinstance(value, str) and not _stays(value) else value


def _stays(text: str) -> bool:
    try:
        return bool(yaml.safe_load(text) == text)
    except yaml.YAMLError:
        return False
