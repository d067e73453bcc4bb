"""The request that is being answered: who, from where, under which id."""

from contextvars import ContextVar
from dataclasses import dataclass


@dataclass(frozen=True)
class RequestFacts:
    address: str = ""
    request_id: str = ""


current: ContextVar[RequestFacts] = ContextVar("audit_request", default=RequestFacts())
