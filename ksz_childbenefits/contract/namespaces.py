"""The XML namespaces of the wire (CONTRACT, SECURITY 3), each written once in the project."""

from __future__ import annotations

from typing import Final

INTF: Final = "http://kszbcss.fgov.be/intf/ChildBenefitsService/v1"
CB: Final = "http://kszbcss.fgov.be/types/ChildBenefits/v1"
CBC: Final = "http://kszbcss.fgov.be/types/ChildBenefits/common/v1"
COMMON: Final = "http://kszbcss.fgov.be/types/common/v3"

SOAP_ENV: Final = "http://schemas.xmlsoap.org/soap/envelope/"
"""SOAP 1.1; an envelope in any other namespace is a VersionMismatch."""

SOAP_ACTOR_NEXT: Final = "http://schemas.xmlsoap.org/soap/actor/next"
"""The actor that every receiver plays (SOAP 1.1, section 4.2.2)."""

XSD: Final = "http://www.w3.org/2001/XMLSchema"
WSDL: Final = "http://schemas.xmlsoap.org/wsdl/"
WSDL_SOAP: Final = "http://schemas.xmlsoap.org/wsdl/soap/"

WSSE: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-secext-1.0.xsd"
WSU: Final = "http://docs.oasis-open.org/wss/2004/01/oasis-200401-wss-wssecurity-utility-1.0.xsd"
WSSE11: Final = "http://docs.oasis-open.org/wss/oasis-wss-wssecurity-secext-1.1.xsd"
DS: Final = "http://www.w3.org/2000/09/xmldsig#"
EC: Final = "http://www.w3.org/2001/10/xml-exc-c14n#"
XENC: Final = "http://www.w3.org/2001/04/xmlenc#"

REQUEST: Final = f"{{{INTF}}}consultFilesBySsinRequest"
RESPONSE: Final = f"{{{INTF}}}consultFilesBySsinResponse"
FAULT: Final = f"{{{INTF}}}consultFilesBySsinFault"

CADASTRE_INTF: Final = "http://kszbcss.fgov.be/intf/ChildBenefitsCadastreService/v1"
CADASTRE_REQUEST: Final = f"{{{CADASTRE_INTF}}}consultFilesRequest"
CADASTRE_RESPONSE: Final = f"{{{CADASTRE_INTF}}}consultFilesResponse"
CADASTRE_FAULT: Final = f"{{{CADASTRE_INTF}}}consultFilesFault"

INSCRIPTIONS_INTF: Final = "http://kszbcss.fgov.be/intf/ChildBenefitsInscriptionsService/v1"
INSCRIPTIONS_FAULT: Final = f"{{{INSCRIPTIONS_INTF}}}inscriptionsFault"

SOAP_ACTION: Final = "http://kszbcss.fgov.be/child-benefits/consultFilesBySsin"
"""The soapAction of the one operation (CONTRACT, WSDL)."""

CADASTRE_SOAP_ACTION: Final = "http://kszbcss.fgov.be/child-benefits-cadastre/consultFiles"
"""The soapAction by which KSZ asks an operator."""

INSCRIPTIONS_SOAP_ACTIONS: Final = "http://kszbcss.fgov.be/child-benefits-inscriptions/"
"""What the soapActions of the maintenance service begin with; the operation follows."""
