"""Every sentence of the pages is there in every language, with the same values in it, and is shown."""

from __future__ import annotations

import re

import pytest

from ems_pipeline.web import words
from ems_pipeline_tests import catalogues
from ems_pipeline_tests.api.conftest import House

OTHERS = words.languages()[1:]
VALUE = re.compile(r"%\((\w+)\)s|%%|\{(\w+)")


def test_czech_is_there() -> None:
    assert words.languages()[:2] == ("en", "cs")


@pytest.mark.parametrize("language", OTHERS)
def test_no_sentence_lacks_its_words_and_none_is_left_of_before(language: str) -> None:
    now, told = catalogues.sentences(), catalogues.catalogue(language)
    sentences = {message.id for message in now if message.id}
    known = {message.id for message in told if message.id}
    assert known == sentences, "run `make words`, then give the new sentences their words"
    assert [message.id for message in catalogues.untranslated(language)] == []


@pytest.mark.parametrize("language", OTHERS)
def test_a_sentence_has_the_values_of_the_one_it_says(language: str) -> None:
    for message in catalogues.catalogue(language):
        ids = message.id if isinstance(message.id, tuple | list) else (message.id,)
        strings = message.string if isinstance(message.string, tuple | list) else (message.string,)
        wanted = {name for text in ids for name in values(text)}
        for text in strings:
            missing = wanted - values(text) - ({"num"} if len(strings) > 1 else set())
            assert message.id == "" or not missing, f"{text!r} lacks {missing} of {ids}"
            assert values(text) <= wanted or message.id == "", f"{text!r} of {ids}"


def values(text: str) -> set[str]:
    return {one or other for one, other in VALUE.findall(text)}


@pytest.mark.usefixtures("lived")
def test_a_czech_browser_is_answered_in_czech_and_numbers_follow(house: House) -> None:
    anna = house.login("anna")
    anna.headers["Accept-Language"] = "cs-CZ,cs;q=0.9,en;q=0.5"
    page = anna.get("/ui/home01/now").text
    assert '<html lang="cs">' in page
    assert "4,10\N{NO-BREAK SPACE}CZK/kWh" in page
    assert "What and why" not in page
    anna.post("/ui/language", data={"language": "en", "next": "/ui/home01/now"})
    assert "What and why" in anna.get("/ui/home01/now").text, "what was chosen counts more than the browser"
