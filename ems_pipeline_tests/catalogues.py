"""`make words`: the sentences of all pages into each language's catalogue; what was translated stays.

python -m ems_pipeline_tests.catalogues [LANGUAGE]     # a new language begins as an empty catalogue
"""

from __future__ import annotations

import io
import sys
from collections.abc import Iterator
from pathlib import Path

from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po, write_po

from ems_pipeline.gensets.alarms import titles
from ems_pipeline.web import words
from ems_pipeline.web.words import sentences as decisions

WEB = Path(words.__file__).parents[1]
METHODS = [("**.html.j2", "jinja2"), ("**.py", "python")]
HEADER = "# Sentences of the pages; `make words` adds new ones. Licence: Apache-2.0."
OPTIONS = {"**.html.j2": {"trimmed": "true", "silent": "false"}}
HEADS = ("POT-", "PO-Rev", "Generated", "Project-Id", "Report-", "Last-Tr", "Language-Team")
UNSAID = tuple(f'"{name}' for name in HEADS)
"""Lines that say when and by what a file was made: the same sentences make the same file."""


def sentences() -> Catalog:
    """What templates and modules of the pages say, and what decisions and controllers say of themselves."""
    found = Catalog(project="ems-pipeline", charset="utf-8")
    for name, line, text, notes, context in extract_from_dir(WEB, METHODS, OPTIONS):
        found.add(text, locations=[(name, line)], auto_comments=notes, context=context)
    for sentence in decisions.EVERY:
        found.add(sentence.text)
    for title in (*titles.TITLES.values(), *titles.GROUPS.values()):
        found.add(title)
    return found


def catalogue(language: str) -> Catalog:
    """A language's catalogue, as its file has it."""
    file = words.HERE / f"{language}.po"
    if not file.exists():
        return Catalog(language, header_comment=HEADER, fuzzy=False)
    with file.open("rb") as text:
        return read_po(text, language)


def renewed(language: str) -> str:
    """The file of a language with the sentences of now."""
    told = catalogue(language)
    told.update(sentences(), no_fuzzy_matching=True)
    told.obsolete.clear()
    out = io.BytesIO()
    write_po(out, told, width=120, omit_header=False, no_location=True, sort_output=True, ignore_obsolete=True)
    lines = out.getvalue().decode().splitlines(keepends=True)
    return "".join(line for line in lines if not line.startswith(UNSAID))


def untranslated(language: str) -> Iterator[Message]:
    """Sentences that a language has no words for."""
    for message in catalogue(language):
        told = message.string if isinstance(message.string, tuple | list) else (message.string,)
        if message.id and not all(told):
            yield message


def main() -> None:
    """Renew the files, and say what is missing."""
    for language in sys.argv[1:] or words.languages()[1:]:
        (words.HERE / f"{language}.po").write_text(renewed(language), encoding="utf-8")
        missing = list(untranslated(language))
        print(f"{language}: {len(catalogue(language))} sentences, {len(missing)} without words")


if __name__ == "__main__":
    main()
