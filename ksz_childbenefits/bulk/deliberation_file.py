"""Deliberations in a TOML file that one person prepares and another reviews (docs/formats.md)."""

from __future__ import annotations

import hashlib
import tomllib
from datetime import date
from pathlib import Path
from typing import Annotated, Any

from pydantic import (
    AfterValidator,
    BaseModel,
    ConfigDict,
    Field,
    PlainValidator,
    StrictBool,
    ValidationError,
    model_validator,
)

from ksz_childbenefits.domain.customers import Deliberation
from ksz_childbenefits.domain.sources import AuthenticSource
from ksz_childbenefits.domain.withholding import check_blocks
from ksz_childbenefits.errors import DataError
from ksz_childbenefits.registers.amendments import Amendment, Withdrawal

UNLIMITED = "unlimited"
"""How the file says that there is no limit of months: what is not said is no limit by mistake."""


_LONGEST_NAME = 128


def _known(blocks: frozenset[str]) -> frozenset[str]:
    check_blocks(blocks)
    return blocks


def _months(value: object) -> int | None:
    if value == UNLIMITED:
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        return value
    raise ValueError(f"a number of months, or {UNLIMITED!r}")


def _name(text: str) -> str:
    name = " ".join(text.split())
    if not (0 < len(name) <= _LONGEST_NAME and name.isprintable()):
        raise ValueError(f"a person's name has 1 to {_LONGEST_NAME} characters")
    return name


Name = Annotated[str, AfterValidator(_name)]


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class _Deliberation(_Table):
    """A row that is to be in the register; but for an open end, nothing goes without saying."""

    number: str
    customer: str
    legal_contexts: frozenset[str]
    sources: frozenset[AuthenticSource]
    months_back: Annotated[int | None, PlainValidator(_months)]
    inscription_required: StrictBool
    withheld: Annotated[frozenset[str], AfterValidator(_known)]
    valid_from: date
    valid_to: date | None = None


class _Revocation(_Table):
    """What is in the register of this number and customer, but for what the file gives."""

    number: str
    customer: str
    reason: str


class _File(_Table):
    prepared_by: Name
    reviewed_by: Name
    deliberations: tuple[_Deliberation, ...] = Field((), alias="deliberation")
    revocations: tuple[_Revocation, ...] = Field((), alias="revocation")

    @model_validator(mode="after")
    def _two_people(self) -> _File:
        if self.prepared_by.casefold() == self.reviewed_by.casefold():
            raise ValueError("prepared_by and reviewed_by must be two people")
        return self


def read_amendment(path: Path) -> Amendment:
    """What a file says; DataError names the row and the key that cannot be used."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise DataError(f"cannot read {path}: {error.strerror}") from None
    try:
        file = _File.model_validate(tomllib.loads(content.decode()))
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise DataError(f"{path.name} is not TOML: {error}") from None
    except ValidationError as error:
        raise DataError(f"{path.name}: {_explained(error)}") from None
    rows = enumerate(file.deliberations, start=1)
    revocations = enumerate(file.revocations, start=1)
    return Amendment(
        hashlib.sha256(content).hexdigest(),
        file.prepared_by,
        file.reviewed_by,
        {f"deliberation {n} ({row.number})": Deliberation(**dict(row)) for n, row in rows},
        {f"revocation {n} ({r.number})": Withdrawal(**dict(r)) for n, r in revocations},
    )


def _explained(error: ValidationError) -> str:
    return "; ".join(
        f"{_place(entry['loc'])}{entry['msg'].removeprefix('Value error, ')}"
        for entry in error.errors(include_url=False, include_input=False)
    )


def _place(parts: tuple[Any, ...]) -> str:
    """Table and row, counted from 1, then the key; and the item of a list, counted likewise."""
    text = "".join(f" {part + 1}" if isinstance(part, int) else f", {part}" for part in parts)
    return f"{text.removeprefix(', ')}: " if text else ""
