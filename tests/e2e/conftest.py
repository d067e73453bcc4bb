"""The whole product and a real browser.

``stack`` is TeleHeme started as a person starts it (on the server shape: with PostgreSQL, Valkey on
TCP and S3); ``visitor`` is one person's browser, ``new_visitor()`` one more. A test fails when the
browser's console shows an error, the content policy is violated or any answer is a 5xx.
"""

import os
import shutil
import time
from collections.abc import Callable, Iterator
from itertools import count
from pathlib import Path
from urllib.parse import urlsplit

import psycopg2
import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from tests.e2e.desk import SPECIALIST, at_desk
from tests.environment import SHAPE
from tests.servers.queue import QueueServer
from tests.servers.stack import Stack
from tests.servers.visitor import FLAGS, Visitor

_numbers = count(1)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker("e2e")
            item.add_marker(pytest.mark.xdist_group("e2e"))


def _new_database() -> str:
    """An empty database beside the one of the tests' own Django; its address."""
    url = urlsplit(os.environ["DATABASE_URL"])
    name = f"e2e_{time.time_ns()}"
    connection = psycopg2.connect(os.environ["DATABASE_URL"])
    connection.autocommit = True
    with connection.cursor() as cursor:
        cursor.execute(f'CREATE DATABASE "{name}"')
    connection.close()
    return url._replace(path=f"/{name}").geturl()


@pytest.fixture(scope="session")
def stack(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stack]:
    """The product with its demonstration, shared by the tests of this run.

    The demonstration's people are there; ``stack.wait_seeded()`` waits for its cases.
    """
    folder = tmp_path_factory.mktemp("stack")
    environment = {}
    queue = None
    if SHAPE == "server":
        queue = QueueServer(folder / "queue").start()
        environment = {"DATABASE_URL": _new_database(), "TELEHEME_BROKER_URL": queue.url}
    stack = Stack(folder / "data", environment=environment)
    try:
        yield stack.start()
    finally:
        stack.end()
        if queue is not None:
            queue.stop()


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    chromium = shutil.which("chromium")
    if chromium is None:
        pytest.fail(
            "The browser tests need Chromium. As root: "
            "apt-get update && apt-get install -y --no-install-recommends chromium"
        )
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture
def new_visitor(
    stack: Stack, browser: Browser, request: pytest.FixtureRequest
) -> Iterator[Callable[..., Visitor]]:
    """``new_visitor(width=1440, height=900, **context options)``: one more person's browser."""
    visitors: list[Visitor] = []

    def make(*, width: int = 1440, height: int = 900, **options: object) -> Visitor:
        context = browser.new_context(
            base_url=stack.address, viewport={"width": width, "height": height}, **options
        )
        visitors.append(Visitor(context))
        return visitors[-1]

    yield make
    complaints = [line for visitor in visitors for line in visitor.complaints()]
    for visitor in visitors:
        visitor.close()
    assert not complaints, "the browser complains:\n" + "\n".join(complaints)


@pytest.fixture
def visitor(new_visitor: Callable[..., Visitor]) -> Visitor:
    return new_visitor()


@pytest.fixture
def page(visitor: Visitor) -> Page:
    return visitor.page


@pytest.fixture
def sign_in(visitor: Visitor) -> Callable[..., None]:
    """``sign_in(email, password)``; the password of the demonstration when left out."""
    return visitor.sign_in


@pytest.fixture
def open_desk(stack, visitor):
    """``open_desk(cells, blind=False)``: a case of so many cells on the specialist's desk; its page."""

    def open_(cells: int, *, blind: bool = False, who=visitor, email: str = SPECIALIST) -> Page:
        arguments = [f"E2E-DESK-{next(_numbers)}", str(cells), *(["blind"] if blind else [])]
        case = stack.call("tests.servers.desk_case:held", *arguments)
        who.sign_in(email)
        return at_desk(who.page, case)

    return open_
