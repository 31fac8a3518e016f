"""Parts of the house made from settings: whom to trust, the network of cadastres, a cadastre."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from functools import partial
from pathlib import Path

from cryptography import x509
from sqlalchemy import Engine

from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.base import Cadastre
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre, FailingCadastre
from ksz_childbenefits.cadastres.line import LineLimits, OperatorLine
from ksz_childbenefits.cadastres.network import Network
from ksz_childbenefits.cadastres.remote import RemoteCadastre
from ksz_childbenefits.cadastres.server import CadastreService
from ksz_childbenefits.config import AuthoritySettings, OperatorSettings, Settings
from ksz_childbenefits.contract.namespaces import CADASTRE_SOAP_ACTION
from ksz_childbenefits.contract.xmlio import XmlLimits
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.endpoint import Endpoint, Exchange
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.logs import Pseudonymiser
from ksz_childbenefits.registers.database import answers, open_database
from ksz_childbenefits.registers.replay import SqlReplayStore
from ksz_childbenefits.security.credentials import (
    ServiceCredentials,
    load_certificate,
    load_credentials,
)
from ksz_childbenefits.security.directory import KnownCertificates
from ksz_childbenefits.security.trust import Anchor, Intermediate, Trust, TrustPolicy


def build_network(
    settings: Settings, engine: Engine, credentials: ServiceCredentials, trust: Trust
) -> Network:
    """Who answers for each operator: the remote ones of the settings, else what is in ``engine``.

    Operators that the demo makes fail do so either way.
    """
    loop = BackgroundLoop()

    def cadastre(operator: Operator) -> Cadastre:
        remote = settings.operators.get(operator)
        if operator in settings.demo.failing_cadastres:
            return FailingCadastre(operator)
        if remote is None:
            return EmbeddedCadastre(engine, operator)
        return RemoteCadastre(
            line=_line(operator, remote, settings, loop),
            credentials=credentials,
            trust=trust,
            certificates=_known(remote.certificates),
            limits=XmlLimits(elements=settings.remote.reply_elements),
        )

    threads = ThreadPoolExecutor(settings.limits.threads, thread_name_prefix="cadastre")
    return Network({operator: cadastre(operator) for operator in Operator}, threads, loop)


def build_cadastre(settings: Settings) -> Endpoint[Exchange]:
    """The endpoint of the operator that the settings name; ConfigurationError if they do not."""
    own = settings.cadastre
    if own is None:
        raise ConfigurationError("the configuration has no section [cadastre]")
    engine = open_database(settings.database.url)
    ksz = _known(own.ksz_certificates)
    return Endpoint(
        service=CadastreService(
            cadastre=EmbeddedCadastre(engine, own.operator),
            cbe_number=own.cbe_number,
            ksz=ksz,
            pseudonymiser=Pseudonymiser(secret(settings.security.pseudonym_key)),
        ),
        limits=xml_limits(settings),
        trust=Trust(trust_policy(settings)),
        certificates=ksz,
        replays=SqlReplayStore(engine),
        credentials=credentials_of(settings),
        available=partial(answers, engine),
    )


def credentials_of(settings: Settings) -> ServiceCredentials:
    """Our own key and certificate."""
    security = settings.security
    return load_credentials(security.service_key, security.service_certificate)


def trust_policy(settings: Settings) -> TrustPolicy:
    """Whom we trust, and how strictly (SECURITY 3)."""
    security = settings.security
    return TrustPolicy(
        anchors=tuple(Anchor(*_authority(a)) for a in security.anchors),
        intermediates=tuple(Intermediate(*_authority(a)) for a in security.intermediates),
        max_age=timedelta(seconds=security.max_age_seconds),
        max_ahead=timedelta(seconds=security.max_ahead_seconds),
        max_references=security.max_references,
    )


def xml_limits(settings: Settings) -> XmlLimits:
    """What a request may hold (SECURITY 2)."""
    limits = settings.limits
    return XmlLimits(
        limits.xml_depth, limits.xml_elements, limits.xml_attributes, limits.xml_namespaces
    )


def secret(path: Path) -> bytes:
    """The content of a file; ConfigurationError when it cannot be read."""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None


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
    return OperatorLine(operator, remote.url, CADASTRE_SOAP_ACTION, loop, limits)


def _known(paths: tuple[Path, ...]) -> KnownCertificates:
    return KnownCertificates([load_certificate(path) for path in paths])


def _authority(settings: AuthoritySettings) -> tuple[x509.Certificate, Path | None]:
    return load_certificate(settings.certificate), settings.crl or None
