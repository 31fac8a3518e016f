"""Secrets in files: they are read only where others cannot read them, and passphrases.

The rule is libpq's for private keys: a file that root owns may be read by its group (so systemd's
credentials and Kubernetes' secrets with an fsGroup come), any other by its owner alone. Who owns it
need not be asked: a file of somebody else that the rule lets pass could not be read.
"""

from __future__ import annotations

import os
import stat
from dataclasses import dataclass
from pathlib import Path

from ksz_childbenefits.errors import ConfigurationError

_ROOT = 0


@dataclass(frozen=True, slots=True)
class Passphrase:
    """Where a passphrase is to be had: in a file, or in an environment variable; never itself."""

    file: Path | None = None
    variable: str | None = None

    def read(self) -> bytes:
        """The passphrase, without the end of the file's line; ConfigurationError if there is none.

        A variable is that of the process as it was started; a file is read anew at each reload.
        """
        if self.file is not None:
            value = read_secret(self.file).removesuffix(b"\n").removesuffix(b"\r")
        else:
            value = os.environb.get((self.variable or "").encode(), b"")
        if not value:
            raise ConfigurationError(f"there is no passphrase in {self.file or self.variable}")
        return value


def read_secret(path: Path) -> bytes:
    """The content of a file; ConfigurationError if it cannot be read, or others can read it."""
    try:
        # Not to wait for ever for the other end of a named pipe.
        with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK), "rb") as stream:
            _refuse_open_to_others(os.fstat(stream.fileno()), path)
            return stream.read()
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None


def refuse_open_to_others(path: Path) -> None:
    """Refuse with ConfigurationError a secret file that is read by somebody else's code."""
    try:
        _refuse_open_to_others(path.stat(), path)
    except OSError as error:
        raise ConfigurationError(f"cannot read {path}: {error.strerror}") from None


def _refuse_open_to_others(status: os.stat_result, path: Path) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise ConfigurationError(f"cannot read {path}: not a regular file")
    of_root = status.st_uid == _ROOT
    forbidden = (
        stat.S_IWGRP | stat.S_IXGRP | stat.S_IRWXO if of_root else stat.S_IRWXG | stat.S_IRWXO
    )
    if status.st_mode & forbidden:
        mode, most = stat.S_IMODE(status.st_mode), 0o640 if of_root else 0o600
        raise ConfigurationError(
            f"{path} is a secret that others can read: its mode is {mode:04o}, "
            f"and may be {most:04o} at most"
        )
