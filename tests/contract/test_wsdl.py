"""The contract as it is served, and that foreign tools build a client from it."""

from __future__ import annotations

import pytest
import zeep
from lxml import etree

from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.namespaces import WSDL_SOAP, XSD
from ksz_childbenefits.contract.schemas import validate_request
from ksz_childbenefits.contract.wsdl import served_wsdl, served_xsd
from tests.contract.oracle import WSDL_FILE, XSD_FOLDER

BASE = "https://example.org:8443/SOA4520"


def test_addresses_are_those_of_the_place() -> None:
    wsdl = etree.fromstring(served_wsdl(CONSULTATION, BASE))
    (address,) = wsdl.iter(f"{{{WSDL_SOAP}}}address")
    assert address.get("location") == f"{BASE}/ChildBenefitsService/v1/consult"
    assert [i.get("schemaLocation") for i in wsdl.iter(f"{{{XSD}}}import")] == [
        f"{BASE}/ChildBenefitsService/v1/xsd/ChildBenefitsV1.xsd",
        f"{BASE}/ChildBenefitsService/v1/xsd/CommonV3.xsd",
    ]


def test_a_slash_at_the_end_of_the_base_makes_no_difference() -> None:
    assert served_wsdl(CONSULTATION, f"{BASE}/") == served_wsdl(CONSULTATION, BASE)


def test_nothing_but_the_addresses_differs_from_the_file() -> None:
    served = etree.fromstring(served_wsdl(CONSULTATION, BASE))
    shipped = etree.fromstring(WSDL_FILE.read_bytes(), etree.XMLParser(remove_comments=True))
    for one, other in zip(served.iter(), shipped.iter(), strict=True):
        assert one.tag == other.tag
        changed = {key for key in one.attrib if one.get(key) != other.get(key)}
        assert changed <= {"location", "schemaLocation"}


@pytest.mark.parametrize(
    "base",
    [
        "",
        "example.org",
        "ftp://example.org",
        "http://",
        'http://a"b',
        "http://a<b",
        "http://a b",
        "http://a\n",
        "http://a\0",
        "http://\u00eb",
        "javascript:alert(1)",
        "http://a?b",
        "http://a#b",
    ],
)
def test_what_is_no_base_is_refused(base: str) -> None:
    with pytest.raises(ValueError, match="base of a web address"):
        served_wsdl(CONSULTATION, base)


@pytest.mark.parametrize("base", ["http://[::1]:80", "http://localhost", "https://h-1.be/a/b%20c"])
def test_bases(base: str) -> None:
    assert f'location="{base}/ChildBenefitsService'.encode() in served_wsdl(CONSULTATION, base)


@pytest.mark.parametrize("name", sorted(CONSULTATION.xsds))
def test_xsds_are_served_as_they_are_shipped(name: str) -> None:
    assert served_xsd(CONSULTATION, name) == (XSD_FOLDER / name).read_bytes()


@pytest.mark.parametrize(
    "name",
    [
        "",
        ".",
        "..",
        "CommonV3",
        "commonv3.xsd",
        "../xsd/CommonV3.xsd",
        "/etc/passwd",
        "./CommonV3.xsd",
        "CommonV3.xsd\0",
        "..\\CommonV3.xsd",
        "ChildBenefitsV1.wsdl",
        "__init__.py",
    ],
)
def test_no_other_name_is_served(name: str) -> None:
    with pytest.raises(KeyError):
        served_xsd(CONSULTATION, name)


class Served(zeep.Transport):
    """Hands zeep what the service would serve, by address."""

    def load(self, url: str) -> bytes:
        prefix = f"{BASE}/ChildBenefitsService/v1/"
        assert url.startswith(prefix)
        rest = url.removeprefix(prefix)
        if rest == "consult?wsdl":
            return served_wsdl(CONSULTATION, BASE)
        content = served_xsd(CONSULTATION, rest.removeprefix("xsd/"))
        assert content is not None
        return content


@pytest.mark.parametrize("source", ["file", "service"])
def test_zeep_builds_a_client_from_it(source: str) -> None:
    if source == "file":
        client = zeep.Client(str(WSDL_FILE))
    else:
        client = zeep.Client(f"{BASE}/ChildBenefitsService/v1/consult?wsdl", transport=Served())
    message = client.create_message(
        client.service,
        "consultFilesBySsin",
        informationCustomer={"customerIdentification": {"cbeNumber": "0206731645"}},
        legalContext="X",
        criteria={
            "ssin": "12031590185",
            "period": {"beginMonth": (2018, 1, None)},
            "authenticSources": {"authenticSource": ["FEDERAL", "WALLONIA"]},
        },
    )
    body = message.find("{http://schemas.xmlsoap.org/soap/envelope/}Body")
    assert body is not None
    assert body[0].findtext("criteria/period/beginMonth") == "2018-01"
    validate_request(CONSULTATION, body[0])
