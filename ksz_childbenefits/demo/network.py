"""The demo as a network: KSZ's gateway and four operators, each with its own keys and database.

All lie side by side in one folder, so that the operators find the revocation list that the gateway
renews; they share nothing else.
"""

from __future__ import annotations

import secrets
import shutil
import socket
from collections.abc import Callable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Engine, delete, select

from ksz_childbenefits.cadastres.store import (
    HELD_COLUMNS,
    HeldFile,
    RegionalEntry,
    file_of,
    fund_numbered,
    insert_entries,
    insert_files,
    insert_funds,
)
from ksz_childbenefits.config import load_settings
from ksz_childbenefits.contract.contracts import CADASTRE
from ksz_childbenefits.demo import pki
from ksz_childbenefits.demo.init import OPERATORS, create_demo
from ksz_childbenefits.domain.files import FileType, Fund
from ksz_childbenefits.domain.sources import AuthenticSource, Operator
from ksz_childbenefits.registers.database import open_database, reading, writing
from ksz_childbenefits.registers.migrating import migrate
from ksz_childbenefits.registers.schema import (
    cadastre_file_members,
    cadastre_files,
    funds,
    regional_repertory,
)

GATEWAY = "ksz"
"""The gateway's folder; those of the operators bear their names in small letters."""

_GATEWAY_SECTIONS = """
[limits]
threads = 64                           # most of them wait for operators

[operators]
"""

_OPERATOR = """\
# Written by the demo of the network. Paths are relative to this file.
environment = "demo"

[service]
host = "127.0.0.1"
port = {port}
workers = 1

[database]
url = "{url}"

[security]
service_key = "keys/service.key"
service_certificate = "service.pem"
pseudonym_key = "keys/pseudonym.key"
anchors = [{{ certificate = "authority.pem", crl = "../{gateway}/keys/authority.crl" }}]

[cadastre]
operator = "{operator}"
cbe_number = "{cbe_number}"            # invented
ksz_certificates = ["ksz.pem"]
"""


@dataclass(frozen=True, slots=True)
class DemoNetwork:
    """The configuration files of a network, and the address of each operator."""

    gateway: Path
    operators: Mapping[Operator, Path]
    urls: Mapping[Operator, str]


def create_network(folder: Path, database_url: Callable[[str], str] | None = None) -> DemoNetwork:
    """Fill ``folder`` with the demo as a network; UsageError when it holds something already.

    Operators get ports of the loopback interface that are free now. ``database_url`` gives the URL
    of an empty database for each name (``ksz``, ``aviq`` …); None: SQLite files in the folders.
    """
    config = create_demo(folder / GATEWAY, database_url and database_url(GATEWAY))
    urls = {o: f"http://127.0.0.1:{port}{CADASTRE.path}" for o, port in _free_ports().items()}
    operators: dict[Operator, Path] = {}
    world = open_database(load_settings(config).database.url)
    try:
        for operator, url in urls.items():
            name = operator.lower()
            database = database_url(name) if database_url else "sqlite:///cadastre.sqlite"
            operators[operator] = _create_operator(folder, operator, url, database)
            _hand_over(world, operators[operator], operator)
        _forget(world)
    finally:
        world.dispose()
    with config.open("a", encoding="utf-8") as stream:
        stream.write(_GATEWAY_SECTIONS)
        for operator, url in urls.items():
            certificate = f"../{operator.lower()}/service.pem"
            stream.write(f'{operator} = {{ url = "{url}", certificates = ["{certificate}"] }}\n')
    return DemoNetwork(config, operators, urls)


def _free_ports() -> dict[Operator, int]:
    """A port for each operator; all are held at once, so that they differ."""
    with ExitStack() as held:
        listeners = {
            operator: held.enter_context(socket.create_server(("127.0.0.1", 0)))
            for operator in Operator
        }
        return {operator: one.getsockname()[1] for operator, one in listeners.items()}


def _create_operator(folder: Path, operator: Operator, url: str, database: str) -> Path:
    """The operator's folder with configuration, keys and the certificates that it trusts."""
    ksz, own = folder / GATEWAY, folder / operator.lower()
    (own / "keys").mkdir(parents=True)
    own.chmod(0o700)
    authority = pki.load_authority(ksz / "keys" / "authority.key", ksz / "keys" / "authority.pem")
    now, key = datetime.now(UTC).replace(microsecond=0), pki.rsa_key()
    certificate = pki.issue(
        authority, key, f"Cadastre {operator}", now, cbe_number=OPERATORS[operator]
    )
    pki.write_key(own / "keys" / "service.key", key)
    pki.write_secret(own / "keys" / "pseudonym.key", secrets.token_bytes(32))
    pki.write_certificate(own / "service.pem", certificate)
    shutil.copy(ksz / "keys" / "authority.pem", own / "authority.pem")
    shutil.copy(ksz / "credentials" / "service.pem", own / "ksz.pem")
    config = own / "config.toml"
    text = _OPERATOR.format(
        port=url.removesuffix(CADASTRE.path).rpartition(":")[2],
        url=database,
        gateway=GATEWAY,
        operator=operator,
        cbe_number=OPERATORS[operator],
    )
    pki.write_secret(config, text.encode())
    return config


def _hand_over(world: Engine, config: Path, operator: Operator) -> None:
    """Give an operator's new database its part: files, and the entries that lead to them."""
    own = open_database(load_settings(config).database.url)
    try:
        migrate(own)
        files, entries = _files(world, operator), _entries(world, operator)
        with writing(own) as connection:
            insert_funds(connection, _funds(world))
            insert_files(connection, files)
            insert_entries(connection, entries)
    finally:
        own.dispose()


def _funds(world: Engine) -> list[Fund]:
    """All of them: an entry can lead to a fund that holds no file."""
    with reading(world) as connection:
        rows = connection.execute(select(funds)).all()
    return [fund_numbered(row.number, (row.nl, row.fr, row.de)) for row in rows]


def _files(world: Engine, operator: Operator) -> list[HeldFile]:
    query = (
        select(cadastre_files.c.source, *HELD_COLUMNS)
        .join_from(cadastre_files, funds)
        .where(cadastre_files.c.operator == operator.value)
        .order_by(cadastre_files.c.id)
    )
    with reading(world) as connection:
        rows = connection.execute(query).all()
    return [HeldFile(operator, AuthenticSource(source), file_of(*held)) for source, *held in rows]


def _entries(world: Engine, operator: Operator) -> list[RegionalEntry]:
    query = (
        select(regional_repertory)
        .where(regional_repertory.c.operator == operator.value)
        .order_by(regional_repertory.c.id)
    )
    with reading(world) as connection:
        rows = connection.execute(query).all()
    return [
        RegionalEntry(
            operator,
            AuthenticSource(row.source),
            row.ssin,
            row.quality,
            row.fund,
            FileType(row.file_type),
            row.begin_date,
            row.end_date,
        )
        for row in rows
    ]


def _forget(world: Engine) -> None:
    """Leave the gateway with its registers alone."""
    with writing(world) as connection:
        for table in (cadastre_file_members, cadastre_files, regional_repertory, funds):
            connection.execute(delete(table))
