"""Putting the house together: from settings to an endpoint, and from that to a server."""

from __future__ import annotations

import gc
import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from functools import partial
from pathlib import Path

from sqlalchemy import Engine

from ksz_childbenefits.assembly import (
    build_cadastre,
    build_network,
    close_all,
    rates_of,
    trail_of,
    xml_limits,
)
from ksz_childbenefits.audit.trail import AuditTrail
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
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.exchange import ExchangeT, Service
from ksz_childbenefits.gateway import ConsultationExchange, Gateway
from ksz_childbenefits.identity import (
    Identity,
    identity_of,
    kept_lists,
    pseudonymiser_of,
    tls_identity,
)
from ksz_childbenefits.inscriptions import Inscriptions, InscriptionsExchange
from ksz_childbenefits.list_keeper import ListKeeper
from ksz_childbenefits.logs import configure_logging
from ksz_childbenefits.maintenance import MaintenanceService
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.registers.database import answers, open_database
from ksz_childbenefits.registers.directory import RegisteredCertificates
from ksz_childbenefits.registers.inscriptions import WRITERS, InscriptionRegister
from ksz_childbenefits.registers.operators import OperatorRegister
from ksz_childbenefits.registers.persons import PersonRegister
from ksz_childbenefits.registers.repertory import PersonRepertory
from ksz_childbenefits.registers.replay import SqlReplayStore
from ksz_childbenefits.registers.schema import customer_certificates, operator_certificates
from ksz_childbenefits.security.tokens import CertificateDirectory
from ksz_childbenefits.server.limits import Limits
from ksz_childbenefits.server.run import Tls, Work
from ksz_childbenefits.server.run import serve as listen
from ksz_childbenefits.service import Access, ConsultationService
from ksz_childbenefits.soap_app import MessageEndpoint

_RENEWAL_SECONDS = 6 * 3600.0

_Builder = Callable[[Settings], tuple[MessageEndpoint, ...]]
"""Makes what a worker serves."""


def build_endpoint(settings: Settings, as_of: date | None = None) -> Endpoint[ConsultationExchange]:
    """KSZ's endpoint on its registers, and on cadastres embedded or remote as configured.

    ``as_of`` fixes the consultation day; None: today in Brussels. ConfigurationError says what is
    missing or wrong.
    """
    return _consultation(_base(settings), as_of)


def build_inscriptions(
    settings: Settings, as_of: date | None = None
) -> Endpoint[InscriptionsExchange]:
    """The endpoint at which operators and customers maintain the person repertory; likewise."""
    return _inscriptions(_base(settings), as_of)


def build_endpoints(settings: Settings, as_of: date | None = None) -> tuple[MessageEndpoint, ...]:
    """All that one worker serves, over one pool of connections, one trust, one trail; likewise."""
    base = _base(settings)
    return _consultation(base, as_of), _inscriptions(base, as_of)


@dataclass(frozen=True, slots=True)
class _Base:
    """What all endpoints of a process stand on."""

    settings: Settings
    engine: Engine
    identity: Identity
    trail: AuditTrail


def _base(settings: Settings) -> _Base:
    engine, identity = open_database(settings.database.url), identity_of(settings)
    return _Base(settings, engine, identity, trail_of(settings, engine, identity))


def _consultation(base: _Base, as_of: date | None) -> Endpoint[ConsultationExchange]:
    settings, engine, identity = base.settings, base.engine, base.identity
    customers = CustomerRegister(engine)
    network = build_network(settings, engine, identity)
    gateway = Gateway(
        customers=customers,
        service=_service(base, network, _today(settings, as_of)),
        pseudonymiser=pseudonymiser_of(settings),
    )
    endpoint = _endpoint(base, gateway, customers)
    return replace(endpoint, close=partial(close_all, network.close, endpoint.close))


def _inscriptions(base: _Base, as_of: date | None) -> Endpoint[InscriptionsExchange]:
    settings, engine = base.settings, base.engine
    inscriptions = Inscriptions(
        customers=CustomerRegister(engine),
        operators=OperatorRegister(engine),
        service=MaintenanceService(
            InscriptionRegister(engine, _writers(settings.limits)), _today(settings, as_of)
        ),
    )
    certificates = RegisteredCertificates(engine, customer_certificates, operator_certificates)
    return _endpoint(base, inscriptions, certificates)


def _writers(limits: LimitSettings) -> int:
    """How many calls may wait to write: with one thread there is no other to leave alone."""
    return max(min(WRITERS, limits.threads // 2), 1)


def _endpoint(
    base: _Base, service: Service[ExchangeT], certificates: CertificateDirectory
) -> Endpoint[ExchangeT]:
    return Endpoint(
        service=service,
        limits=xml_limits(base.settings),
        trust=base.identity.trust,
        certificates=certificates,
        replays=SqlReplayStore(base.engine),
        keys=base.identity.keys,
        rates=rates_of(base.settings, service.contract.name),
        trail=base.trail,
        available=partial(answers, base.engine),
        close=partial(close_all, base.trail.close, base.engine.dispose),
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
    stop, keeper = threading.Event(), ListKeeper()
    _keep_crl_fresh(settings, stop)
    service = settings.service
    at = (service.metrics_host, service.metrics_port)
    try:
        listen(
            partial(_work, config, service, workers, build, keeper),
            host=host or service.host,
            port=service.port if port is None else port,
            metrics=None if at[1] is None else (at[0], at[1]),
            on_renewed=keeper.settle,
        )
    finally:
        keeper.close()
        stop.set()


def _work(
    config: Path, bound: ServiceSettings, workers: int | None, build: _Builder, keeper: ListKeeper
) -> Work:
    """What the configuration now says the workers do; ``bound``: where the service listens."""
    settings = load_settings(config)
    service = settings.service
    for name in ("host", "port", "metrics_host", "metrics_port"):
        if getattr(service, name) != getattr(bound, name):
            raise ConfigurationError(f"service.{name} cannot change while the service runs")
    configure_logging(settings.logs.level)
    _prepare(settings, build)
    keeper.expect(kept_lists(settings))
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
    endpoints = build(settings)
    # What is there now stays: the collector need not look at it again and again.
    gc.collect()
    gc.freeze()
    return endpoints


def _prepare(settings: Settings, build: _Builder) -> None:
    """Fail early: bring the database up to date and build an endpoint once, before any worker."""
    # Only here: workers do without alembic, which is 0.1 s and 8 MB.
    from ksz_childbenefits.registers.migrating import migrate  # noqa: PLC0415

    engine = open_database(settings.database.url)
    migrate(engine)
    engine.dispose()
    build(settings)


def _service(base: _Base, network: Network, today: Callable[[], date]) -> ConsultationService:
    engine = base.engine
    access = Access(
        persons=PersonRegister(engine),
        repertory=PersonRepertory(engine),
        today=today,
    )
    return ConsultationService(access, network, base.settings.limits.reply_entries)


def _limits(limits: LimitSettings) -> Limits:
    return Limits(
        request_bytes=limits.request_bytes,
        read_seconds=limits.read_seconds,
        idle_seconds=limits.idle_seconds,
        connections=limits.connections,
        unsent_bytes=limits.unsent_bytes,
        parallel_requests=limits.parallel_requests,
        threads=limits.threads,
    )


def _tls(service: ServiceSettings) -> Tls | None:
    own = tls_identity(service.tls_certificate, service.tls_key, service.tls_passphrase)
    return None if own is None else Tls(own, service.tls_client_authority)


def _keep_crl_fresh(settings: Settings, stop: threading.Event) -> None:
    """The demo is its own authority, so it renews its own revocation list, now and later on."""
    key, anchor = settings.demo.authority_key, settings.security.anchors[0]
    if key is None or not isinstance(anchor.crl, Path):
        return
    authority, crl = load_authority(key, anchor.certificate), anchor.crl

    def renew() -> None:
        while True:
            renew_crl(crl, authority, datetime.now(UTC))
            if stop.wait(_RENEWAL_SECONDS):
                return

    threading.Thread(target=renew, name="crl-renewal", daemon=True).start()
