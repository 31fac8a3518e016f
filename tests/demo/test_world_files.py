"""The demo world's files and repertory lines, held against DOMAIN 1, 2 and 6."""

from datetime import date

from tests.demo.world_rows import (
    CATEGORIES,
    CUSTOMERS,
    FAR_AWAY,
    HOLDERS_FROM_2024,
    REGIONAL_CATEGORIES,
    SOURCES,
    WINDOWS,
    born,
    files,
    is_numbered_federally,
    numbers_of,
    paid,
    persons,
    region,
    rows,
    stories,
)


def test_members_and_lines_are_persons_of_their_story() -> None:
    for story in stories().values():
        here = {person["ssin"]: person for person in story["person"]}
        for file in story.get("file", ()):
            assert numbers_of(file) <= set(here)
            assert all("status" not in here[ssin] for ssin in numbers_of(file))
        for line in story.get("line", ()):
            assert line["ssin"] in here


def test_files_stand_where_and_when_domain_1_puts_them() -> None:
    for file in files():
        first, last = WINDOWS[file["source"]]
        assert first <= file["from"] <= file.get("to", FAR_AWAY) <= last, file
        if file["source"] == "FLANDERS":
            assert file["operator"] == "Opgroeien"
        elif file["from"] < date(2024, 1, 1):
            assert file["operator"] == "ORINT"
        else:
            assert file["operator"] in HOLDERS_FROM_2024[file["source"]]


def test_federal_files_of_2019_are_of_brussels_children() -> None:
    for file in files("FEDERAL"):
        if file["to"] <= date(2018, 12, 31):
            continue
        for child in file["children"]:
            rows_of_2019 = [
                factor
                for factor in persons()[child["ssin"]]["factors"]
                if factor["factor"] == 1
                and factor["from"] <= file["to"]
                and factor.get("to", FAR_AWAY) >= max(file["from"], date(2019, 1, 1))
            ]
            assert {region(factor["nis"]) for factor in rows_of_2019} == {"BRUSSELS"}


def test_flemish_files_have_one_child_that_names_its_beneficiaries() -> None:
    sizes = set()
    for file in files("FLANDERS"):
        assert "number" not in file
        assert "entitled" not in file
        assert len(file["children"]) == 1
        beneficiaries = {b["ssin"] for b in file["beneficiaries"]}
        assert all(set(b) == {"ssin"} for b in file["beneficiaries"])
        named = set()
        for row in paid(file["children"][0]):
            assert 1 <= len(row["beneficiaries"]) <= 2
            named |= set(row["beneficiaries"])
        assert named == beneficiaries
        sizes.add(len(beneficiaries))
    assert sizes == {1, 2, 3}


def test_other_files_are_numbered_and_name_nobody_on_a_payment() -> None:
    for file in files():
        if file["source"] == "FLANDERS":
            continue
        for member in [*file["children"], *file["beneficiaries"]]:
            assert all("beneficiaries" not in row for row in paid(member))
        if file["source"] == "FEDERAL":
            assert file["entitled"]
            assert is_numbered_federally(file)
        else:
            assert file["number"]
            assert "entitled" not in file
            assert "type" not in file


def test_payments_fit_the_source_and_the_validity_of_their_file() -> None:
    bonuses: set[str] = set()
    categories: dict[str, set[str]] = {}
    for file in files():
        first, last = file["from"], file.get("to", FAR_AWAY)
        for member in [*file["children"], *file["beneficiaries"]]:
            for bonus in member.get("bonuses", ()):
                assert first <= bonus["date"] <= last
                bonuses.add(bonus["category"])
            for period in member.get("periods", ()):
                assert f"{first:%Y-%m}" <= period["from"] <= period.get("to", "9999-12")
                assert period.get("to", f"{last:%Y-%m}") <= f"{last:%Y-%m}"
                assert "to" in period or "to" not in file
                categories.setdefault(file["source"], set()).add(period["category"])
    assert bonuses == {"BIRTH", "ADOPTION", "PRE_PAYMENT_BIRTH"}
    assert all(categories[source] <= CATEGORIES[source] for source in SOURCES)
    assert categories["FLANDERS"] == CATEGORIES["FLANDERS"]
    assert categories["WALLONIA"] | categories["BRUSSELS"] == REGIONAL_CATEGORIES


def test_the_participation_child_is_paid_by_two_sources_in_the_same_months() -> None:
    held = stories()["participation-in-brussels"]["file"]
    flemish = next(file for file in held if file["source"] == "FLANDERS")
    assert flemish["type"] == "PARTICIPATION"
    others = [file for file in held if file["source"] in ("FEDERAL", "BRUSSELS")]
    assert len(others) == 2
    assert all(file.get("to", FAR_AWAY) >= flemish["from"] for file in others)


def test_the_parent_of_forty_has_children_in_ghent_and_liege() -> None:
    story = stories()["parent-of-forty"]
    parent = story["person"][0]["ssin"]
    assert born(parent).year == 1984  # 40 in 2024
    children = {p["factors"][0]["nis"] for p in story["person"] if born(p["ssin"]).year > 2000}
    assert children == {"44021", "62063"}
    sources = [file["source"] for file in story["file"] if parent in numbers_of(file)]
    assert sorted(sources) == ["FEDERAL", "FLANDERS", "FLANDERS", "WALLONIA"]


# Lines


def test_lines_that_lead_nowhere_are_there() -> None:
    codes = {(line["sector"], line["quality"], line["phase"]) for _, line in rows("line")}
    assert {(7, 107, 0), (7, 104, 902), (7, 902, 0), (7, 104, 999), (7, 999, 0)} <= codes
    assert any(sector != 7 and quality in range(101, 107) for sector, quality, _ in codes)
    assert {(7, quality, 0) for quality in (103, 105, 106)} <= codes
    for _, line in rows("line"):
        assert ("holder" in line) != ("customer" in line)
        assert line.get("holder", "WALLONIA") in SOURCES
        assert line.get("customer", "fedris") in CUSTOMERS
