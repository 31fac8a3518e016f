"""The contract between KSZ and operators: its schema as a table, and its codec in both directions.

The table is written by hand from what was decided (docs/decisions), in CONTRACT's notation.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime
from functools import cache

import pytest
import xmlschema
from lxml import etree

from ksz_childbenefits.contract.cadastre_codec import (
    SupplierInformation,
    UnusableReply,
    decode_call,
    decode_holdings,
    encode_call,
    encode_holdings,
    encode_supplier_fault,
)
from ksz_childbenefits.contract.codec import CbssInformation
from ksz_childbenefits.contract.contracts import CADASTRE
from ksz_childbenefits.contract.namespaces import (
    CADASTRE_INTF,
    CADASTRE_SOAP_ACTION,
    WSDL,
    WSDL_SOAP,
    XSD,
)
from ksz_childbenefits.contract.schemas import validate_reply, validate_request
from ksz_childbenefits.domain.cadastre import CadastreCall, Holdings
from ksz_childbenefits.domain.customers import Customer
from ksz_childbenefits.domain.files import (
    Bonus,
    Description,
    File,
    FileMember,
    FileType,
    Fund,
    PaymentPeriod,
)
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.withholding import BLOCKS
from ksz_childbenefits.errors import SchemaViolation, Unavailable
from tests.contract.canonical import read
from tests.contract.oracle import ROOT, XSD_FOLDER
from tests.registers.numbers import NOOR, OTHER_PARENT, OTIS, PARENT, ssin

WSDL_FILE = ROOT / "wsdl" / CADASTRE.wsdl
CAD = "http://kszbcss.fgov.be/types/ChildBenefitsCadastre/v1"

TABLE = {
    "ConsultFilesRequestType": (
        "extension of cbc:BaseSupplierRequestType",
        "ticketCBSS: common:UUIDType",
        "criteria: cad:CriteriaType",
        "dataFilters: cad:DataFiltersType [0..1]",
    ),
    "ConsultFilesResponseType": (
        "ticketCBSS: common:UUIDType",
        "informationSupplier: common:InformationSupplierType",
        "criteria: cad:CriteriaType",
        "status: cbc:SourceStatusType",
        "files: cbc:FilesType [0..1]",
        "validities: cad:ValiditiesType [0..1]",
    ),
    "CriteriaType": (
        "ssin: common:SsinType",
        "authenticSource: cb:AuthenticSourceType",
        "period: cbc:OpenYearMonthPeriodType",
    ),
    "DataFiltersType": ("filteredElement: cad:FilteredElementType [1..15]",),
    "FilteredElementType": (
        "file/fileNumber",
        "file/entitledPersonSsin",
        "file/beneficiaries",
        "bonuses",
        "paymentPeriods",
        "paymentPeriods[BASIC]",
        "paymentPeriods[SPECIAL_CARE]",
        "paymentPeriods[ORPHAN_CARE]",
        "paymentPeriods[FOSTER_CARE]",
        "paymentPeriods[SOCIAL]",
        "paymentPeriods[UNIVERSAL_PARTICIPATION]",
        "paymentPeriods[OTHER_PARTICIPATION]",
        "paymentPeriods[TODDLER]",
        "paymentPeriods[CHILD_ALLOWANCE]",
        "childBenefitsFund/description",
    ),
    "ValiditiesType": ("validity: cad:ValidityType [1..100]",),
    "ValidityType": ("extension of common:OpenPeriodType", "@fileType: cad:FileTypeType required"),
    "FileTypeType": ("CHILD_BENEFIT", "PARTICIPATION"),
}


def declared(component: etree._Element) -> Iterator[str]:
    """What a type of the XSD declares, in order."""
    for node in component.iter(*(f"{{{XSD}}}{n}" for n in ("extension", "element", "attribute"))):
        kind = etree.QName(node).localname
        if kind == "extension":
            yield f"extension of {node.get('base')}"
        elif kind == "attribute":
            yield f"@{node.get('name')}: {node.get('type')} {node.get('use')}"
        else:
            low, high = node.get("minOccurs", "1"), node.get("maxOccurs", "1")
            bounds = "" if low == high == "1" else f" [{low}..{high}]"
            yield f"{node.get('name')}: {node.get('type')}{bounds}"
    for node in component.iter(f"{{{XSD}}}enumeration"):
        yield str(node.get("value"))


def test_the_types() -> None:
    root = etree.parse(XSD_FOLDER / "ChildBenefitsCadastreV1.xsd").getroot()
    assert root.get("targetNamespace") == CAD
    assert root.get("elementFormDefault") == root.get("attributeFormDefault") == "unqualified"
    types = [c for c in root if c.tag in (f"{{{XSD}}}complexType", f"{{{XSD}}}simpleType")]
    assert {str(c.get("name")): tuple(declared(c)) for c in types} == TABLE
    assert root.find(f"{{{XSD}}}element") is None


def test_the_wsdl() -> None:
    root = etree.parse(WSDL_FILE).getroot()
    assert root.get("targetNamespace") == CADASTRE_INTF
    elements = {e.get("name"): e.get("type") for e in root.iter(f"{{{XSD}}}element")}
    assert elements == {
        "consultFilesRequest": "cad:ConsultFilesRequestType",
        "consultFilesResponse": "cad:ConsultFilesResponseType",
        "consultFilesFault": "cbc:SupplierFaultType",
    }
    (action,) = (o.get("soapAction") for o in root.iter(f"{{{WSDL_SOAP}}}operation"))
    assert action == CADASTRE_SOAP_ACTION
    (address,) = (str(a.get("location")) for a in root.iter(f"{{{WSDL_SOAP}}}address"))
    assert address.endswith("/ChildBenefitsCadastreService/v1/consult")
    (operation,) = root.findall(f"{{{WSDL}}}portType/{{{WSDL}}}operation")
    assert operation.get("name") == "consultFiles"


@cache
def oracle() -> xmlschema.XMLSchema10:
    inline = etree.parse(WSDL_FILE).find(f".//{{{XSD}}}schema")
    assert inline is not None
    text = etree.tostring(inline).decode()
    return xmlschema.XMLSchema10(text, base_url=str(WSDL_FILE.parent), allow="local")


CALL = CadastreCall(
    AuthenticSource.FLANDERS,
    NOOR,
    MonthRange(YearMonth(2019, 1), YearMonth(2999, 12)),
    "1f0d2c3b-4a59-4687-9695-a4b3c2d1e0f9",
    Customer("fedris", "0206734318", 1, 0),
    "FEDRIS:COMPENSATION_FILE",
)
SUPPLIER = SupplierInformation(
    "0900010639", datetime(2026, 3, 10, tzinfo=UTC), datetime(2026, 3, 10, 1, tzinfo=UTC)
)
MONTH = YearMonth(2020, 2)
FLEMISH = File(
    FileType.PARTICIPATION,
    date(2019, 1, 15),
    None,
    Fund("0685540471", None, (Description("NL", "Infino"), Description("FR", "é & <b>"))),
    None,
    None,
    (
        FileMember(
            NOOR,
            (Bonus(date(2020, 2, 29), "BIRTH", (PARENT, OTHER_PARENT)),),
            (PaymentPeriod(MONTH, None, "TODDLER", (PARENT,)), PaymentPeriod(MONTH, MONTH, "X")),
        ),
    ),
    (FileMember(PARENT, (Bonus(date(2020, 2, 29), "BIRTH"),)), FileMember(OTHER_PARENT)),
)
FEDERAL = File(
    FileType.CHILD_BENEFIT,
    date(2010, 1, 1),
    date(2019, 12, 31),
    Fund(None, "104"),
    "104010001234",
    PARENT,
    (FileMember(NOOR), FileMember(OTIS)),
    (),
)


def reply(holdings: Holdings, call: CadastreCall = CALL) -> etree._Element:
    element = read(encode_holdings(call, holdings, SUPPLIER))
    validate_reply(CADASTRE, element)
    assert oracle().is_valid(etree.tostring(element).decode())
    return element


@pytest.mark.parametrize(
    "holdings",
    [
        Holdings(()),
        Holdings((FLEMISH,)),
        Holdings((FEDERAL, FLEMISH), ("file", "bonus")),
        Holdings((FLEMISH, FEDERAL)),
    ],
)
def test_what_an_operator_holds_arrives_as_it_was(holdings: Holdings) -> None:
    assert decode_holdings(reply(holdings), CALL) == holdings


def test_truncated_elements_are_told_in_the_order_of_the_xsd_and_others_are_ignored() -> None:
    given = Holdings((FLEMISH,), ("child", "something", "file"))
    assert decode_holdings(reply(given), CALL).truncated == ("file", "child")


def test_a_call_arrives_without_the_customer() -> None:
    element = read(encode_call(CALL))
    validate_request(CADASTRE, element)
    assert oracle().is_valid(etree.tostring(element).decode())
    assert decode_call(element) == replace(CALL, customer=None)


def test_a_call_names_what_is_not_to_be_sent_in_the_order_of_the_blocks() -> None:
    """All fifteen fit, and arrive; nothing to withhold, no element."""
    call = replace(CALL, withheld=frozenset(BLOCKS))
    element = read(encode_call(call))
    validate_request(CADASTRE, element)
    assert oracle().is_valid(etree.tostring(element).decode())
    named = [e.text for e in element.iterfind("dataFilters/filteredElement")]
    assert tuple(named) == TABLE["FilteredElementType"]
    assert decode_call(element) == replace(call, customer=None)
    assert read(encode_call(CALL)).find("dataFilters") is None


def test_a_block_that_the_operator_does_not_know_is_refused() -> None:
    """Ignored, it would be sent."""
    element = read(encode_call(replace(CALL, withheld=frozenset(("bonuses",)))))
    (filtered,) = element.iterfind("dataFilters/filteredElement")
    filtered.text = "file/children"
    with pytest.raises(SchemaViolation):
        validate_request(CADASTRE, element)


@pytest.mark.parametrize(
    ("block", "usable"),
    [("file/beneficiaries", True), ("file/entitledPersonSsin", True), ("bonuses", False)],
)
def test_a_file_in_which_the_person_cannot_be_seen_may_still_be_the_person_s(
    block: str, usable: bool
) -> None:
    """A beneficiary's file, say, without its beneficiaries."""
    call = replace(CALL, ssin=OTIS, withheld=frozenset((block,)))
    element = reply(Holdings((FLEMISH,)), call)
    if usable:
        assert decode_holdings(element, call).files == (FLEMISH,)
    else:
        with pytest.raises(UnusableReply):
            decode_holdings(element, call)


def test_the_request_names_the_customer_and_its_purpose() -> None:
    element = read(encode_call(CALL))
    path = "informationCustomer/customerIdentification/cbeNumber"
    assert element.findtext(path) == "0206734318"
    assert element.findtext("legalContext") == "FEDRIS:COMPENSATION_FILE"


def test_a_fault_is_valid() -> None:
    now = datetime.now(UTC)
    element = read(encode_supplier_fault(Unavailable(), CbssInformation(CALL.ticket, now, now)))
    validate_reply(CADASTRE, element)
    assert element.findtext("detail/reasonCode") == "MSG00001"


def test_the_echo_of_the_ticket_may_be_in_capitals() -> None:
    element = reply(Holdings((FLEMISH,)))
    ticket = element.find("ticketCBSS")
    assert ticket is not None
    ticket.text = CALL.ticket.upper()
    assert decode_holdings(element, CALL).files == (FLEMISH,)


@pytest.mark.parametrize(
    "other",
    [
        {"ticket": "00000000-0000-4000-8000-000000000000"},
        {"ssin": OTIS},
        {"source": AuthenticSource.BRUSSELS},
        {"months": MonthRange(YearMonth(2019, 1), YearMonth(2999, 11))},
    ],
)
def test_an_answer_to_another_question_is_of_no_use(other: dict[str, object]) -> None:
    element = reply(Holdings(()), replace(CALL, **other))  # type: ignore[arg-type]
    with pytest.raises(UnusableReply):
        decode_holdings(element, CALL)


MEMBERS = tuple(FileMember(ssin(f"1003{1 + n // 40:02d}{n % 40 * 2 + 1:03d}")) for n in range(100))
"""As many as a list holds, by SSIN; Otis, born in 2014, comes after them."""


@pytest.mark.parametrize(
    ("members", "truncated", "usable"),
    [
        ({"children": MEMBERS}, ("child",), True),
        ({"beneficiaries": MEMBERS}, ("beneficiary",), True),
        ({"children": MEMBERS}, ("bonus", "child"), True),
        ({"children": MEMBERS}, (), False),
        ({"children": MEMBERS}, ("beneficiary",), False),
        ({"children": MEMBERS[:99]}, ("child",), False),
    ],
)
def test_a_file_may_be_of_a_person_for_whom_its_list_had_no_room(
    members: dict[str, tuple[FileMember, ...]], truncated: tuple[str, ...], usable: bool
) -> None:
    """DOMAIN 5: of children and beneficiaries the first 100 by SSIN; it says which were cut."""
    alone = FEDERAL._replace(children=())
    call, file = replace(CALL, ssin=OTIS), alone._replace(**members)  # type: ignore[arg-type]
    element = reply(Holdings((file,), truncated), call)
    if usable:
        assert decode_holdings(element, call) == Holdings((file,), truncated)
    else:
        with pytest.raises(UnusableReply):
            decode_holdings(element, call)


def test_a_file_without_the_person_asked_for_is_of_no_use() -> None:
    with pytest.raises(UnusableReply):
        decode_holdings(
            reply(Holdings((FLEMISH,)), replace(CALL, ssin=OTIS)), replace(CALL, ssin=OTIS)
        )


@pytest.mark.parametrize("zone", ["Z", "+01:00", "-14:00"])
def test_zones_of_days_and_months_are_ignored(zone: str) -> None:
    element = reply(Holdings((FLEMISH,)))
    for name in ("beginDate", "paymentDate", "beginMonth"):
        for child in element.iter(name):
            child.text = f"{child.text}{zone}"
    validate_reply(CADASTRE, element)
    assert decode_holdings(element, CALL).files == (FLEMISH,)


def test_a_period_that_is_open_cannot_be_asked() -> None:
    element = read(encode_call(CALL))
    end = element.find("criteria/period/endMonth")
    assert end is not None
    end.getparent().remove(end)  # type: ignore[union-attr]
    validate_request(CADASTRE, element)
    with pytest.raises(SchemaViolation):
        decode_call(element)
