"""Putting the house together: from settings to an endpoint, and from that to a server."""

from __future__ import annotations

import threading
from collections.abc import Callable
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from ksz_childbenefits.assembly import (
    build_cadastre,
    build_network,
    credentials_of,
    secret,
    trust_policy,
    xml_limits,
)
from ksz_childbenefits.cadastres.network import Network
from ksz_childbenefits.config import (
    LimitSettings,
    ServiceSettings,
    Settings,
    load_settings,
)
from ksz_childbenefits.demo.pki import load_authority, renew_crl
from ksz_childbenefits.domain.clock import consultation_day
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.endpoint import Endpoint, ExchangeT, Service
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.gateway import ConsultationExchange, Gateway
from ksz_childbenefits.inscriptions import Inscriptions, InscriptionsExchange
from ksz_childbenefits.logs import Pseudonymiser, configure_logging
from ksz_childbenefits.maintenance import MaintenanceService
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import answers, migrate, open_database
from ksz_childbenefits.registers.directory import RegisteredCertificates
from ksz_childbenefits.registers.inscriptions import InscriptionRegister
from ksz_childbenefits.registers.operators import OperatorRegister
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.replay import SqlReplayStore
from ksz_childbenefits.registers.schema import customer_certificates, operator_certificates
from ksz_childbenefits.security.tokens import CertificateDirectory
from ksz_childbenefits.security.trust import Trust
from ksz_childbenefits.server.limits import Limits
from ksz_childbenefits.server.run import Tls, Work
from ksz_childbenefits.server.run import serve as listen
from ksz_childbenefits.service import ConsultationService
from ksz_childbenefits.soap_app import MessageEndpoint

_RENEWAL_SECONDS = 6 * 3600.0

_Builder = Callable[[Settings], tuple[MessageEndpoint, ...]]
"""Makes what a worker serves."""


def build_endpoint(settings: Settings, as_of: date | None = None) -> Endpoint[ConsultationExchange]:
    """KSZ's endpoint on its registers, and on cadastres embedded or remote as configured.

    ``as_of`` fixes the consultation day; None: today in Brussels. ConfigurationError says what is
    missing or wrong.
    """
    return _consultation(settings, open_database(settings.database.url), as_of)


def build_inscriptions(
    settings: Settings, as_of: date | None = None
) -> Endpoint[InscriptionsExchange]:
    """The endpoint at which operators and customers maintain the person repertory; likewise."""
    return _inscriptions(settings, open_database(settings.database.url), as_of)


def build_endpoints(settings: Settings, as_of: date | None = None) -> tuple[MessageEndpoint, ...]:
    """All that one worker serves, over one pool of connections; likewise."""
    engine = open_database(settings.database.url)
    return _consultation(settings, engine, as_of), _inscriptions(settings, engine, as_of)


def _consultation(
    settings: Settings, engine: Engine, as_of: date | None
) -> Endpoint[ConsultationExchange]:
    customers = CustomerRegister(engine)
    credentials, trust = credentials_of(settings), Trust(trust_policy(settings))
    network = build_network(settings, engine, credentials, trust)
    gateway = Gateway(
        customers=customers,
        service=_service(network, engine, _today(settings, as_of)),
        pseudonymiser=Pseudonymiser(secret(settings.security.pseudonym_key)),
    )
    return _endpoint(settings, engine, gateway, trust, customers)


def _inscriptions(
    settings: Settings, engine: Engine, as_of: date | None
) -> Endpoint[InscriptionsExchange]:
    inscriptions = Inscriptions(
        customers=CustomerRegister(engine),
        operators=OperatorRegister(engine),
        service=MaintenanceService(InscriptionRegister(engine), _today(settings, as_of)),
    )
    certificates = RegisteredCertificates(engine, customer_certificates, operator_certificates)
    trust = Trust(trust_policy(settings))
    return _endpoint(settings, engine, inscriptions, trust, certificates)


def _endpoint(
    settings: Settings,
    engine: Engine,
    service: Service[ExchangeT],
    trust: Trust,
    certificates: CertificateDirectory,
) -> Endpoint[ExchangeT]:
    return Endpoint(
        service=service,
        limits=xml_limits(settings),
        trust=trust,
        certificates=certificates,
        replays=SqlReplayStore(engine),
        credentials=credentials_of(settings),
        available=partial(answers, engine),
    )


def _today(settings: Settings, as_of: date | None) -> Callable[[], date]:
    """The consultation day: today's in Brussels, or the one that is fixed (not in production)."""
    if as_of is None:
        return lambda: consultation_day(datetime.now(UTC))
    if settings.environment == "production":
        raise ConfigurationError("the consultation day cannot be moved in production")
    return lambda: as_of


def serve(
    config: Path, host: str | None, port: int | None, workers: int | None, as_of: date | None
) -> None:
    """Run the service until it is told to stop; what is None comes from the configuration.

    ConfigurationError before anything listens when the configuration cannot work.
    """
    _run(config, partial(build_endpoints, as_of=as_of), host, port, workers)


def serve_cadastre(
    config: Path, operator: Operator, host: str | None, port: int | None, workers: int | None
) -> None:
    """Run one operator's cadastre in the same way; ConfigurationError if it is another's."""
    _run(config, partial(_cadastre, operator), host, port, workers)


def _cadastre(operator: Operator, settings: Settings) -> tuple[MessageEndpoint, ...]:
    own = settings.cadastre
    if own is not None and own.operator is not operator:
        raise ConfigurationError(f"the configuration is that of {own.operator}, not of {operator}")
    return (build_cadastre(settings),)


def _run(
    config: Path, build: _Builder, host: str | None, port: int | None, workers: int | None
) -> None:
    configure_logging()
    settings = load_settings(config)
    stop = threading.Event()
    _keep_crl_fresh(settings, stop)
    service = settings.service
    at = (service.metrics_host, service.metrics_port)
    try:
        listen(
            partial(_work, config, service, workers, build),
            host=host or service.host,
            port=service.port if port is None else port,
            metrics=None if at[1] is None else (at[0], at[1]),
        )
    finally:
        stop.set()


def _work(config: Path, bound: ServiceSettings, workers: int | None, build: _Builder) -> Work:
    """What the configuration now says the workers do; ``bound``: where the service listens."""
    settings = load_settings(config)
    service = settings.service
    for name in ("host", "port", "metrics_host", "metrics_port"):
        if getattr(service, name) != getattr(bound, name):
            raise ConfigurationError(f"service.{name} cannot change while the service runs")
    configure_logging(settings.logs.level)
    _prepare(settings, build)
    return Work(
        partial(_worker, settings, build),
        workers=workers or service.workers,
        limits=_limits(settings.limits),
        public_url=service.public_url,
        tls=_tls(service),
        drain_seconds=service.drain_seconds,
    )


def _worker(settings: Settings, build: _Builder) -> tuple[MessageEndpoint, ...]:
    """A worker is a process of its own: it has its own logging and its own endpoints."""
    configure_logging(settings.logs.level)
    return build(settings)


def _prepare(settings: Settings, build: _Builder) -> None:
    """Fail early: bring the database up to date and build an endpoint once, before any worker."""
    engine = open_database(settings.database.url)
    migrate(engine)
    engine.dispose()
    build(settings)


def _service(network: Network, engine: Engine, today: Callable[[], date]) -> ConsultationService:
    return ConsultationService(
        persons=PersonRegister(engine),
        repertory=PersonRepertory(engine),
        customers=CustomerRegister(engine),
        cadastres=network,
        today=today,
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
