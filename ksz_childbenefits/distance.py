"""Cadastres on operators' own machines, made from settings."""

from __future__ import annotations

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.line import LineLimits, OperatorLine
from ksz_childbenefits.cadastres.remote import RemoteCadastre
from ksz_childbenefits.config import OperatorSettings, Settings
from ksz_childbenefits.contract.namespaces import CADASTRE_SOAP_ACTION
from ksz_childbenefits.contract.xmlio import XmlLimits
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.identity import Identity, known_certificates, tls_identity
from ksz_childbenefits.tls import client_context


def distant_cadastre(
    operator: Operator, settings: Settings, identity: Identity, loop: BackgroundLoop
) -> RemoteCadastre:
    """The cadastre of one of the settings' operators; ConfigurationError for what is no use."""
    remote = settings.operators[operator]
    return RemoteCadastre(
        line=_line(operator, remote, settings, loop),
        keys=identity.keys,
        trust=identity.trust,
        certificates=known_certificates(remote.certificates),
        limits=XmlLimits(elements=settings.remote.reply_elements),
    )


def _line(
    operator: Operator, remote: OperatorSettings, settings: Settings, loop: BackgroundLoop
) -> OperatorLine:
    given = settings.remote
    limits = LineLimits(
        seconds=given.deadline_seconds,
        parallel_calls=given.parallel_calls,
        failures=given.failures,
        pause_seconds=given.pause_seconds,
        reply_bytes=given.reply_bytes,
    )
    tls = None
    if remote.url.startswith("https:"):
        own = tls_identity(given.tls_certificate, given.tls_key, given.tls_passphrase)
        tls = client_context(remote.tls_authority, own)
    return OperatorLine(operator, remote.url, CADASTRE_SOAP_ACTION, loop, limits, tls=tls)
