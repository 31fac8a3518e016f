"""Putting the house together: from settings to an endpoint, and from that to a server."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, date, datetime, timedelta
from functools import partial
from pathlib import Path

from cryptography import x509
from sqlalchemy import Engine

from ksz_childbenefits.cadastres.base import Cadastre
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre, FailingCadastre
from ksz_childbenefits.config import (
    AuthoritySettings,
    LimitSettings,
    ServiceSettings,
    Settings,
    load_settings,
)
from ksz_childbenefits.contract.xmlio import XmlLimits
from ksz_childbenefits.demo.pki import load_authority, renew_crl
from ksz_childbenefits.domain.clock import consultation_day
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.gateway import ConsultationExchange, Gateway
from ksz_childbenefits.logs import Pseudonymiser, configure_logging
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import answers, migrate, open_database
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.replay import SqlReplayStore
from ksz_childbenefits.security.credentials import load_certificate, load_credentials
from ksz_childbenefits.security.trust import Anchor, Intermediate, Trust, TrustPolicy
from ksz_childbenefits.server.limits import Limits
from ksz_childbenefits.server.run import Tls
from ksz_childbenefits.server.run import serve as listen
from ksz_childbenefits.service import ConsultationService

_RENEWAL_SECONDS = 6 * 3600.0


def build_endpoint(settings: Settings, as_of: date | None = None) -> Endpoint[ConsultationExchange]:
    """KSZ's endpoint on the embedded registers and cadastres.

    ``as_of`` fixes the consultation day; None: today in Brussels. ConfigurationError says what is
    missing or wrong.
    """
    if as_of is not None and settings.environment == "production":
        raise ConfigurationError("the consultation day cannot be moved in production")
    engine = open_database(settings.database.url)
    customers = CustomerRegister(engine)
    return Endpoint(
        service=Gateway(
            customers=customers,
            service=_service(settings, engine, as_of),
            pseudonymiser=Pseudonymiser(_secret(settings.security.pseudonym_key)),
        ),
        limits=_xml_limits(settings),
        trust=Trust(_policy(settings)),
        certificates=customers,
        replays=SqlReplayStore(engine),
        credentials=load_credentials(
            settings.security.service_key, settings.security.service_certificate
        ),
        available=partial(answers, engine),
    )


def serve(
    config: Path, host: str | None, port: int | None, workers: int | None, as_of: date | None
) -> None:
    """Run the service until it is told to stop; what is None comes from the configuration.

    ConfigurationError before anything listens when the configuration cannot work.
    """
    configure_logging()
    settings = load_settings(config)
    _prepare(settings, as_of)
    stop = threading.Event()
    _keep_crl_fresh(settings, stop)
    try:
        listen(
            partial(_worker, settings, as_of),
            host=host or settings.service.host,
            port=settings.service.port if port is None else port,
            workers=workers or settings.service.workers,
            limits=_limits(settings.limits),
            public_url=settings.service.public_url,
            tls=_tls(settings.service),
        )
    finally:
        stop.set()


def _worker(settings: Settings, as_of: date | None) -> tuple[Endpoint[ConsultationExchange]]:
    """A worker is a process of its own: it has its own logging and its own endpoints."""
    configure_logging()
    return (build_endpoint(settings, as_of),)


def _prepare(settings: Settings, as_of: date | None) -> None:
    """Fail early: bring the database up to date and build an endpoint once, before any worker."""
    engine = open_database(settings.database.url)
    migrate(engine)
    engine.dispose()
    build_endpoint(settings, as_of)


def _service(settings: Settings, engine: Engine, as_of: date | None) -> ConsultationService:
    failing = settings.demo.failing_cadastres
    cadastres: dict[Operator, Cadastre] = {
        operator: FailingCadastre(operator)
        if operator in failing
        else EmbeddedCadastre(engine, operator)
        for operator in Operator
    }
    return ConsultationService(
        persons=PersonRegister(engine),
        repertory=PersonRepertory(engine),
        customers=CustomerRegister(engine),
        cadastres=cadastres,
        executor=ThreadPoolExecutor(settings.limits.threads, thread_name_prefix="cadastre"),
        today=(lambda: as_of) if as_of else (lambda: consultation_day(datetime.now(UTC))),
    )


def _policy(settings: Settings) -> TrustPolicy:
    security = settings.security
    return TrustPolicy(
        anchors=tuple(Anchor(*_authority(a)) for a in security.anchors),
        intermediates=tuple(Intermediate(*_authority(a)) for a in security.intermediates),
        max_age=timedelta(seconds=security.max_age_seconds),
        max_ahead=timedelta(seconds=security.max_ahead_seconds),
        max_references=security.max_references,
    )


def _authority(settings: AuthoritySettings) -> tuple[x509.Certificate, Path | None]:
    return load_certificate(settings.certificate), settings.crl or None


def _xml_limits(settings: Settings) -> XmlLimits:
    limits = settings.limits
    return XmlLimits(
        limits.xml_depth, limits.xml_elements, limits.xml_attributes, limits.xml_namespaces
    )


def _limits(limits: LimitSettings) -> Limits:
    return Limits(
        request_bytes=limits.request_bytes,
        read_seconds=limits.read_seconds,
        idle_seconds=limits.idle_seconds,
        parallel_requests=limits.parallel_requests,
        threads=limits.threads,
    )


def _tls(service: ServiceSettings) -> Tls | None:
    if service.tls_certificate is None or service.tls_key is None:
        return None
    return Tls(service.tls_certificate, service.tls_key)


def _secret(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None


def _keep_crl_fresh(settings: Settings, stop: threading.Event) -> None:
    """The demo is its own authority, so it renews its own revocation list, now and later on."""
    key, anchor = settings.demo.authority_key, settings.security.anchors[0]
    if key is None or anchor.crl is False:
        return
    authority, crl = load_authority(key, anchor.certificate), anchor.crl

    def renew() -> None:
        while True:
            renew_crl(crl, authority, datetime.now(UTC))
            if stop.wait(_RENEWAL_SECONDS):
                return

    threading.Thread(target=renew, name="crl-renewal", daemon=True).start()
