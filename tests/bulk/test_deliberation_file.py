"""The file of deliberations that two people review: what it says, and what is refused where."""

from __future__ import annotations

import hashlib
from datetime import date
from pathlib import Path

import pytest

from ksz_childbenefits.bulk.deliberation_file import read_amendment
from ksz_childbenefits.domain.customers import Deliberation
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.amendments import Amendment, Withdrawal

FILE = """\
prepared_by = "An Peeters"
reviewed_by = "Jean  Dubois"

[[deliberation]]
number = "19/118"
customer = "vmsw"
legal_contexts = ["VMSW:SOCIAL_RENT", "VMSW:SOCIAL_PURCHASE"]
sources = ["FLANDERS", "FEDERAL"]
months_back = 36
inscription_required = false
withheld = ["paymentPeriods[SOCIAL]", "bonuses"]
valid_from = 2019-01-01
valid_to = 2029-12-31

[[deliberation]]
number = "19/119"
customer = "swl"
legal_contexts = ["SWL:SOCIAL_RENT"]
sources = ["WALLONIA"]
months_back = "unlimited"
inscription_required = true
withheld = []
valid_from = 2019-01-01

[[revocation]]
number = "18/007"
customer = "vmsw"
reason = "Replaced by 19/118"
"""
VMSW = Deliberation(
    "19/118",
    "vmsw",
    frozenset({"VMSW:SOCIAL_RENT", "VMSW:SOCIAL_PURCHASE"}),
    frozenset({AuthenticSource.FLANDERS, AuthenticSource.FEDERAL}),
    36,
    False,
    date(2019, 1, 1),
    date(2029, 12, 31),
    frozenset({"paymentPeriods[SOCIAL]", "bonuses"}),
)
SWL = Deliberation(
    "19/119",
    "swl",
    frozenset({"SWL:SOCIAL_RENT"}),
    frozenset({AuthenticSource.WALLONIA}),
    None,
    True,
    date(2019, 1, 1),
    None,
)


def written(folder: Path, text: str | bytes) -> Path:
    path = folder / "deliberations.toml"
    path.write_bytes(text.encode() if isinstance(text, str) else text)
    return path


def test_what_a_file_says(tmp_path: Path) -> None:
    assert read_amendment(written(tmp_path, FILE)) == Amendment(
        hashlib.sha256(FILE.encode()).hexdigest(),
        "An Peeters",
        "Jean Dubois",
        {"deliberation 1 (19/118)": VMSW, "deliberation 2 (19/119)": SWL},
        {"revocation 1 (18/007)": Withdrawal("18/007", "vmsw", "Replaced by 19/118")},
    )


@pytest.mark.parametrize(
    ("find", "put", "texts"),
    [
        ('reviewed_by = "Jean  Dubois"\n', "", ["reviewed_by: Field required"]),
        ('"Jean  Dubois"', '" an peeters "', ["prepared_by and reviewed_by must be two people"]),
        ('"Jean  Dubois"', '" "', ["reviewed_by: a person's name has 1 to 128 characters"]),
        (
            '"Jean  Dubois"',
            f'"{"J" * 129}"',
            ["reviewed_by: a person's name has 1 to 128 characters"],
        ),
        ('["WALLONIA"]', '["WALLONIA", "WALONIA"]', ["deliberation 2, sources 2: ", "'FEDERAL', "]),
        (
            '"bonuses"]',
            '"bonus", "file/children"]',
            ["deliberation 1, withheld: unknown block of data to withhold: bonus, file/children"],
        ),
        ("withheld = []\n", "", ["deliberation 2, withheld: Field required"]),
        ('months_back = "unlimited"\n', "", ["deliberation 2, months_back: Field required"]),
        ('"unlimited"', '"none"', ["deliberation 2, months_back: a number of months, or"]),
        ("= 36", "= true", ["deliberation 1, months_back: a number of months, or"]),
        ("= false", '= "no"', ["deliberation 1, inscription_required: "]),
        ("valid_from = 2019-01-01\nvalid_to", "valid_to", ["deliberation 1, valid_from: "]),
        ("valid_to", "valid_till", ["deliberation 1, valid_till: Extra inputs"]),
        ("[[revocation]]", "[[revocations]]", ["revocations: Extra inputs"]),
        ('reason = "Replaced by 19/118"\n', "", ["revocation 1, reason: Field required"]),
        ("[[revocation]]", "[[revocation]", ["is not TOML", "line 25"]),
    ],
)
def test_a_mistake_is_named_with_its_row_and_key(
    tmp_path: Path, find: str, put: str, texts: list[str]
) -> None:
    assert FILE.count(find) == 1
    with pytest.raises(DataError) as refused:
        read_amendment(written(tmp_path, FILE.replace(find, put)))
    assert str(refused.value).startswith("deliberations.toml")
    assert all(text in str(refused.value) for text in texts)


def test_what_is_not_utf_8_is_no_toml(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="is not TOML"):
        read_amendment(written(tmp_path, FILE.encode().replace(b"Peeters", b"P\xe9eters")))


def test_all_mistakes_are_named_at_once(tmp_path: Path) -> None:
    content = FILE.replace("= 36", "= -1.5").replace("withheld = []\n", "")
    with pytest.raises(DataError, match=r"1, months_back: .*; deliberation 2, withheld: "):
        read_amendment(written(tmp_path, content))


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"cannot read .*No such file"):
        read_amendment(tmp_path / "deliberations.toml")
