"""The compiled schema set against the tables of CONTRACT, component by component.

The expected side is written by hand from the tables, in their notation; the other side is rendered
from what ``xmlschema`` compiled. Whatever is not in the notation (nillable, defaults, wildcards,
identity constraints, more facets) is rendered as well, so that it would show.
"""

from __future__ import annotations

from typing import Any

import pytest
from lxml import etree

from ksz_childbenefits.contract.namespaces import CB, CBC, COMMON, INTF, WSDL, WSDL_SOAP, XSD
from tests.contract.oracle import PREFIXES, WSDL_FILE, XSD_FOLDER, oracle

NATIONAL = (
    r"[0-9][0-9](([0][0-9])|([1][0-2]))(([0-2][0-9])|([3][0-1]))"
    r"(([0-9]{2}[1-9])|([0-9][1-9][0-9])|([1-9][0-9]{2}))(([0-8][0-9])|([9][0-7]))"
)
BIS = (
    r"[0-9][0-9](([2][0-9])|([3][0-2]))(([0-2][0-9])|([3][0-1]))[0-9]{3}"
    r"(([0-8][0-9])|([9][0-7]))"
)
TER = (
    r"[0-9][0-9](([4][0-9])|([5][0-2]))(([0-2][0-9])|([3][0-1]))[0-9]{3}"
    r"(([0-8][0-9])|([9][0-7]))"
)


def status(values: str) -> str:
    return (
        f"[value: (xs:string enumeration={values}), code: (xs:string maxLength=16), "
        "description: (xs:string maxLength=256) [0..1], "
        "information: common:InformationType [0..15]]"
    )


GLOBAL_STATUS = status("DATA_FOUND|NO_DATA_FOUND|NO_RESULT|INCOMPLETE_DATA")
SOURCE_STATUS = status("DATA_FOUND|NO_DATA_FOUND|TECHNICAL_ERROR")
CUSTOMER = "informationCustomer: common:InformationCustomerType"
CBSS = "informationCBSS: common:InformationCBSSType"
LEGAL = "legalContext: common:LegalContextType"
DETAIL = "detail: common:MessageType [1..30]"
TICKET = "ticket: common:TicketType [0..1]"
RECIPIENTS = "beneficiaries: cbc:BeneficiaryIdentificationsType [0..1]"

TYPES = {
    # Request and response (cb)
    "cb:ConsultFilesBySsinRequestType": (
        "extension of common:BaseRequestType + [criteria: cb:CriteriaType]"
    ),
    "cb:ConsultFilesBySsinResponseType": (
        "extension of common:BaseResponseType + [criteria: cb:CriteriaType, "
        "status: cb:GlobalStatusType, ssin: cb:SsinWithCanceledAndReplacedByStatusType [0..1], "
        "dataFilters: common:DataFiltersType [0..1], results: cb:FileResultsType [0..1]]"
    ),
    "cb:CriteriaType": (
        "[ssin: common:SsinType, period: cbc:OpenYearMonthPeriodType, "
        "authenticSources: cb:AuthenticSourcesType [0..1]]"
    ),
    "cb:AuthenticSourcesType": "[authenticSource: cb:AuthenticSourceType [1..5]]",
    "cb:AuthenticSourceType": (
        "xs:string enumeration=FEDERAL|BRUSSELS|FLANDERS|WALLONIA|EASTBELGIUM"
    ),
    "cb:SsinWithCanceledAndReplacedByStatusType": (
        "simple content common:SsinType @canceled: xs:boolean optional "
        "@replacedBy: common:SsinType optional"
    ),
    "cb:FileResultsType": "[resultByAuthenticSource: cb:FileResultType [1..5]]",
    "cb:FileResultType": (
        "[status: cb:SourceStatusType, files: cbc:FilesType [0..1]] "
        "@authenticSource: cb:AuthenticSourceType required"
    ),
    "cb:GlobalStatusType": GLOBAL_STATUS,
    "cb:SourceStatusType": SOURCE_STATUS,
    # Files (cbc)
    "cbc:OpenYearMonthPeriodType": "[beginMonth: xs:gYearMonth, endMonth: xs:gYearMonth [0..1]]",
    "cbc:FilesType": "[file: cbc:FileType [1..100]]",
    "cbc:FileType": (
        "[childBenefitsFund: cbc:ChildBenefitsFundType, fileNumber: xs:string [0..1], "
        "entitledPersonSsin: common:SsinType [0..1], beneficiaries: cbc:BeneficiariesType [0..1], "
        "children: cbc:ChildrenType [0..1]]"
    ),
    "cbc:ChildBenefitsFundType": (
        "[choice[enterpriseNumber: common:EnterpriseNumberType, "
        "code: cbc:ChildBenefitsFundCodeType], "
        "description: cbc:ChildBenefitsFundDescriptionType [0..3]]"
    ),
    "cbc:ChildBenefitsFundCodeType": "xs:string length=3 pattern=[0-9]{3}",
    "cbc:ChildBenefitsFundDescriptionType": (
        "simple content common:DescriptionType @language: common:LanguageType optional"
    ),
    "cbc:DescriptionType": (
        "simple content common:DescriptionType @language: common:LanguageType required"
    ),
    "cbc:BeneficiariesType": "[beneficiary: cbc:BeneficiaryType [1..100]]",
    "cbc:BeneficiaryType": (
        "[ssin: common:SsinType, bonuses: cbc:BonusesType [0..1], "
        "paymentPeriods: cbc:PaymentPeriodsType [0..1]]"
    ),
    "cbc:BonusesType": "[bonus: cbc:BonusType [1..100]]",
    "cbc:BonusType": "[paymentDate: xs:date, category: cbc:BonusCategoryType]",
    "cbc:BonusCategoryType": (
        "[code: cbc:BonusCategoryCodeType, description: cbc:DescriptionType [0..3]]"
    ),
    "cbc:BonusCategoryCodeType": "xs:string maxLength=50 pattern=[A-Z_]{1,50}",
    "cbc:PaymentPeriodsType": "[paymentPeriod: cbc:PaymentPeriodType [1..100]]",
    "cbc:PaymentPeriodType": (
        "[beginMonth: xs:gYearMonth, endMonth: xs:gYearMonth [0..1], "
        "category: cbc:PaymentCategoryType]"
    ),
    "cbc:PaymentCategoryType": (
        "[code: cbc:PaymentCategoryCodeType, description: cbc:DescriptionType [0..3]]"
    ),
    "cbc:PaymentCategoryCodeType": "xs:string maxLength=50 pattern=[A-Z_]{1,50}",
    "cbc:ChildrenType": "[child: cbc:ChildType [1..100]]",
    "cbc:ChildType": (
        "[ssin: common:SsinType, bonuses: cbc:BonusesForChildType [0..1], "
        "paymentPeriods: cbc:PaymentPeriodsForChildType [0..1]]"
    ),
    "cbc:BonusesForChildType": "[bonus: cbc:BonusForChildType [1..100]]",
    "cbc:BonusForChildType": f"extension of cbc:BonusType + [{RECIPIENTS}]",
    "cbc:PaymentPeriodsForChildType": "[paymentPeriod: cbc:PaymentPeriodForChildType [1..100]]",
    "cbc:PaymentPeriodForChildType": f"extension of cbc:PaymentPeriodType + [{RECIPIENTS}]",
    "cbc:BeneficiaryIdentificationsType": "[beneficiary: common:SsinType [1..2]]",
    "cbc:BaseSupplierRequestType": (
        f"abstract [{CUSTOMER}, "
        f"informationSupplier: common:InformationSupplierType [0..1], {LEGAL}]"
    ),
    "cbc:SupplierFaultType": (
        f"[{CUSTOMER} [0..1], informationSupplier: common:InformationCBSSType, {DETAIL}]"
    ),
    "cbc:GlobalStatusType": GLOBAL_STATUS,
    "cbc:SourceStatusType": SOURCE_STATUS,
    # Common types (common)
    "common:BaseRequestType": f"abstract [{CUSTOMER}, {CBSS} [0..1], {LEGAL}]",
    "common:BaseResponseType": f"abstract [{CUSTOMER}, {CBSS}, {LEGAL}]",
    "common:InformationCustomerType": (
        f"[{TICKET}, timestampSent: xs:dateTime [0..1], "
        "customerIdentification: common:OrganizationIdentificationType]"
    ),
    "common:InformationCBSSType": (
        "[ticketCBSS: common:UUIDType, timestampReceive: xs:dateTime, timestampReply: xs:dateTime]"
    ),
    "common:InformationSupplierType": (
        f"[{TICKET}, timestampReceive: xs:dateTime [0..1], timestampReply: xs:dateTime [0..1], "
        "supplierIdentification: common:OrganizationIdentificationType]"
    ),
    "common:OrganizationIdentificationType": (
        "choice[cbeNumber: common:CbeNumberType, [sector: (xs:unsignedShort maxInclusive=999), "
        "institution: (xs:unsignedShort maxInclusive=999)]]"
    ),
    "common:SenderReceiverType": (
        f"[{TICKET}, timestampSent: xs:dateTime [0..1], "
        "organizationIdentification: common:OrganizationIdentificationType]"
    ),
    "common:TicketType": "xs:string maxLength=36",
    "common:LegalContextType": "xs:string maxLength=64",
    "common:InscriptionContextType": "xs:string maxLength=64",
    "common:UUIDType": (
        r"xs:string pattern=[\da-fA-F]{8}-[\da-fA-F]{4}-[\da-fA-F]{4}-[\da-fA-F]{4}-[\da-fA-F]{12}"
    ),
    "common:CbeNumberType": r"xs:string pattern=\d{10}",
    "common:EnterpriseNumberType": r"xs:string pattern=[0-1]\d{9}",
    "common:SsinType": f"xs:string pattern={NATIONAL} or {BIS} or {TER}",
    "common:DescriptionType": "xs:string maxLength=100",
    "common:LanguageType": "xs:string enumeration=NL|FR|DE",
    "common:DataFiltersType": "[filteredElement: xs:string [1..unbounded]]",
    "common:SeverityType": "xs:string enumeration=INFORMATION|WARNING|FATAL",
    "common:InformationType": (
        "[fieldName: (xs:string maxLength=64), fieldValue: (xs:string maxLength=256) [0..1]]"
    ),
    "common:MessageType": (
        "[severity: common:SeverityType, reasonCode: (xs:string maxLength=16), "
        "diagnostic: (xs:string maxLength=256), authorCode: (xs:string maxLength=64), "
        "information: common:InformationType [0..15]]"
    ),
    "common:CBSSFaultType": f"[{CUSTOMER} [0..1], {CBSS}, {DETAIL}]",
    "common:StatusOkType": status("OK|NOK"),
    "common:SequenceNumberType": "xs:long minInclusive=1 totalDigits=15",
    "common:OpenPeriodType": "[beginDate: xs:date, endDate: xs:date [0..1]]",
    "common:PeriodType": "[beginDate: xs:date, endDate: xs:date]",
}

ELEMENTS = {
    "intf:consultFilesBySsinRequest": "cb:ConsultFilesBySsinRequestType",
    "intf:consultFilesBySsinResponse": "cb:ConsultFilesBySsinResponseType",
    "intf:consultFilesBySsinFault": "common:CBSSFaultType",
    "cb:consultFilesBySsinRequest": "cb:ConsultFilesBySsinRequestType",
    "cb:consultFilesBySsinResponse": "cb:ConsultFilesBySsinResponseType",
    "cb:consultFilesBySsinFault": "common:CBSSFaultType",
}


def prefixed(name: str) -> str:
    namespace, _, local = name[1:].partition("}")
    return f"{PREFIXES[namespace]}:{local}"


def ours(components: Any) -> dict[str, Any]:
    """Those components that are in a namespace of the contract."""
    return {prefixed(n): c for n, c in components.items() if n[1:].startswith("http://kszbcss")}


def rendered_type(component: Any) -> str:
    if component.is_complex():
        return rendered_complex(component)
    facets = sorted(rendered_facet(n, f) for n, f in component.facets.items())
    return " ".join([prefixed(component.base_type.name), *facets])


def rendered_facet(name: str, facet: Any) -> str:
    kind = name.rpartition("}")[2]
    if kind == "pattern":
        return "pattern=" + " or ".join(facet.regexps)
    if kind == "enumeration":
        return "enumeration=" + "|".join(facet.enumeration)
    return f"{kind}={facet.value}"


def rendered_complex(component: Any) -> str:
    words = ["abstract"] if component.abstract else []
    words += ["mixed"] if component.mixed else []
    words += [f"{word} closed" for word in (component.block, component.final) if word]
    attributes = [rendered_attribute(a) for a in component.attributes.values()]
    if component.has_simple_content():
        assert component.derivation == "extension"
        words.append(f"simple content {prefixed(component.base_type.name)}")
    elif component.derivation is None:
        words.append(rendered_particle(component.content))
    else:
        inherited, own = component.content
        assert rendered_particle(inherited) == rendered_particle(component.base_type.content)
        base = prefixed(component.base_type.name)
        words.append(f"{component.derivation} of {base} + {rendered_particle(own)}")
    return " ".join([*words, *attributes])


def rendered_attribute(attribute: Any) -> str:
    assert not attribute.qualified
    assert attribute.default is None
    assert attribute.fixed is None
    return f"@{attribute.name}: {prefixed(attribute.type.name)} {attribute.use}"


def rendered_particle(particle: Any) -> str:
    top = "unbounded" if particle.max_occurs is None else particle.max_occurs
    bounds = f"{particle.min_occurs}..{top}"
    occurs = "" if bounds == "1..1" else f" [{bounds}]"
    if hasattr(particle, "model"):
        model = "" if particle.model == "sequence" else particle.model
        return f"{model}[{', '.join(rendered_particle(p) for p in particle)}]{occurs}"
    assert not particle.qualified
    return f"{particle.name}: {rendered_element_type(particle)}{occurs}"


def rendered_element_type(element: Any) -> str:
    extras = (element.nillable, element.abstract, element.identities, element.substitution_group)
    assert not any(extras)
    assert element.default is None
    assert element.fixed is None
    assert not element.block
    assert not element.final
    if element.type.name is None:
        return f"({rendered_type(element.type)})"
    return prefixed(element.type.name)


def test_there_are_exactly_the_types_of_the_tables() -> None:
    assert sorted(ours(oracle().maps.types)) == sorted(TYPES)


@pytest.mark.parametrize("name", TYPES)
def test_type(name: str) -> None:
    assert rendered_type(ours(oracle().maps.types)[name]) == TYPES[name]


def test_there_are_exactly_the_global_elements_of_the_tables() -> None:
    elements = ours(oracle().maps.elements)
    assert {n: rendered_element_type(e) for n, e in elements.items()} == ELEMENTS


@pytest.mark.parametrize(
    "kind", ["attributes", "groups", "attribute_groups", "notations", "identities"]
)
def test_nothing_else_is_declared(kind: str) -> None:
    assert ours(getattr(oracle().maps, kind)) == {}
    assert not oracle().maps.substitution_groups


@pytest.mark.parametrize("namespace", [INTF, CB, CBC, COMMON])
def test_everything_inside_a_root_is_unqualified(namespace: str) -> None:
    (schema,) = (s for s in oracle().maps.iter_schemas() if s.target_namespace == namespace)
    assert schema.element_form_default == "unqualified"
    assert schema.attribute_form_default == "unqualified"


@pytest.mark.parametrize(
    ("file_name", "namespace"),
    [("ChildBenefitsV1", CB), ("ChildBenefitsCommonV1", CBC), ("CommonV3", COMMON)],
)
def test_each_xsd_has_its_namespace_and_compiles_alone(file_name: str, namespace: str) -> None:
    path = XSD_FOLDER / f"{file_name}.xsd"
    assert etree.parse(path).getroot().get("targetNamespace") == namespace
    etree.XMLSchema(file=path)


@pytest.mark.parametrize("path", sorted(XSD_FOLDER.glob("*.xsd")), ids=lambda path: path.name)
def test_every_type_is_documented(path: Any) -> None:
    for kind in ("complexType", "simpleType", "element"):
        for component in etree.parse(path).getroot().findall(f"{{{XSD}}}{kind}"):
            assert component.findtext(f"{{{XSD}}}annotation/{{{XSD}}}documentation", "").strip()


OPERATION = "consultFilesBySsin"


class TestWsdl:
    """The rows of CONTRACT, "WSDL"."""

    @pytest.fixture
    def wsdl(self) -> etree._Element:
        return etree.parse(WSDL_FILE).getroot()

    @staticmethod
    def one(parent: etree._Element, path: str) -> etree._Element:
        (found,) = parent.findall(path, namespaces={"w": WSDL, "s": WSDL_SOAP, "xs": XSD})
        return found

    def test_names(self, wsdl: etree._Element) -> None:
        assert wsdl.get("name") == "ChildBenefitsService"
        assert wsdl.get("targetNamespace") == INTF
        assert self.one(wsdl, "w:service").get("name") == "ChildBenefitsService"
        assert self.one(wsdl, "w:portType").get("name") == "ChildBenefitsPortType"
        binding = self.one(wsdl, "w:binding")
        assert binding.get("name") == "ChildBenefitsV1ServiceHTTPBinding"
        assert binding.get("type") == "intf:ChildBenefitsPortType"
        port = self.one(wsdl, "w:service/w:port")
        assert port.get("name") == "ChildBenefitsServiceV1"
        assert port.get("binding") == "intf:ChildBenefitsV1ServiceHTTPBinding"

    def test_messages(self, wsdl: etree._Element) -> None:
        messages = wsdl.findall(f"{{{WSDL}}}message")
        assert [m.get("name") for m in messages] == [
            "consultFilesBySsinRequestMsg",
            "consultFilesBySsinResponseMsg",
            "consultFilesBySsinFaultMsg",
        ]
        assert [dict(self.one(m, "w:part").attrib) for m in messages] == [
            {
                "name": "consultFilesBySsinRequestParameters",
                "element": "intf:consultFilesBySsinRequest",
            },
            {
                "name": "consultFilesBySsinResponseParameters",
                "element": "intf:consultFilesBySsinResponse",
            },
            {
                "name": "consultFilesBySsinFaultParameters",
                "element": "intf:consultFilesBySsinFault",
            },
        ]

    def test_operation(self, wsdl: etree._Element) -> None:
        operation = self.one(wsdl, "w:portType/w:operation")
        assert operation.get("name") == OPERATION
        for kind, name in (("input", "Request"), ("output", "Response"), ("fault", "Fault")):
            assert dict(self.one(operation, f"w:{kind}").attrib) == {
                "name": f"{OPERATION}{name}",
                "message": f"intf:{OPERATION}{name}Msg",
            }

    def test_binding_is_soap_1_1_document_literal_over_http(self, wsdl: etree._Element) -> None:
        soap_binding = self.one(wsdl, "w:binding/s:binding")
        assert soap_binding.get("style") == "document"
        assert soap_binding.get("transport") == "http://schemas.xmlsoap.org/soap/http"
        operation = self.one(wsdl, "w:binding/w:operation")
        assert operation.get("name") == OPERATION
        soap_operation = self.one(operation, "s:operation")
        action = "http://kszbcss.fgov.be/child-benefits/consultFilesBySsin"
        assert soap_operation.get("soapAction") == action
        assert soap_operation.get("style") == "document"
        assert self.one(operation, "w:input").get("name") == f"{OPERATION}Request"
        assert self.one(operation, "w:output").get("name") == f"{OPERATION}Response"
        assert self.one(operation, "w:fault").get("name") == f"{OPERATION}Fault"
        assert dict(self.one(operation, "w:input/s:body").attrib) == {"use": "literal"}
        assert dict(self.one(operation, "w:output/s:body").attrib) == {"use": "literal"}
        assert dict(self.one(operation, "w:fault/s:fault").attrib) == {
            "name": f"{OPERATION}Fault",
            "use": "literal",
        }

    def test_path(self, wsdl: etree._Element) -> None:
        location = self.one(wsdl, "w:service/w:port/s:address").get("location", "")
        assert location.endswith("/ChildBenefitsService/v1/consult")

    def test_no_header_and_no_policy(self, wsdl: etree._Element) -> None:
        assert wsdl.findall(f".//{{{WSDL_SOAP}}}header") == []
        namespaces = {etree.QName(element).namespace for element in wsdl.iter(etree.Element)}
        assert namespaces == {WSDL, WSDL_SOAP, XSD}

    def test_inline_schema_imports_cb_and_common(self, wsdl: etree._Element) -> None:
        schema = self.one(wsdl, "w:types/xs:schema")
        imports = schema.findall(f"{{{XSD}}}import")
        assert {i.get("namespace"): i.get("schemaLocation") for i in imports} == {
            CB: "../xsd/ChildBenefitsV1.xsd",
            COMMON: "../xsd/CommonV3.xsd",
        }
