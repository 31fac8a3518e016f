"""The maintenance contract against a table written by hand, and a message at its limits.

Notation as in tests/contract/test_tables.py; KSZ has no such contract, so the table is ours.
"""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
import xmlschema
from lxml import etree

from ksz_childbenefits.contract.codec import CbssInformation
from ksz_childbenefits.contract.contracts import INSCRIPTIONS
from ksz_childbenefits.contract.inscriptions_codec import decode_call, encode_verdict
from ksz_childbenefits.contract.namespaces import INSCRIPTIONS_INTF, SOAP_ENV, WSDL, WSDL_SOAP, XSD
from ksz_childbenefits.contract.schemas import validate_reply, validate_request
from ksz_childbenefits.contract.xmlio import XmlLimits, parse
from ksz_childbenefits.domain.consultation import Code
from ksz_childbenefits.domain.inscriptions import (
    Listing,
    Maintenance,
    Operation,
    Part,
    Verdict,
    line_of,
)
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.errors import SchemaViolation
from tests.contract.canonical import read
from tests.contract.oracle import PREFIXES, ROOT, XSD_FOLDER
from tests.contract.test_tables import ours, rendered_element_type, rendered_type
from tests.inscriptions.calls import SINCE, of_source
from tests.registers.numbers import NOOR

TYPES_NAMESPACE = "http://kszbcss.fgov.be/types/ChildBenefitsInscriptions/v1"
WSDL_FILE = ROOT / "wsdl" / "ChildBenefitsInscriptionsV1.wsdl"

CODES = (
    "@sector: ins:CodeType required @quality: ins:CodeType required @phase: ins:CodeType optional "
    "@fileType: ins:FileTypeType optional @archive: ins:ArchiveType optional"
)

TYPES = {
    "ins:RegisterInscriptionsRequestType": (
        "extension of common:BaseRequestType + [authenticSource: cb:AuthenticSourceType [0..1], "
        "inscriptions: ins:InscriptionsType]"
    ),
    "ins:CloseInscriptionsRequestType": (
        "extension of common:BaseRequestType + [authenticSource: cb:AuthenticSourceType [0..1], "
        "closings: ins:ClosingsType]"
    ),
    "ins:ListInscriptionsRequestType": (
        "extension of common:BaseRequestType + [criteria: ins:CriteriaType]"
    ),
    "ins:CriteriaType": (
        "[ssin: common:SsinType, authenticSource: cb:AuthenticSourceType [0..1], "
        "period: common:OpenPeriodType [0..1]]"
    ),
    "ins:RegisterInscriptionsResponseType": (
        "extension of common:BaseResponseType + [status: common:StatusOkType]"
    ),
    "ins:CloseInscriptionsResponseType": (
        "extension of common:BaseResponseType + [status: common:StatusOkType]"
    ),
    "ins:ListInscriptionsResponseType": (
        "extension of common:BaseResponseType + [criteria: ins:CriteriaType, "
        "status: common:StatusOkType, inscriptions: ins:InscriptionsType [0..1]]"
    ),
    "ins:InscriptionsType": "[inscription: ins:InscriptionType [1..1000]]",
    "ins:InscriptionType": (
        f"[ssin: common:SsinType, beginDate: xs:date, endDate: xs:date [0..1]] {CODES}"
    ),
    "ins:ClosingsType": "[closing: ins:ClosingType [1..1000]]",
    "ins:ClosingType": f"[ssin: common:SsinType, beginDate: xs:date, endDate: xs:date] {CODES}",
    "ins:CodeType": "xs:unsignedShort maxInclusive=999",
    "ins:FileTypeType": "xs:string enumeration=CHILD_BENEFIT|PARTICIPATION",
    "ins:ArchiveType": "xs:string enumeration=Iriscare|AVIQ",
}

ELEMENTS = {
    "intf:registerInscriptionsRequest": "ins:RegisterInscriptionsRequestType",
    "intf:registerInscriptionsResponse": "ins:RegisterInscriptionsResponseType",
    "intf:closeInscriptionsRequest": "ins:CloseInscriptionsRequestType",
    "intf:closeInscriptionsResponse": "ins:CloseInscriptionsResponseType",
    "intf:listInscriptionsRequest": "ins:ListInscriptionsRequestType",
    "intf:listInscriptionsResponse": "ins:ListInscriptionsResponseType",
    "intf:inscriptionsFault": "common:CBSSFaultType",
}


@pytest.fixture
def oracle(monkeypatch: pytest.MonkeyPatch) -> xmlschema.XMLSchema10:
    monkeypatch.setitem(PREFIXES, TYPES_NAMESPACE, "ins")
    monkeypatch.setitem(PREFIXES, INSCRIPTIONS_INTF, "intf")
    inline = etree.parse(WSDL_FILE).find(f".//{{{XSD}}}schema")
    assert inline is not None
    return xmlschema.XMLSchema10(
        etree.tostring(inline).decode(), base_url=str(WSDL_FILE.parent), allow="local"
    )


def test_types_and_elements_are_those_of_the_table(oracle: xmlschema.XMLSchema10) -> None:
    types = {name: t for name, t in ours(oracle.maps.types).items() if name.startswith("ins:")}
    assert {name: rendered_type(component) for name, component in types.items()} == TYPES
    elements = {n: e for n, e in ours(oracle.maps.elements).items() if n.startswith("intf:")}
    assert {n: rendered_element_type(e) for n, e in elements.items()} == ELEMENTS
    for schema in oracle.maps.iter_schemas():
        if schema.target_namespace in (TYPES_NAMESPACE, INSCRIPTIONS_INTF):
            assert schema.element_form_default == schema.attribute_form_default == "unqualified"


def test_the_xsd_compiles_alone_and_every_type_is_documented() -> None:
    path = XSD_FOLDER / "ChildBenefitsInscriptionsV1.xsd"
    etree.XMLSchema(file=path)
    for kind in ("complexType", "simpleType"):
        for component in etree.parse(path).getroot().findall(f"{{{XSD}}}{kind}"):
            assert component.findtext(f"{{{XSD}}}annotation/{{{XSD}}}documentation", "").strip()


def test_operations_of_the_wsdl() -> None:
    root = etree.parse(WSDL_FILE).getroot()
    names = {"w": WSDL, "s": WSDL_SOAP}
    (binding,) = root.findall("w:binding", names)
    actions = {
        f"{{{INSCRIPTIONS_INTF}}}{operation.get('name')}Request": action.get("soapAction")
        for operation in binding.findall("w:operation", names)
        for action in operation.findall("s:operation", names)
    }
    assert actions == dict(INSCRIPTIONS.operations)
    for operation in root.findall("w:portType/w:operation", names):
        for kind, what in (("input", "Request"), ("output", "Response")):
            (message,) = operation.findall(f"w:{kind}", names)
            assert message.get("message") == f"intf:{operation.get('name')}{what}Msg"
        (fault,) = operation.findall("w:fault", names)
        assert fault.get("message") == "intf:inscriptionsFaultMsg"
    (address,) = root.findall("w:service/w:port/s:address", names)
    assert address.get("location", "").endswith(INSCRIPTIONS.path)
    assert INSCRIPTIONS.path == "/ChildBenefitsInscriptionsService/v1/maintain"


LINE = (
    '<inscription sector="007" quality="104" phase="0" fileType="CHILD_BENEFIT" archive="Iriscare">'
    "<ssin>{ssin}</ssin><beginDate>2020-01-01Z</beginDate><endDate>2020-12-31</endDate>"
    "</inscription>"
)


def request(
    lines: int = 1, operation: str = "registerInscriptions", content: str | None = None
) -> etree._Element:
    inner = content or (
        "<authenticSource>FEDERAL</authenticSource>"
        f"<inscriptions>{LINE.format(ssin=NOOR) * lines}</inscriptions>"
    )
    return etree.fromstring(
        f'<i:{operation}Request xmlns:i="{INSCRIPTIONS_INTF}"><informationCustomer>'
        "<ticket>t-1</ticket><customerIdentification><cbeNumber>0900020141</cbeNumber>"
        "</customerIdentification></informationCustomer><legalContext>ANY</legalContext>"
        f"{inner}</i:{operation}Request>"
    )


def test_a_thousand_lines_fit_the_limits_of_a_message() -> None:
    """SECURITY 1 and 2: 256 KiB and 5,000 elements, signature included (about 5 KB)."""
    whole = etree.tostring(request(1000))
    envelope = f'<s:Envelope xmlns:s="{SOAP_ENV}"><s:Body>'.encode() + whole + b"</s:Body></s:Envelope>"  # fmt: skip # noqa: E501
    assert len(envelope) < 256 * 1024 - 10_000
    parse(envelope, None, XmlLimits())
    assert sum(1 for _ in request(1000).iter()) < 4950
    validate_request(INSCRIPTIONS, request(1000))
    with pytest.raises(SchemaViolation) as refused:
        validate_request(INSCRIPTIONS, request(1001))
    (told,) = refused.value.information
    assert told.name.startswith("inscriptions/inscription")


@pytest.mark.parametrize(
    "content",
    [
        "<inscriptions/>",
        f"<inscriptions>{LINE.format(ssin='1203159018')}</inscriptions>",
        f"<inscriptions>{LINE.format(ssin=NOOR).replace('104', '1000')}</inscriptions>",
        f"<inscriptions>{LINE.format(ssin=NOOR).replace('Iriscare', 'ORINT')}</inscriptions>",
        f"<inscriptions>{LINE.format(ssin=NOOR).replace('CHILD_B', 'B')}</inscriptions>",
    ],
)
def test_what_the_xsd_refuses(content: str) -> None:
    with pytest.raises(SchemaViolation):
        validate_request(INSCRIPTIONS, request(content=content))


def test_digits_are_ascii_only() -> None:
    foreign = request()
    next(foreign.iter("cbeNumber")).text = "٠١٢٣٤٥٦٧٨٩"
    with pytest.raises(SchemaViolation) as refused:
        validate_request(INSCRIPTIONS, foreign)
    assert [(i.name, i.value) for i in refused.value.information] == [
        ("informationCustomer/customerIdentification/cbeNumber", "pattern")
    ]


def test_a_number_of_twelve_digits_is_told_by_its_place() -> None:
    """libxml2 alone finds it valid (docs/decisions/0017); at most fifteen are told."""
    payload = request(1000)
    numbers = list(payload.iter("ssin"))
    numbers[2].text = f"{NOOR}0"
    with pytest.raises(SchemaViolation) as refused:
        validate_request(INSCRIPTIONS, payload)
    assert [(i.name, i.value) for i in refused.value.information] == [
        ("inscriptions/inscription[3]/ssin", "pattern")
    ]
    for number in numbers:
        number.text = f"{NOOR}0"
    with pytest.raises(SchemaViolation) as refused:
        validate_request(INSCRIPTIONS, payload)
    assert len(refused.value.information) == 15


def test_requests_are_read() -> None:
    register = decode_call(request())
    assert isinstance(register, Maintenance)
    assert (register.operation, register.source) == (Operation.REGISTER, AuthenticSource.FEDERAL)
    (draft,) = register.drafts
    assert draft == of_source("2020-01-01Z", "2020-12-31", archive=Operator.IRISCARE)
    closing = LINE.format(ssin=NOOR).replace("inscription", "closing")
    close = request(1, "closeInscriptions", f"<closings>{closing}</closings>")
    validate_request(INSCRIPTIONS, close)
    assert decode_call(close) == Maintenance(Operation.CLOSE, register.sender, None, (draft,))
    period = "<period><beginDate>2020-01-01</beginDate></period>"
    asked = request(1, "listInscriptions", f"<criteria><ssin>{NOOR}</ssin>{period}</criteria>")
    validate_request(INSCRIPTIONS, asked)
    assert decode_call(asked) == Listing(register.sender, None, NOOR, "2020-01-01", None)


def test_replies_fit_the_contract(oracle: xmlschema.XMLSchema10) -> None:
    part = Part(source=AuthenticSource.FEDERAL, archive=Operator.AVIQ)
    lines = tuple(
        line_of(of_source(end=end, archive=Operator.AVIQ, phase=phase), part)
        for end, phase in ((None, None), ("2024-12-31", 3))
    )

    now = datetime.combine(SINCE, datetime.min.time(), UTC)
    cbss = CbssInformation("b4f1c0de-0000-4000-8000-000000000000", now, now)
    asked = decode_call(
        request(
            1,
            "listInscriptions",
            f"<criteria><ssin>{NOOR}</ssin><authenticSource>FEDERAL</authenticSource>"
            "<period><beginDate>2020-01-01</beginDate></period></criteria>",
        )
    )
    for call in (asked, decode_call(request())):
        for code in (Code.SUCCESS, Code.INVALID_DATA, Code.CREDENTIALS, Code.NOT_ALLOWED):
            shown = lines if call is asked and code is Code.SUCCESS else ()
            reply = read(encode_verdict(call, Verdict(code), shown, cbss))
            validate_reply(INSCRIPTIONS, reply)
            assert oracle.is_valid(etree.tostring(reply).decode())
            assert reply.findtext("status/value") == ("OK" if code is Code.SUCCESS else "NOK")
    reply = read(encode_verdict(asked, Verdict(Code.SUCCESS), lines, cbss))
    assert [dict(element.attrib) for element in reply.iter("inscription")] == [
        {"sector": "7", "quality": "104", "fileType": "CHILD_BENEFIT", "archive": "AVIQ"},
        {
            "sector": "7",
            "quality": "104",
            "phase": "3",
            "fileType": "CHILD_BENEFIT",
            "archive": "AVIQ",
        },
    ]
    assert [e.text for e in reply.iter("endDate")] == ["2024-12-31"]
