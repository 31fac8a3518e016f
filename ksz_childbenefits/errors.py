"""The error tree: code, who is at fault, and a text that is safe to show.

::

    KszError
    ├── Fault                        answered as a SOAP fault (SECURITY 4)
    │   │                            faultcode                       reason    at fault
    │   ├── NotReadable              soapenv:Client                  MSG00008  sender
    │   │   ├── VersionMismatch      soapenv:VersionMismatch         MSG00008  sender
    │   │   └── NotUnderstood        soapenv:MustUnderstand          MSG00008  sender
    │   ├── SchemaViolation          soapenv:Client                  MSG00008  sender
    │   ├── SecurityFault
    │   │   ├── InvalidSecurity      wsse:InvalidSecurity            MSG00014  sender
    │   │   ├── UnsupportedToken     wsse:UnsupportedSecurityToken   MSG00014  sender
    │   │   ├── UnsupportedAlgorithm wsse:UnsupportedAlgorithm       MSG00014  sender
    │   │   ├── FailedAuthentication wsse:FailedAuthentication       MSG00014  sender
    │   │   ├── FailedCheck          wsse:FailedCheck                MSG00014  sender
    │   │   └── MessageExpired       wsse:MessageExpired             MSG00014  sender
    │   ├── Unavailable              soapenv:Server, HTTP 503        MSG00001  service
    │   │   └── Unrecorded           soapenv:Server, HTTP 503        MSG00001  service
    │   ├── AllSourcesFailed         soapenv:Server                  MSG00002  sources
    │   └── InternalError            soapenv:Server                  MSG00003  service
    ├── CadastreFailure              a source's TECHNICAL_ERROR      MSG00002  source
    └── UsageError                   shown on the command line
        ├── ConfigurationError       the configuration is wrong      -         operator
        └── DataError                data to import is wrong         -         operator

``text`` is what the sender reads: the class of failure only. ``reason`` is for the operator's log,
found there under ticketCBSS; it never holds an SSIN. Business refusals are no errors: they are
``domain.consultation.NoResult``.
"""

from __future__ import annotations

from typing import ClassVar

from ksz_childbenefits.domain.consultation import Information


class KszError(Exception):
    """Root of everything that this project raises on purpose."""


class Fault(KszError):
    """An error that is answered as a SOAP fault (SECURITY 4)."""

    faultcode: ClassVar[str]
    reason_code: ClassVar[str]
    text: ClassVar[str]
    http_status: ClassVar[int] = 500
    signed: ClassVar[bool] = True

    def __init__(self, reason: str = "", *information: Information) -> None:
        """``reason`` goes to the log, ``information`` (names, rules, no values) to the sender."""
        super().__init__(reason or self.text)
        self.reason = reason or self.text
        self.information = information


class NotReadable(Fault):
    """Not well-formed, a DTD, over a limit, or no SOAP envelope of the expected shape."""

    faultcode = "soapenv:Client"
    reason_code = "MSG00008"
    text = "The message is not a SOAP 1.1 envelope that this service can read."
    signed = False


class VersionMismatch(NotReadable):
    """An envelope of another SOAP version."""

    faultcode = "soapenv:VersionMismatch"
    text = "The envelope is not in the namespace of SOAP 1.1."


class NotUnderstood(NotReadable):
    """A header for us with mustUnderstand that we do not know."""

    faultcode = "soapenv:MustUnderstand"
    text = "A header that must be understood is not known to this service."


class SchemaViolation(Fault):
    """The body does not fit the XSD; one information per violation: path and rule, no value."""

    faultcode = "soapenv:Client"
    reason_code = "MSG00008"
    text = "The request is not valid against the schema of the service."


class SecurityFault(Fault):
    """A failure of WS-Security: the sender learns its class only."""

    reason_code = "MSG00014"


class InvalidSecurity(SecurityFault):
    """No security header, or a malformed one."""

    faultcode = "wsse:InvalidSecurity"
    text = "An error was discovered processing the security header."


class UnsupportedToken(SecurityFault):
    """A kind of token that this service does not accept."""

    faultcode = "wsse:UnsupportedSecurityToken"
    text = "An unsupported token was provided."


class UnsupportedAlgorithm(SecurityFault):
    """A signature, digest, transform or encryption algorithm that is not accepted."""

    faultcode = "wsse:UnsupportedAlgorithm"
    text = "An unsupported signature or encryption algorithm was used."


class FailedAuthentication(SecurityFault):
    """The certificate is not trusted, expired, revoked, or of no known customer."""

    faultcode = "wsse:FailedAuthentication"
    text = "The security token could not be authenticated or authorized."


class FailedCheck(SecurityFault):
    """A signature or digest does not verify, or the message was seen before."""

    faultcode = "wsse:FailedCheck"
    text = "The signature or decryption was invalid."


class MessageExpired(SecurityFault):
    """The message is too old, too far in the future, or past its own expiry."""

    faultcode = "wsse:MessageExpired"
    text = "The message has expired."


class Unavailable(Fault):
    """Overload, a rate, shutting down, or a store that does not answer."""

    faultcode = "soapenv:Server"
    reason_code = "MSG00001"
    text = "The service is temporarily unavailable."
    http_status = 503
    signed = False

    def __init__(self, reason: str = "", retry_after: int = 5) -> None:
        """``retry_after``: when to come again, in seconds."""
        super().__init__(reason)
        self.retry_after = retry_after


class Unrecorded(Unavailable):
    """The audit trail did not take the record of a reply: the one answer that has no record."""


class AllSourcesFailed(Fault):
    """Every source asked had a technical error."""

    faultcode = "soapenv:Server"
    reason_code = "MSG00002"
    text = "Communication error with the supplier."


class InternalError(Fault):
    """Anything unforeseen."""

    faultcode = "soapenv:Server"
    reason_code = "MSG00003"
    text = "An unexpected internal error occurred."


class CadastreFailure(KszError):
    """A cadastre could not be reached, or gave something that cannot be passed on."""


class UsageError(KszError):
    """A mistake of the person at the command line; its text is shown as it is."""


class ConfigurationError(UsageError):
    """The configuration cannot be used."""


class DataError(UsageError):
    """Data to be imported breaks a rule."""
