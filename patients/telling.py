"""Calling a service for a page: what became of it is said above the next one."""

from collections.abc import Callable
from typing import Any

from django.contrib import messages
from django.http import HttpRequest

from patients.errors import DomainError


def told(
    request: HttpRequest,
    service: Callable[[], Any],
    done: str,
    refusals: tuple[type[Exception], ...] = (DomainError,),
) -> None:
    """``done`` where the service went through, else why it refused."""
    try:
        service()
    except refusals as error:
        messages.error(request, str(error))
    else:
        messages.success(request, done)
