"""TLS 1.2 and 1.3 on both sides, each with a certificate if need be (SECURITY 1).

A certificate of TLS says who is at the other end of a connection, which may be a proxy; who wrote a
message is told by its signature alone.
"""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path

from ksz_childbenefits.errors import ConfigurationError
from ksz_childbenefits.secret_files import Passphrase, refuse_open_to_others


@dataclass(frozen=True, slots=True)
class TlsIdentity:
    """What we present: a certificate, with those between it and its authority, and its key; PEM."""

    certificate: Path
    key: Path
    passphrase: Passphrase | None = None


def server_context(own: TlsIdentity, client_authority: Path | None = None) -> ssl.SSLContext:
    """For a listener; ConfigurationError for files of no use.

    ``client_authority``: certificates of authorities (PEM) one of which must have issued the
    certificate that each client presents; None: clients need none.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    _present(context, own)
    if client_authority is not None:
        _believe(context, client_authority)
        context.verify_mode = ssl.CERT_REQUIRED
    return context


def client_context(authority: Path | None = None, own: TlsIdentity | None = None) -> ssl.SSLContext:
    """For connections that we open; the server's name is checked. ConfigurationError likewise.

    ``authority``: certificates of the authorities (PEM) that alone are believed; None: those of the
    system.
    """
    if authority is None:
        context = ssl.create_default_context()
    else:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        _believe(context, authority)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    if own is not None:
        _present(context, own)
    return context


def _believe(context: ssl.SSLContext, authority: Path) -> None:
    try:
        context.load_verify_locations(authority)
    except ssl.SSLError:
        raise ConfigurationError(f"{authority}: not certificates in PEM") from None
    except OSError as error:
        raise ConfigurationError(f"cannot read {authority}: {error.strerror}") from None


def _present(context: ssl.SSLContext, own: TlsIdentity) -> None:
    refuse_open_to_others(own.key)
    passphrase = b"" if own.passphrase is None else own.passphrase.read()
    wanted = []

    def answer() -> bytes:
        """Asked for if the key is encrypted; without an answer OpenSSL would ask the terminal."""
        wanted.append(True)
        return passphrase

    try:
        context.load_cert_chain(own.certificate, own.key, answer)
    except (ssl.SSLError, ValueError):
        reason = "is not that of the certificate, or they are not in PEM"
        if wanted:
            reason = "needs a passphrase" if not passphrase else "has another passphrase"
        raise ConfigurationError(f"the TLS key {own.key} {reason}") from None
    except OSError as error:
        raise ConfigurationError(f"cannot read {own.certificate}: {error.strerror}") from None
    if passphrase and not wanted:
        raise ConfigurationError(f"the TLS key {own.key} has no passphrase, one was given")
