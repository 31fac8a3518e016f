"""``consult``: ask a running service as one of its customers."""

from __future__ import annotations

import json
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import urlsplit

import typer
from lxml import etree

from ksz_childbenefits.cli import options
from ksz_childbenefits.cli.answer import as_json, read_answer
from ksz_childbenefits.cli.display import terminal
from ksz_childbenefits.cli.report import print_report
from ksz_childbenefits.client import ChildBenefitsClient, connect, read_credentials
from ksz_childbenefits.config import ServiceSettings, load_settings
from ksz_childbenefits.contract.contracts import CONSULTATION
from ksz_childbenefits.domain.clock import consultation_day
from ksz_childbenefits.domain.consultation import StatusValue
from ksz_childbenefits.domain.months import MonthRange, YearMonth
from ksz_childbenefits.errors import UsageError


def consult(  # noqa: PLR0913 - the command's options
    ssin: options.Ssin,
    *,
    begin: options.From,
    customer: Annotated[
        str, typer.Option("--as", metavar="CUSTOMER", help="Who asks: a folder of credentials/.")
    ],
    config: options.Config,
    end: options.To = None,
    sources: options.Sources = None,
    url: Annotated[
        str | None,
        typer.Option(
            metavar="URL", help="Where the service is, instead of the configured address."
        ),
    ] = None,
    xml: Annotated[bool, typer.Option("--xml", help="Print the signed reply as XML.")] = False,
    as_json_: Annotated[bool, typer.Option("--json", help="Print the reply as JSON.")] = False,
) -> None:
    """Ask who is paid what for a person, and show the verified answer with a timeline.

    Key and certificate of the customer are read from credentials/CUSTOMER beside the
    configuration, as are its legal context and the certificate that replies must be signed with.
    Exits with 1 when the service refuses: NO_RESULT, or a fault.
    """
    if xml and as_json_:
        raise UsageError("--xml and --json exclude each other")
    asked = _asked(begin, end)
    client = _client(config, customer, url)
    reply = client.consult(ssin, begin, end, sources)
    if xml and client.last_reply is not None:
        typer.echo(_pretty(client.last_reply))
    elif as_json_:
        typer.echo(json.dumps(as_json(reply), indent=2, ensure_ascii=False))
    else:
        print_report(terminal(), read_answer(reply), _until(asked, reply))
    if reply.status.value == StatusValue.NO_RESULT:
        raise typer.Exit(1)


def _asked(begin: str, end: str | None) -> tuple[YearMonth, YearMonth | None]:
    """The months asked; whether they make sense together is for the service to say."""
    last = None if end is None else options.month(end, "--to")
    return options.month(begin, "--from"), last


def _until(asked: tuple[YearMonth, YearMonth | None], reply: Any) -> MonthRange:
    """The months of the timeline: without an end asked, up to the month of the reply."""
    begin, end = asked
    answered: datetime = reply.informationCBSS.timestampReply
    return MonthRange(begin, max(begin, end or YearMonth.of(consultation_day(answered))))


def _client(config: Path, customer: str, url: str | None) -> ChildBenefitsClient:
    settings = load_settings(config)
    address = _address(url) if url else _configured_address(settings.service)
    credentials = read_credentials(_folder(config, customer))
    return connect(f"{address}?wsdl", credentials, address)


def _folder(config: Path, customer: str) -> Path:
    """The customer's folder of credentials; UsageError names those that there are."""
    credentials = config.resolve().parent / "credentials"
    known = sorted(file.parent.name for file in credentials.glob("*/customer.toml"))
    if customer not in known:
        raise UsageError(f"no credentials for {customer}; there are: {', '.join(known) or 'none'}")
    return credentials / customer


def _configured_address(service: ServiceSettings) -> str:
    """Where the configuration says that the service is; 0.0.0.0 is reached at 127.0.0.1."""
    if service.public_url is not None:
        return _address(service.public_url)
    scheme = "http" if service.tls_certificate is None else "https"
    host = {"0.0.0.0": "127.0.0.1", "::": "[::1]"}.get(service.host, service.host)  # noqa: S104 - compared
    return _address(f"{scheme}://{host}:{service.port}")


def _address(url: str) -> str:
    """``url`` with the service's path where it has none."""
    if urlsplit(url).scheme not in ("http", "https"):
        raise UsageError(f"{url} is no http or https address")
    return url if urlsplit(url).path.strip("/") else url.rstrip("/") + CONSULTATION.path


def _pretty(reply: etree._Element) -> str:
    """The signed reply, indented: to be read, since its signature no longer fits."""
    etree.indent(reply)
    return etree.tostring(reply, encoding="unicode")
