"""Parts of the house made from settings: the network of cadastres, a cadastre."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial

from sqlalchemy import Engine

from ksz_childbenefits.audit.evidence import EvidenceBox
from ksz_childbenefits.audit.marks import Believed
from ksz_childbenefits.audit.trail import AuditTrail
from ksz_childbenefits.cadastres.background import BackgroundLoop
from ksz_childbenefits.cadastres.base import Cadastre
from ksz_childbenefits.cadastres.embedded import EmbeddedCadastre, FailingCadastre
from ksz_childbenefits.cadastres.network import Network
from ksz_childbenefits.cadastres.server import CadastreService
from ksz_childbenefits.config import RateSettings, Settings
from ksz_childbenefits.contract.xmlio import XmlLimits
from ksz_childbenefits.domain.sources import Operator
from ksz_childbenefits.endpoint import Endpoint
from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.exchange import Exchange
from ksz_childbenefits.identity import (
    Identity,
    identity_of,
    known_certificates,
    pseudonymiser_of,
)
from ksz_childbenefits.rates import Rate, Rates, Unlimited, buckets
from ksz_childbenefits.registers.database import answers, open_database
from ksz_childbenefits.registers.replay import SqlReplayStore
from ksz_childbenefits.secret_files import read_secret
from ksz_childbenefits.security.credentials import load_certificate


def build_network(settings: Settings, engine: Engine, identity: Identity) -> Network:
    """Who answers for each operator: the remote ones of the settings, else what is in ``engine``.

    Operators that the demo makes fail do so either way. ConfigurationError in production for one
    of which the settings do not say where it is.
    """
    _refuse_forgotten(settings)
    loop = BackgroundLoop()

    def cadastre(operator: Operator) -> Cadastre:
        if operator in settings.demo.failing_cadastres:
            return FailingCadastre(operator)
        if operator not in settings.operators:
            return EmbeddedCadastre(engine, operator)
        # Only here: a service with no distant ones does without an HTTP client, which is 0.05 s.
        from ksz_childbenefits.distance import distant_cadastre  # noqa: PLC0415

        return distant_cadastre(operator, settings, identity, loop)

    threads = None
    if engine.dialect.name != "sqlite":
        threads = ThreadPoolExecutor(settings.limits.threads, thread_name_prefix="cadastre")
    return Network({operator: cadastre(operator) for operator in Operator}, loop, threads)


def _refuse_forgotten(settings: Settings) -> None:
    """Tables that nobody filled would answer that there are no files, to everybody."""
    told = settings.operators.keys() | settings.database.embedded_cadastres
    forgotten = [operator for operator in Operator if operator not in told]
    if settings.environment == "production" and forgotten:
        raise ConfigurationError(
            "in production each operator is in [operators] or in database.embedded_cadastres; "
            f"these are in neither: {', '.join(forgotten)}"
        )


def build_cadastre(settings: Settings) -> Endpoint[Exchange]:
    """The endpoint of the operator that the settings name; ConfigurationError if they do not."""
    own = settings.cadastre
    if own is None:
        raise ConfigurationError("the configuration has no section [cadastre]")
    engine = open_database(settings.database.url)
    ksz, identity = known_certificates(own.ksz_certificates), identity_of(settings)
    trail = trail_of(settings, engine, identity)
    return Endpoint(
        service=CadastreService(
            cadastre=EmbeddedCadastre(engine, own.operator),
            cbe_number=own.cbe_number,
            ksz=ksz,
            pseudonymiser=pseudonymiser_of(settings),
            reply_entries=settings.limits.reply_entries,
        ),
        limits=xml_limits(settings),
        trust=identity.trust,
        certificates=ksz,
        replays=SqlReplayStore(engine),
        rates=Unlimited(),
        keys=identity.keys,
        trail=trail,
        available=partial(answers, engine),
        close=partial(close_all, trail.close, engine.dispose),
    )


def trail_of(settings: Settings, engine: Engine, identity: Identity) -> AuditTrail:
    """Where the records of a process go; ConfigurationError if evidence has no key to be kept."""
    evidence = evidence_box(settings) if settings.audit.evidence else None
    return AuditTrail(engine, identity.keys, evidence)


def evidence_box(settings: Settings) -> EvidenceBox:
    """What encrypts and decrypts the evidence; ConfigurationError without a key."""
    path = settings.audit.evidence_key
    if path is None:
        raise ConfigurationError("audit.evidence_key is not configured")
    try:
        return EvidenceBox(read_secret(path))
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from None


def marks_believed(settings: Settings) -> Believed:
    """The certificates that the trail's marks are believed with: ours, of now and of before.

    The keys themselves are read only where they bring their certificate: PKCS#12.
    """
    security = settings.security
    own = [security.service_certificate, *(one.certificate for one in security.next_service_keys)]
    paths = [path for path in (*own, *settings.audit.certificates) if path is not None]
    certificates = [load_certificate(path) for path in paths]
    if None in own:
        keys = identity_of(settings).keys
        certificates += [keys.first.certificate, *(one.certificate for _, one in keys.successors)]
    return Believed.of(certificates)


def close_all(*parts: Callable[[], None]) -> None:
    """Close one after the other."""
    for close in parts:
        close()


def rates_of(settings: Settings, service: str) -> Rates:
    """What each caller may ask of this service."""
    limits = settings.limits
    others = {name: _rate(rate) for name, rate in limits.rates.items()}
    return Rates(service, _rate(limits.rate), others, buckets())


def _rate(rate: RateSettings) -> Rate:
    return Rate(rate.per_second, rate.burst)


def xml_limits(settings: Settings) -> XmlLimits:
    """What a request may hold (SECURITY 2)."""
    limits = settings.limits
    return XmlLimits(
        limits.xml_depth, limits.xml_elements, limits.xml_attributes, limits.xml_namespaces
    )
