"""XML from strangers, read with suspicion: no document type, no entities, nothing but elements and text."""

from __future__ import annotations

from collections.abc import Iterator
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

from ems_pipeline.market.document import MalformedDocument


class _NoDoctype(ElementTree.TreeBuilder):
    """Entity bombs and external entities need a document type; market documents never have one."""

    def doctype(self, name: str, _public_id: str | None, _system_id: str | None) -> None:
        raise MalformedDocument(f"a document type {name!r} is declared (a web page?); this is no market document")


def read(document: bytes, source: str) -> Element:
    """The root element.

    Raises:
        MalformedDocument: not XML, cut short, or with a document type.
    """
    try:
        return ElementTree.fromstring(document, parser=ElementTree.XMLParser(target=_NoDoctype()))
    except ElementTree.ParseError as error:
        raise MalformedDocument(f"{source} sent no complete XML ({error}); it starts {document[:60]!r}") from None


def name(element: Element) -> str:
    """The element's name without its namespace: operators raise the version in there every few years."""
    return element.tag.rpartition("}")[2]


def children(element: Element, wanted: str) -> Iterator[Element]:
    """Direct children called ``wanted``."""
    return (child for child in element if name(child) == wanted)


def text(element: Element, *path: str) -> str | None:
    """The stripped text at a path of names below ``element``; None where it is absent or empty."""
    for step in path:
        found = next(children(element, step), None)
        if found is None:
            return None
        element = found
    return (element.text or "").strip() or None
