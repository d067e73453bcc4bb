"""The small data types of FHIR R4: identifiers, codes, quantities, ranges, interpretations."""

import base64
from typing import Any

from django.conf import settings

from review.reports import fhir_codes as codes

Resource = dict[str, Any]


def identifier(kind: str, value: str) -> Resource:
    return {"system": f"{settings.BASE_URL.rstrip('/')}/fhir/{kind}", "value": value}


def hashed(sha256: str) -> Resource:
    """A content hash as an identifier: RFC 6920, "ni:///sha-256;..."."""
    text = base64.urlsafe_b64encode(bytes.fromhex(sha256)).decode().rstrip("=")
    return {"system": "urn:ietf:rfc:3986", "value": f"ni:///sha-256;{text}"}


def coded(system: str, code: str, display: str) -> Resource:
    return {"coding": [{"system": system, "code": code, "display": display}]}


def loinc(code: tuple[str, str]) -> Resource:
    return coded(codes.LOINC, *code) | {"text": code[1]}


def number(text: str) -> float:
    return float(text)


def quantity(value: str, unit: str) -> Resource:
    """A frozen figure with its UCUM unit."""
    return {"value": number(value), "unit": unit, "system": codes.UCUM, "code": unit}


def part(words: str, value: Resource) -> Resource:
    return {"code": {"text": words}, **value}


def box(box: list[int]) -> Resource:
    return {"valueString": ", ".join(str(side) for side in box)}


def interval(low: str, high: str, unit: str) -> Resource:
    ends = {name: quantity(end, unit) for name, end in (("low", low), ("high", high))}
    return part("Exact 95 % interval (Clopper-Pearson)", {"valueRange": ends})


def usual(ends: list[str] | None, unit: str) -> list[Resource]:
    if not ends:
        return []
    low, high = (quantity(end, unit) for end in ends)
    return [{"low": low, "high": high}]


def against(value: str, ends: list[str] | None) -> str | None:
    if not ends:
        return None
    if number(value) > number(ends[1]):
        return "H"
    return "L" if number(value) < number(ends[0]) else None


def interpretation(code: str | None) -> list[Resource]:
    return [coded(codes.INTERPRETATION, code, codes.INTERPRETATIONS[code])] if code else []
