"""The signed messages themselves, kept packed and encrypted for who has the key (SECURITY 5)."""

from __future__ import annotations

import hashlib
import hmac
import secrets
import zlib
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from ksz_childbenefits.audit.record import Record
from ksz_childbenefits.errors import ConfigurationError, DataError

KEY_BYTES: Final = 32
_NONCE_BYTES: Final = 12


class EvidenceBox:
    """Encrypts and decrypts with AES-256-GCM, with a key of its own for each ticket.

    That key is an HMAC-SHA256 of ticketCBSS, so the number of messages under one key is never near
    the limit of random nonces. The ticket, and whether it is the request or the reply, is what the
    message is bound to.
    """

    def __init__(self, key: bytes) -> None:
        """``key``: 32 random bytes; ConfigurationError for anything else."""
        if len(key) != KEY_BYTES:
            raise ConfigurationError(f"the key of the evidence must be {KEY_BYTES} bytes")
        self._key = key

    def keep(self, record: Record) -> tuple[bytes, bytes]:
        """Request and reply of a record, in the form in which they are stored."""
        cipher = self._cipher(record.ticket)
        return (
            _lock(cipher, record.request, _bond(record.ticket, "request")),
            _lock(cipher, record.reply, _bond(record.ticket, "reply")),
        )

    def give(self, ticket: str, request: bytes, reply: bytes) -> tuple[bytes, bytes]:
        """The messages that were kept; DataError with another key, or where they were changed."""
        cipher = self._cipher(ticket)
        try:
            return (
                _unlock(cipher, request, _bond(ticket, "request")),
                _unlock(cipher, reply, _bond(ticket, "reply")),
            )
        except (InvalidTag, ValueError, zlib.error) as error:
            raise DataError("the evidence was changed, or its key is another") from error

    def _cipher(self, ticket: str) -> AESGCM:
        return AESGCM(hmac.digest(self._key, ticket.encode(), hashlib.sha256))


def _bond(ticket: str, part: str) -> bytes:
    return f"{ticket} {part}".encode()


def _lock(cipher: AESGCM, message: bytes, bond: bytes) -> bytes:
    nonce = secrets.token_bytes(_NONCE_BYTES)
    return nonce + cipher.encrypt(nonce, zlib.compress(message), bond)


def _unlock(cipher: AESGCM, locked: bytes, bond: bytes) -> bytes:
    packed = cipher.decrypt(locked[:_NONCE_BYTES], locked[_NONCE_BYTES:], bond)
    return zlib.decompress(packed)
