"""A YAML document read strictly: what YAML would silently turn into something else is refused with its line.

Refused are keys given twice (YAML keeps the last), aliases (a few lines can stand for gigabytes), nesting and numbers
that no site has, text that no database or terminal takes. Use it for every YAML a person writes.
"""

from __future__ import annotations

import stat
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from ems_pipeline.errors import EmsError
from ems_pipeline.plain_text import plain

LARGEST_BYTES = 1_000_000
"""A site file has a few kB; a file of more is something else."""
DEEPEST = 20
LONGEST_NUMBER = 40
"""Digits; Python itself gives up at 4300."""
NUMBERS = ("tag:yaml.org,2002:int", "tag:yaml.org,2002:float")
MERGE = "tag:yaml.org,2002:merge"
Lines = Mapping[tuple[str, ...], int]
"""Path of a key -> the line it stands in."""


class DocumentError(EmsError, ValueError):
    """A document that cannot be read; the text says where and what to do."""

    usual = "correct it"


def read(path: Path) -> Any:
    """The document in a file.

    Raises:
        DocumentError: it cannot be read, is not UTF-8 or not a document that `parsed` accepts.
    """
    return parsed(_text(path))


def read_with_lines(path: Path) -> tuple[Any, Lines]:
    """The document in a file, and the line of every key by its path; same errors as `read`."""
    text = _text(path)
    with _refused():
        node = yaml.compose(text, Loader=_Strict)
    return parsed(text), dict(_lines(node))


def _lines(node: yaml.Node | None, above: tuple[str, ...] = ()) -> Iterator[tuple[tuple[str, ...], int]]:
    for key, value in node.value if isinstance(node, yaml.MappingNode) else ():
        here = (*above, str(key.value))
        yield here, key.start_mark.line + 1
        yield from _lines(value, here)


def _text(path: Path) -> str:
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            raise DocumentError("cannot be read: it is no regular file", "put a text file there or rename it")
        if found.st_size > LARGEST_BYTES:
            raise DocumentError(
                f"has {found.st_size} bytes, {LARGEST_BYTES} are read; it is something else",
                "name the file that is meant",
            )
        return path.read_text(encoding="utf-8")
    except OSError as error:
        raise DocumentError(f"cannot be read: {error.strerror}", "check the path and its permissions") from error
    except UnicodeDecodeError as error:
        raise DocumentError(f"is not UTF-8 at byte {error.start}", "save it as UTF-8") from error


def parsed(text: str) -> Any:
    """What a YAML text says.

    Raises:
        DocumentError: with the line.
    """
    with _refused():
        return yaml.load(text, Loader=_Strict)


@contextmanager
def _refused() -> Iterator[None]:
    try:
        yield
    except yaml.YAMLError as error:
        raise DocumentError(f"is not YAML: {plain(error)}", "check indentation and quotes") from error


class _Strict(yaml.SafeLoader):
    """YAML's safe loader without what it forgives."""

    def __init__(self, stream: str) -> None:
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        event = self.peek_event()  # type: ignore[no-untyped-call]
        if isinstance(event, yaml.AliasEvent):
            raise _at(event, f"*{event.anchor} is an alias; write the value out")
        if self._depth >= DEEPEST:
            raise _at(event, f"is nested more than {DEEPEST} deep; no option is")
        self._depth += 1
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node

    def compose_scalar_node(self, anchor: Any) -> yaml.ScalarNode:
        node = super().compose_scalar_node(anchor)
        if not all(line.isprintable() for line in node.value.replace("\t", " ").split("\n")):
            raise _at(node, f"{plain(node.value, 60)!r} holds a character that cannot be printed; remove it")
        if node.tag in NUMBERS and len(node.value) > LONGEST_NUMBER:
            raise _at(node, f"a number of {len(node.value)} digits; no option takes one")
        return node

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (DocumentError, yaml.YAMLError):
            raise
        except Exception as error:  # a date that no calendar has, a number that is none: each raises as it likes
            raise _at(node, f"cannot be understood: {plain(error)}; write it plainly") from error

    def flatten_mapping(self, node: yaml.MappingNode) -> None:
        """YAML's merge keys would hide what is given twice."""
        seen: set[Any] = set()
        for key_node, _ in node.value:
            if key_node.tag == MERGE:
                raise _at(key_node, "<< merges mappings; write the options out")
            key = self.construct_object(key_node, deep=True)
            if not isinstance(key, str | int | float | bool):
                raise _at(key_node, f"{plain(key, 60)!r} is no name of an option")
            if key in seen:
                raise _at(key_node, f"{key!r} is given twice; remove one")
            seen.add(key)


def _at(where: yaml.Node | yaml.Event, what: str) -> DocumentError:
    line = where.start_mark.line + 1 if where.start_mark is not None else "?"
    return DocumentError(f"line {line}: {what}")
