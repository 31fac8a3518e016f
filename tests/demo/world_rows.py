"""The rows of the demo world as tomllib reads them, with the rules' text for the tests here."""

import re
import tomllib
from collections.abc import Iterator
from datetime import date
from functools import cache
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]
WORLD = ROOT / "ksz_childbenefits" / "demo" / "world"
LONG_AGO, FAR_AWAY = date(1900, 1, 1), date(2999, 12, 31)

CUSTOMERS = {
    "fedris",
    "sfpd",
    "orint",
    "ocmw-gent",
    "ocmw-namur",
    "opgroeien",
    "vmsw",
    "vlaams-woningfonds",
    "brussels-housing",
    "spw-tlpe",
    "swl",
    "swcs",
    "flw",
}
SOURCES = {"FEDERAL", "BRUSSELS", "FLANDERS", "WALLONIA", "EASTBELGIUM"}

WINDOWS = {
    "FEDERAL": (LONG_AGO, date(2019, 12, 31)),
    "BRUSSELS": (date(2020, 1, 1), FAR_AWAY),
    "FLANDERS": (date(2019, 1, 1), FAR_AWAY),
    "WALLONIA": (date(2019, 1, 1), FAR_AWAY),
    "EASTBELGIUM": (date(2019, 1, 1), FAR_AWAY),
}
"""DOMAIN 1, months of each source, as days."""

HOLDERS_FROM_2024 = {
    "BRUSSELS": {"Iriscare"},
    "FLANDERS": {"Opgroeien"},
    "WALLONIA": {"AVIQ"},
    "EASTBELGIUM": {"AVIQ"},
}

REGIONAL_CATEGORIES = {"CHILD_ALLOWANCE", "SOCIAL", "ORPHAN_CARE", "SPECIAL_CARE"}
CATEGORIES = {
    "FEDERAL": {"CHILD_ALLOWANCE"},
    "WALLONIA": REGIONAL_CATEGORIES,
    "EASTBELGIUM": REGIONAL_CATEGORIES,
    "BRUSSELS": REGIONAL_CATEGORIES,
    "FLANDERS": {
        *("BASIC", "SPECIAL_CARE", "ORPHAN_CARE", "FOSTER_CARE", "SOCIAL", "TODDLER"),
        *("UNIVERSAL_PARTICIPATION", "OTHER_PARTICIPATION"),
    },
}
"""DOMAIN 6, payment categories."""

REAL_FUNDS = {
    *("0685540471", "0686764255", "0697784445", "0695982819", "0727421608", "0726908991"),
}
"""DOMAIN 6: the enterprise numbers that are known."""

RECODED_2019 = """
12030+12034→12041 44011+44049→44083 44001+44029→44084 44036+44072+44080→44085 45017+45057→45068
72040+71047→72042 72025+72029→72043 55010→51067 55039→51068 55023→51069 52063→55085 52043→55086
54007→57096 54010→57097 55022→58001 56011→58002 56085→58003 56087→58004
"""
RECODED_2025 = """
11002+11007→11002 23023+23024+23032→23106 37012+37018→37021 37007+37015→37022 44012+44048→44086
44034+44073→44087 46014+44045→46029 44040+44043→44088 46003+46013+11056→46030 73006+73032→73110
73009+73083→73111 71069+71057→71071 71022+73040→71072 82003+82005→82039
"""
"""DOMAIN 3, codes that changed."""

EAST = {"63001", "63012", "63013", "63023", "63040", "63048", "63061", "63067", "63087"}


def read(name: str) -> dict[str, Any]:
    return tomllib.loads((WORLD / f"{name}.toml").read_text("utf-8"))


@cache
def stories() -> dict[str, dict[str, Any]]:
    names = {path.stem for path in WORLD.glob("*.toml")} - {"funds", "customers"}
    return {name: read(name) for name in sorted(names)}


def rows(kind: str) -> list[tuple[str, dict[str, Any]]]:
    return [(name, row) for name, story in stories().items() for row in story.get(kind, ())]


def persons() -> dict[str, dict[str, Any]]:
    return {row["ssin"]: row for _, row in rows("person")}


def files(source: str | None = None) -> list[dict[str, Any]]:
    return [row for _, row in rows("file") if source in (None, row["source"])]


def numbers_of(file: dict[str, Any]) -> set[str]:
    members = {m["ssin"] for m in [*file["children"], *file.get("beneficiaries", ())]}
    return members | ({file["entitled"]} if "entitled" in file else set())


def century(ssin: str) -> int:
    """DOMAIN 4: the check is 97 less the remainder, "2" written before for births from 2000."""
    for prefix, first_year in (("", 1900), ("2", 2000)):
        if int(ssin[9:]) == 97 - int(prefix + ssin[:9]) % 97:
            return first_year
    raise AssertionError(f"check digits of {ssin}")


def born(ssin: str) -> date:
    month, day = int(ssin[2:4]) % 20, int(ssin[4:6])
    return date(century(ssin) + int(ssin[:2]), month or 1, day or 1)


def region(nis: str) -> str:
    """DOMAIN 3; for codes that are in the table at all."""
    assert re.fullmatch("[0-9]{5}", nis), nis
    if nis in EAST:
        return "EASTBELGIUM"
    if "21001" <= nis <= "21019":
        return "BRUSSELS"
    if nis[0] in "1347" or nis[:2] in ("23", "24"):
        return "FLANDERS"
    assert nis[0] in "5689" or nis[:2] == "25", nis
    return "WALLONIA"


def valid_on(nis: str, day: date) -> bool:
    """DOMAIN 3: a code is used from its recoding on, and the code it replaced before."""
    for changes, first_day in (
        (RECODED_2019, date(2019, 1, 1)),
        (RECODED_2025, date(2025, 1, 1)),
    ):
        for change in changes.split():
            old, new = change.split("→")
            if nis == new and nis not in old and day < first_day:
                return False
            if nis in old.split("+") and nis != new and day >= first_day:
                return False
    return True


def fits_mod_97(number: str) -> bool:
    shape = re.fullmatch("[01][0-9]{9}", number)
    return bool(shape) and int(number[8:]) == 97 - int(number[:8]) % 97


def is_numbered_federally(file: dict[str, Any]) -> bool:
    """DOMAIN 6: fund of 3 digits, office of 2, file of 1 to 18."""
    return bool(re.fullmatch(f"{file['fund']}[0-9]{{2}}[0-9]{{1,18}}", file["number"]))


def paid(member: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield from member.get("bonuses", ())
    yield from member.get("periods", ())
