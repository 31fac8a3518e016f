"""The directory of registered certificates that the security room asks (SECURITY 3, key info)."""

from __future__ import annotations

from collections.abc import Callable

from cryptography import x509
from sqlalchemy import ColumnElement, Engine, Table, select

from ksz_childbenefits.registers.database import asking

Condition = Callable[[Table], ColumnElement[bool]]


class RegisteredCertificates:
    """The certificates in these tables, by the ways in which a message can name one.

    Asking raises Unavailable when the database does not answer.
    """

    def __init__(self, engine: Engine, *tables: Table) -> None:
        """``tables``: customer_certificates, operator_certificates, or both."""
        self._engine = engine
        self._tables = tables

    def by_subject_key_identifier(self, ski: bytes) -> list[x509.Certificate]:
        """The registered certificates with this subject key identifier."""
        return self._certificates(lambda table: table.c.ski == ski)

    def by_thumbprint_sha1(self, thumbprint: bytes) -> list[x509.Certificate]:
        """The registered certificates with this SHA-1 thumbprint."""
        return self._certificates(lambda table: table.c.thumbprint_sha1 == thumbprint)

    def by_issuer_serial(self, issuer: x509.Name, serial: int) -> list[x509.Certificate]:
        """The registered certificates of this issuer with this serial number."""
        # Names are compared as names: clients encode the same text in different string types.
        found = self._certificates(lambda table: table.c.serial == f"{serial:x}")
        return [certificate for certificate in found if certificate.issuer == issuer]

    def _certificates(self, condition: Condition) -> list[x509.Certificate]:
        ders: list[bytes] = []
        for table in self._tables:
            query = select(table.c.der).where(condition(table))
            with asking(self._engine) as connection:
                ders += connection.execute(query).scalars()
        return [x509.load_der_x509_certificate(der) for der in ders]
