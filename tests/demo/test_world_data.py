"""The demo world's stories, numbers and connecting factors, held against DOMAIN 1, 3 and 4."""

import re
from datetime import date
from itertools import pairwise

import pytest

from tests.demo.world_rows import (
    CUSTOMERS,
    FAR_AWAY,
    ROOT,
    SOURCES,
    WORLD,
    born,
    persons,
    region,
    rows,
    stories,
    valid_on,
)

STORIES = {
    "one child per region": (
        "brussels-child",
        "flanders-child",
        "wallonia-child",
        "eastbelgium-child",
    ),
    "Brussels to Namur on 2019-06-01": ("brussels-to-namur",),
    "Antwerp to Brussels mid-month": ("antwerp-to-brussels",),
    "Eupen to Malmedy": ("eupen-to-malmedy",),
    "abroad and back": ("abroad-and-back",),
    "born mid-month": ("born-mid-month",),
    "participation": ("participation-in-brussels", "participation-in-flanders"),
    "one, two and three beneficiaries": (
        "flanders-child",
        "two-beneficiaries",
        "three-beneficiaries",
    ),
    "guardian, foster care, orphan": ("guardian", "foster-care", "orphan"),
    "special care, social supplement": ("special-care", "social-supplement"),
    "adoption, prepaid birth": ("adoption", "prepaid-birth"),
    "change of fund": ("change-of-fund",),
    "parents": ("parent-of-forty", "parents-at-both-archives", "entitled-only-federally"),
    "bis, ter, unknown birth day": ("bis-number", "ter-number", "unknown-birth-day"),
    "replaced, cancelled, non-existing": ("replaced-twice", "cancelled", "non-existing"),
    "known nowhere": ("known-nowhere",),
    "competent, no line": ("competent-without-line", "competent-without-file"),
    "not inscribed": ("not-inscribed-for-namur", "inscribed-for-a-while"),
    "lines that never route": ("under-investigation", "provisional"),
    "over the age limit": ("over-the-age-limit", "twenty-five-in-2019"),
}
"""What the issue's item 5 lists, and the stories that show it."""


def test_there_are_at_least_34_stories_each_with_its_rule() -> None:
    assert len(stories()) >= 34
    for name, story in stories().items():
        assert story["story"].endswith("."), name
        assert re.fullmatch(r"DOMAIN [1-7](, DOMAIN [1-7])*", story["cites"]), name
        assert story.get("person"), name


@pytest.mark.parametrize("item", STORIES)
def test_every_item_of_the_issue_has_its_stories(item: str) -> None:
    assert set(STORIES[item]) <= set(stories())


def test_every_person_and_customer_is_in_the_guide() -> None:
    guide = (ROOT / "docs" / "demo-world.md").read_text("utf-8")
    assert [ssin for ssin in persons() if ssin not in guide] == []
    assert [name for name in CUSTOMERS if f"`{name}`" not in guide] == []


def test_moves_go_in_every_direction() -> None:
    moves = set()
    for person in persons().values():
        own = [factor for factor in person.get("factors", ()) if factor["factor"] == 1]
        for before, after in pairwise(own):
            moves.add((region(before["nis"]), region(after["nis"])))
    regions = SOURCES - {"FEDERAL"}
    assert moves >= {(a, b) for a in regions for b in regions if a != b}


def test_namur_and_antwerp_move_on_the_days_of_the_issue() -> None:
    namur = stories()["brussels-to-namur"]["person"][0]["factors"]
    assert (region(namur[0]["nis"]), namur[0]["to"]) == ("BRUSSELS", date(2019, 5, 31))
    assert (namur[1]["nis"], namur[1]["from"]) == ("92094", date(2019, 6, 1))
    antwerp = stories()["antwerp-to-brussels"]["person"][0]["factors"]
    assert antwerp[0]["nis"] == "11002"
    assert antwerp[1]["from"].day not in (1, 31)
    eupen = stories()["eupen-to-malmedy"]["person"][0]["factors"]
    assert [f["nis"] for f in eupen] == ["63023", "63049"]


# Numbers


def test_numbers_are_valid_invented_and_unique() -> None:
    numbers = [row["ssin"] for _, row in rows("person")]
    assert len(numbers) == len(set(numbers)) >= 30
    for ssin in numbers:
        assert re.fullmatch("[0-9]{11}", ssin)
        assert ssin[9:] != "00"
        assert int(ssin[2:4]) % 20 <= 12, ssin
        assert 900 <= int(ssin[6:9]) <= 997, ssin
        assert born(ssin) <= date(2025, 1, 1)


def test_the_birth_date_written_is_that_of_the_number() -> None:
    for person in persons().values():
        assert person.get("birth_date", born(person["ssin"])) == born(person["ssin"])


def test_every_kind_of_number_is_there() -> None:
    months = {int(ssin[2:4]) // 20 for ssin in persons()}
    assert months == {0, 1, 2}  # national, bis, ter
    unknown = [ssin for ssin in persons() if ssin[4:6] == "00"]
    assert any(ssin[2:4] == "00" for ssin in unknown)
    assert any(ssin[2:4] not in ("00", "20", "40") for ssin in unknown)


def test_a_chain_of_two_replacements_ends_at_a_number_in_use() -> None:
    first, second, last = stories()["replaced-twice"]["person"][:3]
    assert first["status"] == second["status"] == "REPLACED"
    assert first["replaced_by"] == second["ssin"]
    assert second["replaced_by"] == last["ssin"]
    assert "status" not in last
    assert "fedris" not in first.get("not_inscribed_for", ())
    for person in persons().values():
        assert ("replaced_by" in person) == (person.get("status") == "REPLACED")
        assert person.get("replaced_by", person["ssin"]) in persons()
    assert stories()["cancelled"]["person"][0]["status"] == "CANCELLED"


def test_the_non_existing_numbers_are_valid_and_held_nowhere() -> None:
    comment = next(
        line
        for line in (WORLD / "non-existing.toml").read_text("utf-8").splitlines()
        if line.startswith("# Not in the register")
    )
    absent = re.findall(r"\b[0-9]{11}\b", comment)
    assert len(absent) >= 2
    for ssin in absent:
        assert born(ssin)
        assert ssin not in persons()


# Connecting factors


def test_connecting_factors_have_codes_valid_on_their_first_day() -> None:
    seen = set()
    for person in persons().values():
        for factor in person.get("factors", ()):
            assert factor["factor"] in range(1, 7)
            assert valid_on(factor["nis"], factor["from"]), factor
            assert factor.get("to", FAR_AWAY) >= factor["from"]
            seen.add(region(factor["nis"]))
    assert seen == SOURCES - {"FEDERAL"}


def test_rows_of_one_factor_follow_each_other() -> None:
    for person in persons().values():
        for number in range(1, 7):
            own = [f for f in person.get("factors", ()) if f["factor"] == number]
            for before, after in pairwise(own):
                assert before["to"] < after["from"], person["ssin"]


def test_all_six_factors_decide_somewhere() -> None:
    lowest = [
        min(f["factor"] for f in person["factors"])
        for person in persons().values()
        if person.get("factors")
    ]
    assert {1, 3, 4} <= set(lowest)
    later = stories()["later-connecting-factors"]["person"][0]["factors"]
    assert [f["factor"] for f in later] == [4, 5, 6]
    assert later[0]["to"] < later[1]["to"] < later[2].get("to", FAR_AWAY)
