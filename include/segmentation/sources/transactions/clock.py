"""Times of day and zones, out of what systems of many countries write: 8:05 PM, 下午8:05, 08h42, 0930,
GMT+9.
"""

import re
import unicodedata
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from zoneinfo import ZoneInfo, available_timezones

SECOND = 1_000_000  # in microseconds
DAY = 86_400 * SECOND

MORNING = r"上午|午前|오전|凌晨|早上|清晨|a\.?\s?m\b\.?|π\.?\s?μ\.?|öö|ص(?!\w)|पूर्वाह्न|(?-i:SA)\s*$"
EVENING = r"下午|午後|오후|晚上|傍晚|p\.?\s?m\b\.?|μ\.?\s?μ\.?|ös|م(?!\w)|अपराह्न|(?-i:CH)\s*$"
HALF = rf"(?P<{{}}am>{MORNING})|(?P<{{}}pm>{EVENING}|(?P<{{}}noon>中午|noon\b))"
TIME = re.compile(
    rf"(?:(?:{HALF.format('b', 'b', 'b')})\s*)?(?<![\d.,/-])(?P<h>\d{{1,2}})"
    r"(?:[:：.](?P<m>\d{2})(?:[:：.](?P<s>\d{2})(?:[.,:](?P<f>\d{1,9}))?)?(?!\d)"
    ""
    r"|\s?(?:(?:h|uhr|u)(?![^\W\d_])|[时時点點]|시)\s?(?:(?P<m2>\d{2}|\d(?=\s?[分분]))(?!\d)\s?(?:[:m分분]|min)?\s?(?:(?P<s2>\d{2}|\d(?=\s?[秒초]))(?!\d)\s?[s秒초]?)?)?"
    rf"|(?=\s?(?:{MORNING}|{EVENING})))"
    rf"(?:\s*(?:h|hs|hrs?|horas?|uhr|ч|час)\b\.?)?(?:\s*(?:{HALF.format('a', 'a', 'a')}))?",
    re.IGNORECASE,
)
PLAIN = re.compile(r"(\d{1,2}):(\d{2})(?::(\d{2}))?")
FIGURES = re.compile(r"^(?P<h>\d{1,2})(?P<m>\d{2})(?P<s>\d{2})?$")
DAY_THEN_FIGURES = re.compile(r"^(\d{8}|\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4})[ T]+(\d{4}|\d{6})$")
OFFSET = r"(?P<sign>[-+−])(?P<oh>\d{1,2})(?::?(?P<om>\d{2}))?(?!\d)"
ZONE = re.compile(
    rf"^\s*(?:\(?(?:GMT|UTC|UT|Z)?\s?{OFFSET}\)?|(?P<utc>Z|UTC|GMT|UT)(?![A-Za-z]))"
    r"|^\s*\[?(?P<iana>[A-Z][A-Za-z_]+/[A-Za-z_/+-]+\d*)\]?|^\s*[(\[]?(?P<abbreviation>[A-Z]{3,5}|МСК|мск)(?!\w)[)\]]?"
)
# Abbreviations that mean one thing, in hours from UTC, and those that mean several.
OFFSETS = {
    "EST": -5, "EDT": -4, "CDT": -5, "MST": -7, "MDT": -6, "PST": -8, "PDT": -7, "AKST": -9, "AKDT": -8,
    "HST": -10, "NST": -3.5, "NDT": -2.5, "BRT": -3, "BRST": -2, "ART": -3, "WET": 0, "WEST": 1, "CET": 1,
    "CEST": 2, "MEZ": 1, "MESZ": 2, "EET": 2, "EEST": 3, "MSK": 3, "МСК": 3, "мск": 3, "TRT": 3, "EAT": 3, "WAT": 1,
    "CAT": 2,
    "SAST": 2, "PKT": 5, "WIB": 7, "ICT": 7, "HKT": 8, "SGT": 8, "AWST": 8, "JST": 9, "KST": 9, "ACST": 9.5,
    "ACDT": 10.5, "AEST": 10, "AEDT": 11, "NZST": 12, "NZDT": 13,
}  # fmt: skip
SEVERAL = {"CST", "IST", "BST", "AST", "ADT", "SST", "GST", "AMT", "ECT", "WST", "LST", "PHT", "MMT"}


@dataclass(frozen=True)
class Time:
    """A time of day in microseconds, and its zone: seconds from UTC, or the name that tells them."""

    micros: int
    offset: int | None = None
    zone: str | None = None  # an IANA name
    ambiguous: str | None = None  # an abbreviation that stands for several zones

    @property
    def is_zoned(self) -> bool:
        """True where the text named a zone."""
        return self.offset is not None or bool(self.zone or self.ambiguous)


MIDNIGHT = Time(0)
ERAS = {"令和": 2018, "平成": 1988, "昭和": 1925, "R": 2018, "H": 1988, "S": 1925, "民國": 1911, "民国": 1911}
ERA = re.compile(
    r"(?i)^(?:(?P<era>令和|平成|昭和|民國|民国|[RHS](?=\d{1,2}[./-]\d{1,2}[./-]\d{1,2}))\s*(?P<year>\d{1,3}|元))(?P<mark>[年./-])"
)


def take_apart(text: str) -> tuple[str, Time | None]:
    """The day of a text, and its time with the zone: MIDNIGHT where there is none, None where it is no
    time.
    """
    if plain := DAY_THEN_FIGURES.match(text):
        return plain[1], of_figures(plain[2])
    match = next((m for m in TIME.finditer(text) if _is_time(m, text)), None)
    if match is None:
        return text, MIDNIGHT
    before, after = text[: match.start()], text[match.end() :]
    zone = ZONE.match(after)
    if zone and zone["abbreviation"] and not _is_zone(zone["abbreviation"]):
        zone = None
    rest = after[zone.end() :] if zone else after
    if zone:  # +09:00[Asia/Tokyo], GMT+0900 (Japan Standard Time)
        rest = re.sub(r"\([^)]*\)\s*$|\[[^\]]*\]\s*$|^ [A-Z]{3,4}$", "", rest)
    day = re.sub(r"[Tt,]\s*$", "", before.rstrip()) if re.search(r"\d[Tt,]\s*$", before) else before
    return re.sub(r"^[-–]\s+|\s+[-–]$", "", f"{day.strip()} {rest.strip()}".strip()), _time(match, zone)


def of_text(text: str) -> Time | None:
    """A time of day that stands alone; None when it is none."""
    text = text.strip()
    if re.fullmatch(r"\d{3,6}", text):
        return of_figures(text)
    dotted = re.fullmatch(r"(\d{1,2})\.(\d{2})(?:\.(\d{2}))?(?:\s*(?:uhr|h))?", text, re.IGNORECASE)
    if dotted and dotted[1] != "0":
        return at(int(dotted[1]), int(dotted[2]), int(dotted[3] or 0))
    if re.fullmatch(r"0?[.,]\d+", text):  # a share of the day, as a spreadsheet has it
        return Time(round(float(text.replace(",", ".")) * 86_400) * SECOND)
    if re.fullmatch(r"\d{1,2}", text):
        return Time(int(text) * 3600 * SECOND) if int(text) < 24 else None
    rest, time = take_apart(re.sub(r"^\d{1,4}[-/.]\d{1,2}[-/.]\d{1,4},?[ T]|^0 days? ", "", text))
    return time if time is not MIDNIGHT and not rest.strip(" ,;") else None


def of_figures(text: str) -> Time | None:
    """A time of day written without marks: 930, 0930, 093015."""
    match = FIGURES.match(text if len(text) % 2 == 0 else f"0{text}")
    if match is None:
        return None
    return at(int(match["h"]), int(match["m"]), int(match["s"] or 0))


def _is_time(match: re.Match, text: str) -> bool:
    """True where figures are a time: 3.01.2024 is a day, as is what stands before a mark of dates."""
    if match["m"] is not None:
        dotted = "." in match[0] and ":" not in match[0] and "：" not in match[0]
        if dotted and (
            not re.search(r"\d", text[: match.start()])
            or text[match.end() : match.end() + 1] in tuple("./-0123456789")
        ):
            return bool(match["aam"] or match["apm"])
        if dotted and text[match.start() - 1] in "./-":
            return False
    return text[match.start() - 1 : match.start()] not in tuple("/-") or match.start() == 0


def _time(match: re.Match, zone: re.Match | None) -> Time | None:
    hour = int(match["h"])
    if match["bam"] or match["aam"]:
        hour = hour % 12 if hour <= 12 else hour
    elif (match["bpm"] or match["apm"]) and hour < 12:
        hour += 12
    minute, second = int(match["m"] or match["m2"] or 0), int(match["s"] or match["s2"] or 0)
    fraction = int((match["f"] or "0").ljust(6, "0")[:6])
    time = at(hour, minute, second, fraction)
    return time if time is None or zone is None else _zoned(time, zone)


def at(hour: int, minute: int, second: int, micros: int = 0) -> Time | None:
    """A time of day by the clock; None when no clock shows it."""
    is_end = (hour, minute, second) == (24, 0, 0)
    if minute > 59 or second > 60 or (hour > 23 and not is_end):
        return None
    return Time(((hour * 60 + minute) * 60 + second) * SECOND + micros)


def _zoned(time: Time, zone: re.Match) -> Time | None:
    if zone["sign"]:
        hours, minutes = int(zone["oh"]), int(zone["om"] or 0)
        if hours > 14 or minutes > 59:
            return None
        seconds = (hours * 60 + minutes) * 60
        return Time(time.micros, seconds if zone["sign"] == "+" else -seconds)
    if zone["utc"]:
        return Time(time.micros, 0)
    if zone["iana"]:
        return Time(time.micros, zone=zone["iana"]) if zone["iana"] in _zones() else None
    name = zone["abbreviation"]
    if name in SEVERAL:
        return Time(time.micros, ambiguous=name)
    return Time(time.micros, round(OFFSETS[name] * 3600))


@lru_cache(maxsize=1)
def _zones() -> set[str]:
    return available_timezones()


def _is_zone(name: str) -> bool:
    return name in OFFSETS or name in SEVERAL


def abbreviations_of(timezone: str) -> dict[str, int]:
    """Abbreviations of the clocks of a zone over the year, and their seconds from UTC."""
    if timezone.startswith(("+", "-")):
        return {}
    zone = ZoneInfo(timezone)
    moments = [datetime(year, month, 15, tzinfo=zone) for year in (2015, 2024) for month in (1, 4, 7, 10)]
    return {m.tzname(): int(m.utcoffset().total_seconds()) for m in moments}  # type: ignore[union-attr,misc]


def _of_era(match: re.Match) -> str:
    """令和6年 as 2024年, R6.1.3 as 2024.1.3."""
    year = 1 if match["year"] == "元" else int(match["year"])
    return f"{ERAS[match['era'].upper()] + year}{match['mark']}"


def _with_colons(stamp: re.Match) -> str:
    """20240103T080500Z as 20240103 08:05:00Z; fourteen figures alone stay, for they may be a count."""
    return stamp[0] if stamp[0].isdigit() else f"{stamp[1]} {stamp[2]}:{stamp[3]}:{stamp[4]}"


def normal(text: str) -> str:
    """One form of the letters, figures and blanks that look alike; signs of years, months and days as
    marks.
    """
    text = unicodedata.normalize("NFKC", text).strip().strip("\"'=")
    text = ERA.sub(_of_era, re.sub(r"^\[([^\[\]]*)\]$", r"\1", text))
    text = re.sub(r"^(\d{4}):(\d{2}):(\d{2})(?= |T|$)", r"\1-\2-\3", text)  # as cameras write it
    text = re.sub(r"^[(\[]((?:GMT|UTC)[^)\]]*)[)\]]\s*(.*\d.*)$", r"\2 \1", text)
    text = re.sub(r"(\d)\s*[年月년월]\s*(?=\d)", r"\1-", text)
    text = re.sub(r"(\d)\s*[日号號일]", r"\1 ", text)
    text = re.sub(r"^(\d{8})[T_ -]?(\d{2})(\d{2})(\d{2})(?=Z|[+-]|\s|$)", _with_colons, text)
    text = re.sub(r"^(\d{4}-\d{2}-\d{2})[-_ T](\d{2})[.-](\d{2})[.-](\d{2})", r"\1 \2:\3:\4", text)  # DB2
    text = re.sub(
        r"^(\d{1,2}/[^\W\d_]+/\d{4}|\d{1,2}[^\W\d_]+\d{4}|\d{4}-\d{2}-\d{2}):(?=\d{2}:\d{2})", r"\1 ", text
    )  # logs of the web
    return re.sub(r"\s+", " ", text).strip()
