"""Intervals, levels and kinds of work, as regulations write them in English, Russian and Czech."""

from __future__ import annotations

import re
from typing import NamedTuple

NUMBER = r"(?<![\d.,/–-])(\d{1,3}(?:[ \u00a0\u202f.,]\d{3})+|\d{1,6})(?![\d/])"
HOUR = (
    r"(?:operating|engine|running|service|provozních|motor)?[ -]*"
    r"(?:hours?|hrs?|h|oh|bh|mth|mh|motohodin[ya]?|hodin[ya]?|мото-?час\w*|м[./-]?ч|час(?:ов|а)?|ч)"
)
MONTH = r"(?:months?|mths|мес(?:яц(?:а|ев)?)?|měsíc(?:e|ů)?)"
YEAR = r"(?:years?|год(?:а)?|лет|rok(?:y|ů)?|let)"
END = r"(?![\w/])"
HOURS = re.compile(f"{NUMBER}\\s*{HOUR}{END}", re.IGNORECASE)
MONTHS = re.compile(f"{NUMBER}\\s*{MONTH}{END}", re.IGNORECASE)
YEARS = re.compile(f"{NUMBER}\\s*{YEAR}{END}", re.IGNORECASE)
RANGE = re.compile(
    r"\d\s*(?:[-–—…/]|\.\.\.?|to|до|až)\s*\d[\d  ]*\s*(?:" + HOUR + "|" + MONTH + "|" + YEAR + ")" + END, re.IGNORECASE
)
ONCE = re.compile(r"\b(?:first|initial|run(?:ning)?[ -]in|перв\w+|обкатк\w+|první\w*|záběh\w*)\b", re.IGNORECASE)
EVERY = re.compile(
    r"\b(?:every|each|after|interval|per|кажд\w+|через|раз\s+в|после|период\w*|každ\w+|po|jednou\s+za|interval\w*)\b",
    re.IGNORECASE,
)
SHORTER = re.compile(
    r"\b(?:daily|weekly|every\s+day|every\s+week|shift|ежедневно|еженедельно|ежесменно|denně|týdně)\b|\d+\s*(?:days?|weeks?|дн\w+|недел\w+|dn[íyů]|týdn\w+)"
    + END,
    re.IGNORECASE,
)
NAMED_MONTHS = {
    1: r"monthly|ежемесячно|měsíčně",
    3: r"quarterly|ежеквартально|čtvrtletně",
    6: r"half[- ]yearly|semi-?annual(?:ly)?|every six months|раз в полгода|pololetně",
    12: r"annual(?:ly)?|yearly|once a year|every year|ежегодно|раз в год|каждый год|ročně|jednou ročně|každý rok",
}
NAMED = {
    months: re.compile(rf"(?<!\w)(?<!semi-)(?:{text})(?!\w)", re.IGNORECASE) for months, text in NAMED_MONTHS.items()
}
LEVEL = re.compile(
    r"(?<!\w)(?:[TТ][OО0]|(?:maintenance|service)\s+level|level|service|уровень|stupeň|úroveň)\s*[-–—№.]?\s*(\d{1,2})(?![\d\w])(?!\s*(?:h\b|hours|ч\b|час))",
    re.IGNORECASE,
)
"""TO-2 in Latin or Cyrillic letters (scanned tables mix them), level 2, service 2."""
KINDS = {
    "replace": r"replac\w*|renew\w*|change\w*|fit (?:a )?new|замен\w+|сменить|смена|vyměn\w+|výměn\w+",
    "clean": r"clean\w*|wash\w*|flush\w*|очист\w+|чистк\w+|промы\w+|вычист\w+|(?:vy)?čist\w+|očist\w+",
    "adjust": r"adjust\w*|set|tighten\w*|retorque|регулир\w+|отрегулир\w+|настро\w+|подтян\w+"
    r"|seříd\w+|seřiz\w+|nastav\w+|dotáhn\w+",
    "test": r"test\w*|prove|испыт\w+|опробова\w+|тест\w*|(?:vy)?zkouš\w+|odzkouš\w+|otest\w+",
    "check": r"check\w*|inspect\w*|measure\w*|examine\w*|verify|провер\w+|осмотр\w*|осмотреть|контрол\w+"
    r"|измер\w+|(?:z)?kontrol\w+|prohlédn\w+|prohlíd\w+|změř\w+|měř\w+",
}
KIND = {kind: re.compile(rf"(?<!\w)(?:{text})(?!\w)", re.IGNORECASE) for kind, text in KINDS.items()}
MOST_H, MOST_MONTHS = 100_000, 600


class Interval(NamedTuple):
    """How often; None: not said. ``doubt``: why something that stands there is not taken."""

    hours: float | None = None
    months: int | None = None
    doubt: str = ""

    def __bool__(self) -> bool:
        return self.hours is not None or self.months is not None


def interval(text: str, *, is_told: bool = False) -> Interval:
    """The interval that a text tells.

    Args:
        is_told: the text stands where intervals stand (a heading, a column), and needs no *every*.
    """
    if ONCE.search(text) and (HOURS.search(text) or MONTHS.search(text)):
        return Interval(doubt="something is due once, at the beginning: no interval")
    if RANGE.search(text):
        return Interval(doubt="a range, not one interval")
    hours, months = _numbers(HOURS, text), [*_numbers(MONTHS, text), *(12 * years for years in _numbers(YEARS, text))]
    months += [number for number, pattern in NAMED.items() if pattern.search(text)]
    if not is_told and not EVERY.search(text) and not any(pattern.search(text) for pattern in NAMED.values()):
        return Interval()
    if len(set(hours)) > 1 or len(set(months)) > 1:
        return Interval(doubt="several intervals in one place")
    if not hours and not months and SHORTER.search(text):
        return Interval(doubt="an interval shorter than a month is no service of this kind")
    if any(not 0 < one <= MOST_H for one in hours) or any(not 0 < one <= MOST_MONTHS for one in months):
        return Interval(doubt="no interval that a service has")
    return Interval(float(hours[0]) if hours else None, months[0] if months else None)


def _numbers(pattern: re.Pattern[str], text: str) -> list[int]:
    """Groups of three digits after a space, dot or comma are thousands."""
    return [int(re.sub(r"\D", "", found[1])) for found in pattern.finditer(text)]


def levels(text: str) -> list[str]:
    """The levels that a text names, each once, in its order."""
    return list(dict.fromkeys(f"TO-{int(found[1])}" for found in LEVEL.finditer(text)))


def kind(text: str) -> str | None:
    """What is done, by the first word of work in the text; None: no word of it is known."""
    found = [(match.start(), name) for name, pattern in KIND.items() if (match := pattern.search(text))]
    return min(found)[1] if found else None


def language(text: str) -> str:
    """By its letters: ru, cs or en."""
    if len(re.findall(r"[а-яё]", text, re.IGNORECASE)) > len(re.findall(r"[a-z]", text, re.IGNORECASE)):
        return "ru"
    return "cs" if re.search(r"[ěščřžůťďň]", text, re.IGNORECASE) else "en"
