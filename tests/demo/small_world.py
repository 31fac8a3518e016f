"""A small world in TOML: one child with a federal file, one with a Flemish one."""

from __future__ import annotations

from pathlib import Path

import pytest

from ksz_childbenefits.domain.months import MonthRange, YearMonth
from tests.registers.numbers import NOOR, OTHER_PARENT, OTIS, PARENT

FUNDS = """
[[fund]]
number = "104"
nl = "Kas"
fr = "Caisse"
de = "Kasse"
[[fund]]
number = "0685540471"
nl = "Infino"
"""
CUSTOMERS = """
[[customer]]
name = "fedris"
title = "Fedris"
cbe = "0206734318"
[[customer]]
name = "ocmw-namur"
title = "OCMW of Namur"
cbe = "0207656610"
sector = 17
institution = 1
[[customer]]
name = "sfpd"
title = "Federal Pension Service"
cbe = "0206738078"
[[deliberation]]
number = "20/024"
customer = "fedris"
legal_contexts = ["FEDRIS:INQUIRY"]
sources = ["FEDERAL", "FLANDERS"]
months_back = 60
inscription_required = true
valid_from = 2019-01-01
valid_to = 2030-12-31
[[deliberation]]
number = "20/025"
customer = "ocmw-namur"
legal_contexts = ["PCSA:SOCIAL_INQUIRY"]
sources = ["FEDERAL"]
inscription_required = true
valid_from = 2019-01-01
[[deliberation]]
number = "20/026"
customer = "sfpd"
legal_contexts = ["SFPD:PENSION"]
sources = ["FEDERAL"]
inscription_required = false
valid_from = 2019-01-01
"""
STORY = f"""
story = "A child of Brussels, then of Namur."
cites = "DOMAIN 1"

[[person]]
ssin = "{NOOR}"
name = "Noor"
not_inscribed_for = ["ocmw-namur"]
factors = [
  {{ factor = 1, nis = "21004", from = 2012-03-15, to = 2019-05-31 }},
  {{ factor = 1, nis = "92094", from = 2019-06-01 }},
]
[[person]]
ssin = "{PARENT}"
name = "Sofia"
birth_date = 1980-06-30
[[person]]
ssin = "{OTHER_PARENT}"
name = "Sofia's former number"
status = "REPLACED"
replaced_by = "{PARENT}"

[[file]]
operator = "ORINT"
source = "FEDERAL"
from = 2012-04-01
to = 2019-05-31
fund = "104"
number = "104010001234"
entitled = "{PARENT}"
children = [ {{ ssin = "{NOOR}", bonuses = [
  {{ date = 2012-03-20, category = "BIRTH" }}
], periods = [ {{ from = "2012-04", to = "2019-05", category = "CHILD_ALLOWANCE" }} ] }} ]
beneficiaries = [ {{ ssin = "{PARENT}" }} ]

[[line]]
holder = "WALLONIA"
ssin = "{NOOR}"
sector = 7
quality = 107
type = "CHILD_BENEFIT"
from = 2020-01-01
[[line]]
customer = "ocmw-namur"
ssin = "{NOOR}"
sector = 17
quality = 1
phase = 2
from = 2020-01-01
to = 2020-12-31
"""
FLEMISH = f"""
story = "Two beneficiaries in a Flemish file."
cites = "DOMAIN 6"
[[person]]
ssin = "{OTIS}"
name = "Otis"
[[file]]
operator = "Opgroeien"
source = "FLANDERS"
type = "PARTICIPATION"
from = 2019-01-01
fund = "0685540471"
children = [ {{ ssin = "{OTIS}", bonuses = [
  {{ date = 2019-02-01, category = "BIRTH", beneficiaries = ["{PARENT}"] }}
], periods = [
  {{ from = "2019-01", to = "2019-12", category = "BASIC", beneficiaries = [
    "{PARENT}", "{NOOR}"
  ] }},
  {{ from = "2020-01", category = "SOCIAL", beneficiaries = ["{NOOR}"] }},
  {{ from = "2020-01", category = "TODDLER" }},
] }} ]
beneficiaries = [ {{ ssin = "{PARENT}" }}, {{ ssin = "{NOOR}" }} ]
"""
ALL_MONTHS = MonthRange(YearMonth(1900, 1), YearMonth(2999, 12))


def world(folder: Path, **files: str) -> Path:
    """A folder with a small world; what is given replaces or adds files."""
    written = {"funds": FUNDS, "customers": CUSTOMERS, "noor": STORY, "otis": FLEMISH} | files
    for name, text in written.items():
        (folder / f"{name}.toml").write_text(text, encoding="utf-8")
    (folder / "README.md").write_text("not of the world", encoding="utf-8")
    return folder


@pytest.fixture
def small(tmp_path: Path) -> Path:
    folder = tmp_path / "world"
    folder.mkdir()
    return folder
