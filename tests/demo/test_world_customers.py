"""The demo world's funds, customers and deliberations, held against DOMAIN 6 and 7."""

import re
from datetime import date
from typing import Any

from tests.demo.world_rows import (
    CUSTOMERS,
    FAR_AWAY,
    REAL_FUNDS,
    SOURCES,
    files,
    fits_mod_97,
    persons,
    read,
    stories,
)


def test_funds_are_described_and_used() -> None:
    funds = {fund["number"]: fund for fund in read("funds")["fund"]}
    assert {file["fund"] for file in files()} == set(funds)
    assert set(funds) >= REAL_FUNDS
    for number, fund in funds.items():
        assert re.fullmatch("[0-9]{3}", number) or fits_mod_97(number)
        assert all(1 <= len(fund[language]) <= 100 for language in ("nl", "fr", "de"))
    for file in files():
        assert (len(file["fund"]) == 3) == (file["source"] == "FEDERAL")


def test_the_twelve_customers_ocmw_as_two() -> None:
    customers = {row["name"]: row for row in read("customers")["customer"]}
    assert set(customers) == CUSTOMERS
    numbers = [row["cbe"] for row in customers.values()]
    assert len(set(numbers)) == len(numbers)
    assert all(map(fits_mod_97, numbers))
    assert not set(numbers) & {fund["number"] for fund in read("funds")["fund"]}
    known = {
        name: (row["sector"], row["institution"])
        for name, row in customers.items()
        if "sector" in row
    }
    assert known["ocmw-gent"] == known["ocmw-namur"] == (17, 1)
    assert (known["vmsw"], known["brussels-housing"], known["swl"]) == ((49, 0), (48, 0), (47, 0))
    assert known["vlaams-woningfonds"] == (87, 0)
    assert known["fedris"] in ((1, 0), (6, 0))
    assert known["sfpd"] in ((5, 0), (23, 0))


def deliberations(customer: str) -> list[dict[str, Any]]:
    return [d for d in read("customers")["deliberation"] if d["customer"] == customer]


def test_deliberations_reach_as_far_as_the_scenarios_need() -> None:
    for customer in CUSTOMERS:
        first = deliberations(customer)[0]
        assert first["valid_from"] <= date(2020, 1, 1)
        assert "valid_to" not in first
        assert all(
            d["legal_contexts"] and set(d["sources"]) <= SOURCES for d in deliberations(customer)
        )
    for customer in ("fedris", "sfpd", "ocmw-gent"):  # any month, on any day
        (only,) = deliberations(customer)
        assert set(only["sources"]) == SOURCES
        assert "months_back" not in only
        assert only["inscription_required"] == (customer != "sfpd")
    (namur,) = deliberations("ocmw-namur")
    assert (namur["months_back"], namur["inscription_required"]) == (60, True)
    (gent,) = deliberations("ocmw-gent")
    contexts = {"PCSA:SOCIAL_INQUIRY", "SOCIAL_INVESTIGATION_OF_PCSA"}
    assert set(gent["legal_contexts"]) == set(namur["legal_contexts"]) == contexts


def test_deliberations_of_every_kind_are_there() -> None:
    everything = read("customers")["deliberation"]
    contents = {d["number"]: (d["customer"], d["legal_contexts"]) for d in everything}
    assert all(contents[d["number"]] == (d["customer"], d["legal_contexts"]) for d in everything)
    assert len(contents) < len(everything)  # one number in several rows
    assert any("revoked" in d for d in everything)
    assert any(d.get("valid_to", FAR_AWAY) < date(2024, 1, 1) for d in everything)
    assert any(d["valid_from"] > date(2090, 1, 1) for d in everything)
    assert any(set(d["sources"]) == {"FLANDERS"} for d in deliberations("vmsw"))
    assert [set(d["sources"]) for d in deliberations("swl")] == [{"WALLONIA"}]
    several = deliberations("brussels-housing")[0]["sources"]
    assert len(several) > 1
    assert "WALLONIA" not in several
    one, other = deliberations("vlaams-woningfonds")
    assert set(one["legal_contexts"]) & set(other["legal_contexts"])
    shared = set(one["sources"]) & set(other["sources"])
    assert shared < set(one["sources"]) | set(other["sources"])
    assert one["months_back"] != other["months_back"]
    assert one["inscription_required"] != other["inscription_required"]


def test_every_kind_of_block_is_withheld_alone_and_beside_others() -> None:
    """DOMAIN 7; a category stands for the others."""
    withheld = [d["withheld"] for d in read("customers")["deliberation"] if d.get("withheld")]
    assert {blocks[0] for blocks in withheld if len(blocks) == 1} == {
        "file/fileNumber",
        "file/entitledPersonSsin",
        "file/beneficiaries",
        "bonuses",
        "paymentPeriods",
        "paymentPeriods[SOCIAL]",
        "childBenefitsFund/description",
    }
    assert any(len(blocks) > 1 for blocks in withheld)


def test_two_that_apply_together_withhold_different_blocks_of_a_source() -> None:
    today = date(2024, 6, 1)
    applying = [
        set(d["withheld"])
        for d in deliberations("flw")
        if d["legal_contexts"] == ["FLW:ARREARS_FOLLOW_UP"]
        and "revoked" not in d
        and d.get("valid_to", FAR_AWAY) >= today
        and "WALLONIA" in d["sources"]
    ]
    assert applying == [
        {"bonuses", "paymentPeriods"},
        {"file/fileNumber", "bonuses", "paymentPeriods[SOCIAL]"},
    ]


def test_one_is_not_inscribed_for_the_ocmw_of_namur() -> None:
    child = stories()["not-inscribed-for-namur"]["person"][0]
    assert child["not_inscribed_for"] == ["ocmw-namur"]
    a_while = stories()["inscribed-for-a-while"]
    assert a_while["person"][0]["not_inscribed_for"] == ["fedris"]
    (line,) = a_while["line"]
    assert (line["customer"], line["ssin"]) == ("fedris", a_while["person"][0]["ssin"])
    for person in persons().values():
        assert set(person.get("not_inscribed_for", ())) <= CUSTOMERS
