"""A zeep client built from ``?wsdl`` of a running service; of ours only the plugin is imported."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import zeep
from lxml import etree

from ksz_childbenefits.client import Signature, UnsignedFault
from ksz_childbenefits.client.credentials import read_credentials
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.contract.namespaces import FAULT, SOAP_ENV
from ksz_childbenefits.contract.schemas import validate_reply
from tests.conftest import LiveService

MOVED = "12031590217"
"""The demo's child of Brussels that moved to Namur on 2019-06-01."""


def zeep_client(live: LiveService, customer: str) -> zeep.Client:
    folder = live.credentials / customer
    pems = [(folder / name).read_bytes() for name in ("key.pem", "certificate.pem")]
    signature = Signature(*pems, (live.credentials / "service.pem").read_bytes())
    return zeep.Client(f"{live.url}/ChildBenefitsService/v1/consult?wsdl", wsse=signature)


def ask(live: LiveService, folder: Path, **options: Any) -> Any:
    me = read_credentials(folder)
    return zeep_client(live, folder.name).service.consultFilesBySsin(
        informationCustomer={"customerIdentification": me.identification()},
        legalContext=me.legal_context,
        criteria={"ssin": MOVED, "period": {"beginMonth": (2018, 1, None)}},
        **options,
    )


@pytest.mark.parametrize("customer", ["fedris", "sfpd"], ids=["RSA", "EC"])
def test_it_gets_its_answer(service: LiveService, customer: str) -> None:
    reply = ask(service, service.credentials / customer)
    assert reply.status.value == "DATA_FOUND"


def test_a_typed_fault_is_a_fault_whose_detail_validates(service: LiveService) -> None:
    with pytest.raises(zeep.exceptions.Fault) as caught:
        ask(service, service.credentials / "stranger")
    assert caught.value.code == "wsse:FailedAuthentication"
    (detail,) = caught.value.detail
    assert detail.tag == FAULT
    validate_reply(CONSULTATION, detail)
    assert detail.findtext("detail/reasonCode") == "MSG00014"


def test_an_unsigned_fault_says_that_it_is_unsigned(service: LiveService) -> None:
    # SECURITY 4: faults up to and including the envelope check are not signed.
    header = etree.Element("{urn:unknown}Header")
    header.set(f"{{{SOAP_ENV}}}mustUnderstand", "1")
    with pytest.raises(UnsignedFault) as caught:
        ask(service, service.credentials / "fedris", _soapheaders=[header])
    assert caught.value.code == "soapenv:MustUnderstand"
    assert caught.value.reason_code == "MSG00008"
