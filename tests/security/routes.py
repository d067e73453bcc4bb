"""Every address that Django answers, as ``get_resolver`` knows them."""

import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from django.urls import URLPattern, URLResolver, get_resolver, reverse
from django.urls.converters import IntConverter, UUIDConverter

from tests.security.access_table import DJANGO_ADMIN_PREFIX, TABLE, Row


@dataclass(frozen=True)
class Route:
    route: str
    name: str  # with its namespaces
    pattern: URLPattern

    def url(self, arguments: dict[str, Any]) -> str:
        return reverse(self.name, kwargs=arguments)

    def arguments_of_nothing(self, arguments: dict[str, Any]) -> dict[str, Any]:
        """The same arguments naming objects that do not exist."""
        converters = self.pattern.pattern.converters
        kinds = {UUIDConverter: uuid.uuid4(), IntConverter: 2_000_000_000}
        return {
            name: kinds.get(type(converters.get(name)), value) for name, value in arguments.items()
        }


def every_route() -> Iterator[Route]:
    yield from _walk(get_resolver(), "", "")


def _walk(resolver: URLResolver, prefix: str, namespace: str) -> Iterator[Route]:
    for item in resolver.url_patterns:
        route = prefix + str(item.pattern)
        if isinstance(item, URLResolver):
            inner = f"{namespace}{item.namespace}:" if item.namespace else namespace
            yield from _walk(item, route, inner)
        else:
            yield Route(route, f"{namespace}{item.name}", item)


def rows() -> list[tuple[Route, Row]]:
    """The routes with their rows, Django's admin left out."""
    return [
        (route, TABLE[route.route])
        for route in every_route()
        if not route.route.startswith(DJANGO_ADMIN_PREFIX) and route.route in TABLE
    ]
