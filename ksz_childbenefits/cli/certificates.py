"""``customer certify|withdraw|certificates``: what a customer may sign with, over the years."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer
from cryptography import x509

from ksz_childbenefits.cli import options, registers
from ksz_childbenefits.cli.display import new_table, print_table, terminal
from ksz_childbenefits.config import Settings, load_settings
from ksz_childbenefits.errors import UsageError
from ksz_childbenefits.registers.customers import CustomerRegister
from ksz_childbenefits.security.credentials import load_certificate
from ksz_childbenefits.security.trust import fingerprint

STILL_LET_IN = 1
"""Exit code: the certificate is withdrawn, but that ends nothing."""

Name = Annotated[str, typer.Argument(metavar="NAME", help="The customer's short name.")]

Certificate = Annotated[
    Path | None, typer.Option(metavar="PEM", help="A certificate that the customer signs with.")
]

Anchor = Annotated[
    Path | None,
    typer.Option(
        metavar="PEM",
        help="Or: a configured authority, under which any certificate with the CBE number in "
        "its subject is the customer's.",
    ),
]


def certify(
    name: Name, config: options.Config, certificate: Certificate = None, anchor: Anchor = None
) -> None:
    """Let a customer sign with one more certificate, or under one more authority."""
    settings = load_settings(config)
    certificates, anchors = signs_with(settings, certificate, anchor)
    with registers.opened(settings) as engine:
        register = CustomerRegister(engine)
        for one in certificates:
            register.add_certificate(name, one)
        for one in anchors:
            register.add_anchor(name, one)
    terminal().print(f"{name} may sign with it from now on", markup=False)


def withdraw(
    name: Name, config: options.Config, certificate: Certificate = None, anchor: Anchor = None
) -> None:
    """Take a certificate, or an authority, from a customer; its next request is refused.

    Exit code 1 for a certificate that an authority of a customer still lets in.
    """
    path = certificate or anchor
    if path is None or (certificate is not None and anchor is not None):
        raise UsageError("give either --certificate or --anchor")
    loaded, settings = load_certificate(path), load_settings(config)
    with registers.opened(settings) as engine:
        register = CustomerRegister(engine)
        remove = register.remove_certificate if certificate else register.remove_anchor
        remove(name, loaded)
        _tell_withdrawn(name, loaded, settings, register)


def _tell_withdrawn(
    name: str, certificate: x509.Certificate, settings: Settings, register: CustomerRegister
) -> None:
    """Say that it is; with exit code 1 if its CBE number lets it in all the same (SECURITY 3).

    Whoever withdraws a stolen key must not be told that all is well.
    """
    anchors = [load_certificate(one.certificate) for one in settings.security.anchors]
    customer = register.identify(certificate, frozenset(map(fingerprint, anchors)))
    if customer is None:
        terminal().print(f"{name} may not sign with it any more", markup=False)
        return
    terminal().print(
        f"It is taken from {name}. But if issued under an anchor of customer {customer.name}, it "
        f"still lets in customer {customer.name}, by its CBE number: have it revoked, or withdraw "
        "the anchor.",
        markup=False,
        soft_wrap=True,
    )
    raise typer.Exit(STILL_LET_IN)


def show(name: Name, config: options.Config) -> None:
    """Show what a customer may sign with: SHA-256, until when, and whose name it bears."""
    settings = load_settings(config)
    with registers.opened(settings) as engine:
        register = CustomerRegister(engine)
        if register.find(name) is None:
            raise UsageError(f"customer {name!r} is not registered")
        certificates, anchors = register.certificates(name), register.anchors(name)
    table = new_table("what", "SHA-256", "until", "subject")
    for one in certificates:
        table.add_row("certificate", *_told(one))
    known = [load_certificate(given.certificate) for given in settings.security.anchors]
    for mark in sorted(anchors):
        found = [one for one in known if fingerprint(one) == mark]
        table.add_row("anchor", *(_told(found[0]) if found else (mark, "-", "not configured")))
    print_table(table)


def _told(certificate: x509.Certificate) -> tuple[str, str, str]:
    until = f"{certificate.not_valid_after_utc:%Y-%m-%d}"
    return fingerprint(certificate), until, certificate.subject.rfc4514_string()


def signs_with(
    settings: Settings, certificate: Path | None, anchor: Path | None
) -> tuple[list[x509.Certificate], list[x509.Certificate]]:
    """The customer's certificate, or the authority that it is recognised under; exactly one."""
    if certificate is not None and anchor is None:
        return [load_certificate(certificate)], []
    if anchor is not None and certificate is None:
        return [], [_configured(settings, anchor)]
    raise UsageError("give either --certificate or --anchor")


def _configured(settings: Settings, anchor: Path) -> x509.Certificate:
    """The anchor, which the configuration must trust, or nobody would ever be let in by it."""
    wanted = load_certificate(anchor)
    if wanted not in [load_certificate(one.certificate) for one in settings.security.anchors]:
        raise UsageError(f"{anchor} is none of the anchors of the configuration")
    return wanted
