"""A consultation as values: the question as sent, statuses, results, the outcome (DOMAIN 5)."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from ksz_childbenefits.domain.files import File
from ksz_childbenefits.domain.sources import AuthenticSource

MAX_VALUE = 256
"""The longest value that an information element carries, in characters (CONTRACT, common)."""


@dataclass(frozen=True, slots=True)
class Identification:
    """Who the customer says it is, as sent: a CBE number, or sector and institution."""

    cbe_number: str | None
    sector: str | None = None
    institution: str | None = None


@dataclass(frozen=True, slots=True)
class Question:
    """A request that fits the XSD, its texts as sent (they are echoed as they came).

    ``sources`` is None where the request has no authenticSources element.
    """

    identification: Identification
    ticket: str | None
    timestamp_sent: str | None
    legal_context: str
    ssin: str
    begin_month: str
    end_month: str | None
    sources: tuple[AuthenticSource, ...] | None


class StatusValue(StrEnum):
    """The values of global and source statuses (CONTRACT, cb)."""

    DATA_FOUND = "DATA_FOUND"
    NO_DATA_FOUND = "NO_DATA_FOUND"
    NO_RESULT = "NO_RESULT"
    INCOMPLETE_DATA = "INCOMPLETE_DATA"
    TECHNICAL_ERROR = "TECHNICAL_ERROR"


class Code(StrEnum):
    """The codes of DOMAIN 5 that a status can carry."""

    SUCCESS = "MSG00000"
    COMMUNICATION_ERROR = "MSG00002"
    SSIN_UNKNOWN = "MSG00005"
    SSIN_REPLACED = "MSG00006"
    SSIN_CANCELLED = "MSG00007"
    INVALID_DATA = "MSG00008"
    SSIN_INVALID = "MSG00011"
    NOT_INTEGRATED_CUSTOMER = "MSG00012"
    LEGAL_CONTEXT = "MSG00013"
    CREDENTIALS = "MSG00014"
    NOT_INTEGRATED_SUPPLIER = "MSG00021"
    NOT_ALLOWED = "MSG00027"
    NO_DATA = "MSG00100"
    PARTIAL = "CHB00001"


@dataclass(frozen=True, slots=True)
class Information:
    """A name (at most 64 characters) with a value (at most 256) that explains a status."""

    name: str
    value: str

    @classmethod
    def as_sent(cls, name: str, text: str) -> Information:
        """A value of the request as it came, cut to what the contract can carry."""
        return cls(name, text[:MAX_VALUE])


@dataclass(frozen=True, slots=True)
class Status:
    """A status: its value, its code and at most fifteen pieces of information."""

    value: StatusValue
    code: Code
    information: tuple[Information, ...] = ()


@dataclass(frozen=True, slots=True)
class SsinNotice:
    """The number asked, as the reply names it: replaced by another, or cancelled (DOMAIN 5)."""

    ssin: str
    replaced_by: str | None = None
    canceled: bool = False


class NoResult(Exception):
    """The request is refused with a business status (DOMAIN 5, global value NO_RESULT)."""

    def __init__(
        self, code: Code, *information: Information, notice: SsinNotice | None = None
    ) -> None:
        """Keep the status and, for MSG00006 and MSG00007, what the reply says of the number."""
        super().__init__(code)
        self.status = Status(StatusValue.NO_RESULT, code, information)
        self.notice = notice


@dataclass(frozen=True, slots=True)
class SourceResult:
    """What one authentic source gave: a status and, when DATA_FOUND, its files in order."""

    source: AuthenticSource
    status: Status
    files: tuple[File, ...] = ()


@dataclass(frozen=True, slots=True)
class Outcome:
    """The answer to a question, before it is XML.

    ``data_filters`` names what was withheld, whether or not there were data (DOMAIN 5 and 7).
    """

    status: Status
    notice: SsinNotice | None = None
    results: tuple[SourceResult, ...] = ()
    data_filters: tuple[str, ...] = ()
