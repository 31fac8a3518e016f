"""Operators: the certificates that they sign their maintenance of the repertory with (DOMAIN 2)."""

from __future__ import annotations

from cryptography import x509
from sqlalchemy import Engine, select

from ksz_childbenefits.domain.inscriptions import Maintainer
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.registers import schema
from ksz_childbenefits.registers.certificates import cbe_numbers
from ksz_childbenefits.registers.database import asking, storing
from ksz_childbenefits.registers.directory import RegisteredCertificates
from ksz_childbenefits.registers.enrolment import (
    delete_operator_certificate,
    insert_operator_certificate,
)
from ksz_childbenefits.security.trust import fingerprint


class OperatorRegister(RegisteredCertificates):
    """Operators in the database. Reading raises Unavailable when the database does not answer."""

    def __init__(self, engine: Engine) -> None:
        """Use this database."""
        super().__init__(engine, schema.operator_certificates)

    def identify(self, certificate: x509.Certificate) -> Maintainer | None:
        """The operator that this very certificate is registered to, or None."""
        table = schema.operator_certificates
        query = select(table.c.operator).where(table.c.fingerprint == fingerprint(certificate))
        with asking(self._engine) as connection:
            name = connection.execute(query).scalar()
        return Maintainer(Operator(name), cbe_numbers(certificate.subject)) if name else None

    def add_certificate(self, operator: Operator, certificate: x509.Certificate) -> None:
        """Register a certificate to the operator; DataError if it is somebody's already.

        Its subject must name the operator's CBE number: that is what the operator says it is.
        """
        with storing(self._engine) as connection:
            insert_operator_certificate(connection, operator, certificate)

    def remove_certificate(self, operator: Operator, certificate: x509.Certificate) -> None:
        """Take a certificate from the operator, from its next request on; DataError if not its."""
        with storing(self._engine) as connection:
            delete_operator_certificate(connection, operator, certificate)
