"""What the name of an event in a feed means, and what a holiday is called.

A name counts only if every word of it is known: "Christmas holiday" is one, "Christmas
Jumper Day" is not, and "Year 7: first day of term" is no start of term. What is not
understood is an ordinary day, in which nothing is changed in working hours.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Sequence
from datetime import date, timedelta
from enum import Enum

SHORTEST_TERM = 15
"""Days: a "Summer term" of fewer is not a term."""

LONGEST_HALF_TERM = 23
"""Days: a "half term" of more is half of a term, and no holiday."""

LONGEST_INSET = 5
"""Days: no school trains its staff for longer without pupils."""

_LONGEST_BANK_HOLIDAY = 4
_SHORTEST_BY_SEASON = 4
"""Days: what is called just "Easter" and is shorter is a feast, and no holiday."""
_EARLIEST_SUMMER = (6, 20)
"""Month and day: Scotland's schools close in the last days of June."""


class Meaning(Enum):
    """What an event says about the school."""

    HOLIDAY = "holiday"
    BANK_HOLIDAY = "bank holiday"
    INSET = "INSET"
    TERM = "term"
    TERM_DAY = "a day of term"
    OPENS = "first day of school"
    CLOSES = "last day of school"
    HOLIDAY_STARTS = "first day of a holiday"
    HOLIDAY_ENDS = "last day of a holiday"


_APOSTROPHES = str.maketrans("", "", "'`\N{RIGHT SINGLE QUOTATION MARK}")
_PHRASES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("halfterm", (r"half\W*terms?", r"mid\W*terms?")),
    (
        "inset",
        (
            r"insets?",
            r"in\W*service",
            r"(staff|teachers?) (training|development|cpd|resume|resumes|returns?)",
            r"professional (development|learning)",
            r"(training|staff|pd|cpd|baker) days?",
            r"(non|no)\W*pupils?",
            r"(pupil|student|child)\W*free",
            r"closed (to|for) (all )?(pupils|students|children)",
        ),
    ),
    ("term", (r"(new )?(school|academic) year",)),
    ("firstday", ("first day",)),
    ("lastday", ("last day",)),
    ("visitors", ("open day",)),
    ("reopens", (r"re\W+open(s|ing)?",)),
    ("back", ("back (to|at|in) school",)),
    ("closes", ("break(s|ing)? (up|for)",)),
    (
        "bankholiday",
        (
            "(bank|public) holidays?",
            "good friday",
            "(boxing|christmas|new years|st andrews) day",
            "easter (sunday|monday)",
            "early may",
            "spring bank",
            r"may day(?=\W*(bank|holiday|$))",
        ),
    ),
    ("newyear", ("new years?",)),
)
"""A word for whatever is written in several words; a blank stands for anything between them."""

_COMPILED = tuple(
    (re.compile(rf"\b(?:{'|'.join(patterns)})\b".replace(" ", r"\W+")), f" {word} ")
    for word, patterns in _PHRASES
)

_SEASONS = frozenset({
    "autumn", "spring", "summer", "winter", "michaelmas", "lent", "hilary", "trinity", "easter",
    "christmas", "xmas", "whitsun", "whit", "festive", "newyear",
})  # fmt: skip
_FEASTS = frozenset({"easter", "christmas", "xmas", "whitsun", "whit", "festive", "newyear"})
_HOLIDAY = frozenset({
    "halfterm", "holiday", "holidays", "vacation", "break", "breaks", "closed", "closure",
    "occasional", "casual",
})  # fmt: skip
_HOLIDAY_NOUNS = _HOLIDAY - {"closed", "closure", "occasional", "casual"}
_SCHOOL_NOUNS = frozenset({
    "term", "terms", "school", "schools", "pupils", "students", "children", "all", "everyone",
})  # fmt: skip
_OPENS = frozenset({
    "open", "opens", "opening", "reopen", "reopens", "reopening", "return", "returns", "resume",
    "resumes", "back",
})  # fmt: skip
_CLOSES = frozenset({"close", "closes", "closing"})
_STARTS = frozenset({
    "start", "starts", "begin", "begins", "beginning", "commence", "commences", "firstday",
})  # fmt: skip
_ENDS = frozenset({"end", "ends", "finish", "finishes", "lastday"})
_VERBS = _OPENS | _CLOSES | _STARTS | _ENDS
_WEEKDAYS = frozenset(
    day[:length]
    for day in ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
    for length in (3, 4, 5, len(day))
) | {"mondays", "fridays"}
_MONTHS = frozenset(
    month[:length]
    for month in (
        "january", "february", "march", "april", "may", "june", "july", "august", "september",
        "october", "november", "december",
    )
    for length in (3, 4, len(month))
)  # fmt: skip
_FILLERS = frozenset({
    "the", "a", "an", "and", "or", "to", "from", "for", "of", "in", "on", "at", "is", "are",
    "will", "be", "with", "by", "after", "before", "until", "till", "both", "inc", "incl",
    "including", "new", "re", "up", "pupil", "student", "child", "academy", "academies",
    "community", "county", "council", "borough", "city", "primary", "secondary", "special",
    "infant", "junior", "state", "maintained", "date", "dates", "day", "days", "week", "weeks",
    "weekend", "one", "two", "st", "nd", "rd", "th", "am", "pm", "noon", "midday", "polling",
    "election", "andrew", "andrews", "david", "davids", "patrick", "patricks", "jubilee",
    "coronation", "eid", "diwali", "local", "provisional", "full",
})  # fmt: skip
_KNOWN = (
    _SEASONS | _HOLIDAY | _SCHOOL_NOUNS | _VERBS | _WEEKDAYS | _MONTHS | _FILLERS
    | {"inset", "bankholiday"}
)  # fmt: skip
_ONLY_SOME = frozenset({"year", "reception", "nursery", "class", "sixth", "form", "club", "group"})
"""Words of events that are for some pupils only, even where they are in the calendar's name."""

_SPEAKS = _HOLIDAY | {"inset", "bankholiday", "term"}


def meaning(name: str, first: date, last: date, own: Collection[str] = ()) -> Meaning | None:
    """Give what an event of this name says, which touches these days; None if not certain.

    :param own: words of the school's or council's own name.
    """
    words, days = _words(name), (last - first).days + 1
    known = set(words)
    if "inset" in known and days <= LONGEST_INSET:
        return None if known & (_ONLY_SOME | {"twilight"}) else Meaning.INSET
    strange = {w for w in known if not w.isdigit()} - _KNOWN - (set(own) - _ONLY_SOME)
    # An INSET day somewhere in a longer event: nobody can tell which of its days it is.
    if strange or "inset" in known:
        return None
    if known & _VERBS:
        return _marker(words) if days == 1 else None
    longest = 1 if "halfterm" in known else _LONGEST_BANK_HOLIDAY
    if "bankholiday" in known and days <= longest:
        return Meaning.BANK_HOLIDAY
    if known & _HOLIDAY and not ("halfterm" in known and days > LONGEST_HALF_TERM):
        return Meaning.HOLIDAY
    return _term(known, days) or _season(known, first, days)


def speaks_of_school(name: str) -> bool:
    """Tell whether a name that is not understood might matter: it speaks of a holiday or term."""
    return bool(set(_words(name)) & _SPEAKS)


def own_words(calendar_name: str) -> frozenset[str]:
    """Give the words of a calendar's own name, such as its council's."""
    return frozenset(word for word in _words(calendar_name) if len(word) > 1)


def without_prefix(names: Sequence[str]) -> list[str]:
    """Take off what stands before a colon or dash in most of the names: the school's name.

    "Half term - October" is no school's: a name has a word that says nothing of school years.
    """
    split = [re.match(r"(.{1,40}?)(?::| [-–—|]) *(?=\S)", name) for name in names]  # noqa: RUF001
    heads = Counter(found[1] for found in split if found)
    common = {
        head
        for head, number in heads.items()
        if number > 1 and number * 2 >= len(names) and not set(_words(head)) <= _KNOWN
    }
    return [
        name[found.end() :] if found and found[1] in common else name
        for name, found in zip(names, split, strict=True)
    ]


def _words(name: str) -> list[str]:
    text = name.lower().translate(_APOSTROPHES)
    for pattern, word in _COMPILED:
        text = pattern.sub(word, text)
    return re.findall(r"[^\W\d_]+|\d+", text)


def _term(known: set[str], days: int) -> Meaning | None:
    numbers = {word for word in known if word.isdigit()}
    halves = known & _SEASONS and numbers & {"1", "2"} and not known & (_MONTHS | _WEEKDAYS)
    if days >= SHORTEST_TERM and (halves or known & {"term", "terms", "halfterm"}):
        return Meaning.TERM
    # Some feeds have one event a day: "Term day (Week 1)", "Day 36 (Week 8)".
    a_day = "day" in known and known - numbers <= {"day", "week", "term", "school", "a", "b"}
    if days == 1 and a_day and (numbers or known & {"term", "school"}):
        return Meaning.TERM_DAY
    return None


def _season(known: set[str], first: date, days: int) -> Meaning | None:
    bare = {word for word in known if not word.isdigit()} - _MONTHS - _WEEKDAYS - {"to", "and"}
    # A term may be called "Summer" too, but it does not begin in the summer.
    summer = bare == {"summer"} and (first.month, first.day) >= _EARLIEST_SUMMER
    if days >= _SHORTEST_BY_SEASON and (summer or (bare and bare <= _FEASTS)):
        return Meaning.HOLIDAY
    return None


def _marker(words: list[str]) -> Meaning | None:
    """Tell what a single day marks: the start or end of school or of a holiday."""
    about = set(words) & (_HOLIDAY_NOUNS | _SEASONS | {"term", "terms"})
    found: set[Meaning | None] = set()
    for place, word in enumerate(words):
        if word in _OPENS:
            found.add(Meaning.OPENS)
        elif word in _CLOSES:
            # "School closes at 1.30pm" alone is a short day, and not the last one.
            found.add(Meaning.CLOSES if about else None)
        elif word in _STARTS | _ENDS:
            found.add(_edge(words, place, starts=word in _STARTS, about=bool(about)))
    if {Meaning.OPENS, Meaning.CLOSES} <= found:
        return None
    for likeliest in (Meaning.OPENS, Meaning.CLOSES):
        if likeliest in found:
            return likeliest
    return found.pop() if len(found) == 1 else None


def _edge(words: list[str], place: int, *, starts: bool, about: bool) -> Meaning | None:
    """Tell of what a "starts" or "ends" is the edge: of school or of a holiday."""
    following = words[place + 1 : place + 2]
    if following in (["before"], ["after"]):
        return Meaning.OPENS if following == ["after"] else Meaning.CLOSES
    nouns = _HOLIDAY_NOUNS | _SCHOOL_NOUNS
    if following == ["of"]:
        noun = next((word for word in words[place + 2 :] if word in nouns), None)
    else:
        noun = next((word for word in reversed(words[:place]) if word in nouns), None)
    if noun == "halfterm" and any(len(word) == 1 and word.isdigit() for word in words):
        return None  # "Half term 2 starts": the second half of a term, or the second holiday?
    if noun in _HOLIDAY_NOUNS:
        return Meaning.HOLIDAY_STARTS if starts else Meaning.HOLIDAY_ENDS
    if starts:
        return Meaning.OPENS if noun else None
    return Meaning.CLOSES if about or (noun and following == ["of"]) else None


_BY_MONTH = {
    10: "October half-term", 11: "October half-term", 12: "Christmas", 1: "Christmas",
    2: "February half-term", 3: "Easter", 4: "Easter", 5: "May half-term", 6: "May half-term",
    7: "Summer", 8: "Summer", 9: "Summer",
}  # fmt: skip
_SHORTEST_SUMMER = 14
_ALIASES = {
    "autumn half-term": "october half-term", "october": "october half-term",
    "october week": "october half-term", "spring half-term": "february half-term",
    "february": "february half-term", "summer half-term": "may half-term",
    "whitsun": "may half-term", "whitsun half-term": "may half-term", "may": "may half-term",
    "xmas": "christmas", "winter": "christmas", "festive": "christmas",
}  # fmt: skip


def common_name(first: date, last: date) -> str:
    """Give the name that everybody uses for a holiday in the English school year.

    Empty for a few days off that have none, such as an occasional day.
    """
    days = (last - first).days + 1
    if sum((first + timedelta(n)).weekday() < 5 for n in range(days)) < 3:  # noqa: PLR2004
        return ""
    found = _BY_MONTH[(first + (last - first) / 2).month]
    if found == "Summer" and days < _SHORTEST_SUMMER:
        return ""
    return found


def plain(name: str) -> str:
    """Give a holiday's name so that small differences in writing do not matter."""
    found = re.sub(r"(half|mid)[\s-]*terms?", "half-term", name.lower())
    found = re.sub(r"\b(school|holidays?|breaks?|vacation|the)\b|[^\w\s-]", " ", found)
    found = " ".join(found.split())
    return _ALIASES.get(found, found)


def longest(names: Iterable[tuple[int, str]]) -> str:
    """Give the name of whatever lasts longest; the first of those that last the same."""
    return max(names, key=lambda one: one[0], default=(0, ""))[1]
