"""Children and beneficiaries of a file, as the JSON that a cadastre stores."""

from __future__ import annotations

from datetime import date
from typing import Any

from ksz_childbenefits.domain.files import Bonus, FileMember, PaymentPeriod
from ksz_childbenefits.domain.months import YearMonth


def encode_members(members: tuple[FileMember, ...]) -> list[dict[str, Any]]:
    """Members as JSON; what is empty or open is left out."""
    return [
        _filled(
            ssin=member.ssin,
            bonuses=[_encode_bonus(bonus) for bonus in member.bonuses],
            periods=[_encode_period(period) for period in member.periods],
        )
        for member in members
    ]


def decode_members(members: list[dict[str, Any]]) -> tuple[FileMember, ...]:
    """Members as they were encoded."""
    return tuple(
        [
            FileMember(
                member["ssin"],
                tuple([_decode_bonus(bonus) for bonus in member.get("bonuses", ())]),
                tuple([_decode_period(period) for period in member.get("periods", ())]),
            )
            for member in members
        ]
    )


def _encode_bonus(bonus: Bonus) -> dict[str, Any]:
    return _filled(
        date=bonus.payment_date.isoformat(),
        category=bonus.category,
        beneficiaries=list(bonus.beneficiaries),
    )


def _decode_bonus(bonus: dict[str, Any]) -> Bonus:
    return Bonus(
        date.fromisoformat(bonus["date"]),
        bonus["category"],
        tuple(bonus.get("beneficiaries", ())),
    )


def _encode_period(period: PaymentPeriod) -> dict[str, Any]:
    return _filled(
        begin=str(period.begin),
        end=period.end and str(period.end),
        category=period.category,
        beneficiaries=list(period.beneficiaries),
    )


def _decode_period(period: dict[str, Any]) -> PaymentPeriod:
    end = period.get("end")
    return PaymentPeriod(
        YearMonth.parse(period["begin"]),
        YearMonth.parse(end) if end else None,
        period["category"],
        tuple(period.get("beneficiaries", ())),
    )


def _filled(**fields: Any) -> dict[str, Any]:
    return {name: value for name, value in fields.items() if value}
