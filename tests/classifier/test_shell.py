"""The shell that every page shares: weight, vendored files, contrast, and the error page."""

import gzip
import hashlib
import re
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from django.conf import settings as django_settings
from django.core.management import call_command
from django.db import DatabaseError
from django.test import RequestFactory
from django.urls import reverse

from classifier.choices import PredictionState
from ml.attributes import ATTRIBUTES
from telemed import views
from tests.classifier.cells import make_cell, make_submitted

STATIC = django_settings.BASE_DIR / "static"
TEMPLATES = django_settings.BASE_DIR / "templates"
LIMIT = 120 * 1024  # bytes, compressed, before images


class Loads(HTMLParser):
    """What a page makes the browser fetch besides images."""

    def __init__(self, html: str) -> None:
        super().__init__()
        self.urls: set[str] = set()
        self.styled: list[str] = []
        self.inline: list[str] = []
        self._open_script = False
        self.feed(html)

    def handle_starttag(self, tag, attrs):
        given = dict(attrs)
        self.styled += [tag] if "style" in given or tag == "style" else []
        self.inline += [name for name in given if name.startswith("on")]
        if tag == "script":
            self._open_script = True
            if given.get("src"):
                self.urls.add(given["src"])
        if tag == "link" and given.get("rel") == "stylesheet":
            self.urls.add(given["href"])

    def handle_endtag(self, tag):
        if tag == "script":
            self._open_script = False

    def handle_data(self, data):
        if self._open_script and data.strip():
            self.inline.append(data[:60])


def compressed(data: bytes) -> int:
    return len(gzip.compress(data, 6))


@pytest.fixture
def collected(settings, tmp_path) -> Path:
    """Static files as production serves them: hashed names, rewritten imports."""
    settings.STATIC_ROOT = tmp_path / "static"
    settings.STORAGES = {
        **settings.STORAGES,
        "staticfiles": {"BACKEND": "telemed.static_storage.StaticStorage"},
    }
    call_command("collectstatic", interactive=False, verbosity=0)
    return settings.STATIC_ROOT


def with_imports(root: Path, url: str, seen: set[Path]) -> None:
    path = root / url.removeprefix("/static/")
    if path in seen:
        return
    seen.add(path)
    if path.suffix == ".js":
        for name in re.findall(r"""from\s*["'](\.[^"']+)["']""", path.read_text()):
            found = (path.parent / name).resolve()
            with_imports(root, f"/static/{found.relative_to(root.resolve())}", seen)


@pytest.fixture
def big_case(people):
    """300 cells with maps that do not compress, as real ones hardly do."""
    case = make_submitted(people.clinician)
    noise = np.random.default_rng(1)
    labels = ("neutrophil", "lymphocyte", "eosinophil", "monocyte")
    for number in range(300):
        x, y, side = (int(value) for value in noise.integers((-20, -20, 150), (80, 80, 320)))
        make_cell(
            case,
            PredictionState.DONE,
            label=labels[number % 4],
            confidence=float(noise.uniform(0.4, 1)),
            activation=noise.integers(0, 256, 64, np.uint8).tobytes(),
            shown=[x, y, side, side],
            attributes={
                # Mostly what cells of the class usually have, and mostly clear.
                name: [
                    values[(number if noise.random() < 0.8 else number + 1) % 4 % len(values)],
                    round(float(noise.uniform(0.6, 1)), 4),
                ]
                for name, values in ATTRIBUTES.items()
            },
        )
    return case


def test_every_page_is_light(client, people, collected, big_case):
    sizes = {}
    pages = [("", reverse("account_login"))]
    client.force_login(people.clinician)
    for person, names in (
        (people.clinician, ("patients:cases", "patients:case-new", "classifier:quick-look")),
        (people.administrator, ("classifier:models", "accounts:people", "accounts:audit")),
    ):
        pages += [(person, reverse(name)) for name in names]
    pages.append((people.clinician, big_case.get_absolute_url()))
    for person, url in pages:
        if person:
            client.force_login(person)
        else:
            client.logout()
        response = client.get(url)
        assert response.status_code == 200, url
        html = response.content
        loads = Loads(html.decode())
        files: set[Path] = set()
        for address in loads.urls:
            assert address.startswith("/static/"), f"{url} loads {address}"
            with_imports(collected, address, files)
        assert len(files) > 4
        sizes[url] = compressed(html) + sum(compressed(file.read_bytes()) for file in files)
    print(sizes)
    heavy = {url: size for url, size in sizes.items() if size > LIMIT}
    assert not heavy


def test_pages_hold_no_inline_script_or_style(client, people):
    case = make_submitted(people.clinician)
    make_cell(case, PredictionState.DONE)
    make_cell(case, PredictionState.QUARANTINED)
    client.force_login(people.clinician)
    for url in (
        case.get_absolute_url(),
        reverse("classifier:quick-look"),
        reverse("classifier:models"),
    ):
        loads = Loads(client.get(url).content.decode())
        assert loads.styled == []
        assert loads.inline == []


def vendored() -> list[list[str]]:
    lines = (STATIC / "vendor" / "VERSIONS").read_text().splitlines()
    return [line.split() for line in lines if not line.startswith("#")]


def test_vendored_files_are_those_that_were_pinned():
    found = {row[0]: row for row in vendored()}
    files = {path.name for path in (STATIC / "vendor").iterdir()} - {"VERSIONS"}
    assert set(found) == files
    for name, package, version, licence, sha256 in found.values():
        data = (STATIC / "vendor" / name).read_bytes()
        assert hashlib.sha256(data).hexdigest() == sha256, name
        assert b"sourceMappingURL" not in data
        assert package
        assert re.fullmatch(r"\d+\.\d+\.\d+", version)
        assert licence in {"MIT", "0BSD"}


@pytest.mark.parametrize("path", sorted(TEMPLATES.rglob("*.html")), ids=lambda path: path.name)
def test_templates_load_nothing_from_elsewhere(path):
    assert not re.search(r"""(src|href)=["'](https?:)?//""", path.read_text())


# Contrast -------------------------------------------------------------------------------------


def tokens(theme: str) -> dict[str, str]:
    css = (STATIC / "css" / "app.css").read_text()
    blocks = re.findall(r"([^{}]+)\{([^}]*)\}", css)
    block = next(body for head, body in blocks if f'[data-bs-theme="{theme}"]' in head)
    return dict(re.findall(r"--([\w-]+):\s*(#[0-9a-f]{6})", block))


def luminance(colour: str) -> float:
    """Relative luminance, WCAG 2.2."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [p / 12.92 if p <= 0.04045 else ((p + 0.055) / 1.055) ** 2.4 for p in parts]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, other: str) -> float:
    high, low = sorted((luminance(one), luminance(other)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def mixed(colour: str, ground: str, share: float) -> str:
    parts = [
        round(share * int(colour[i : i + 2], 16) + (1 - share) * int(ground[i : i + 2], 16))
        for i in (1, 3, 5)
    ]
    return "#" + "".join(f"{part:02x}" for part in parts)


@pytest.mark.parametrize(("theme", "tint"), [("light", 0.12), ("dark", 0.18)])
def test_every_text_colour_reads_on_its_ground(theme, tint):
    found = tokens("light") | tokens(theme)
    panel, body = found["panel"], found["bs-body-bg"]
    pairs = [
        ("bs-body-color", body),
        ("bs-body-color", panel),
        ("bs-secondary-color", body),
        ("bs-secondary-color", panel),
        ("accent", panel),
        ("accent", body),
        ("accent", found["accent-tint"]),
        ("on-accent", found["accent"]),
        ("on-accent", found["accent-strong"]),
        ("amber", panel),
        ("amber", found["amber-tint"]),
        ("red", panel),
        ("red", found["red-tint"]),
    ]
    for letter in "belmnuixarpsf0c":
        hue = found[f"class-{letter}"]
        pairs += [(f"class-{letter}", panel), (f"class-{letter}", mixed(hue, panel, tint))]
    poor = [
        (n, g, round(contrast(found[n], g), 2)) for n, g in pairs if contrast(found[n], g) < 4.5
    ]
    assert poor == []


# Errors ----------------------------------------------------------------------------------------


class NoUser:
    """A person who cannot be looked up, as when the database is gone."""

    def __getattr__(self, name):
        raise DatabaseError("no connection")


@pytest.mark.parametrize(
    "view", [views.bad_request, views.forbidden, views.not_found, views.server_error]
)
def test_the_error_page_needs_neither_a_user_nor_a_database(view):
    request = RequestFactory().get("/")
    request.user = NoUser()
    request.request_id = "abc123"
    response = view(request)
    page = response.content.decode()
    assert str(response.status_code) in page
    assert "abc123" in page
    assert "Go to the start page" in page


def test_a_missing_page_is_ours(client, db):
    response = client.get("/nothing-here")
    assert response.status_code == 404
    assert "There is nothing here for you" in response.content.decode()


def test_navigation_offers_what_the_role_may_do(client, people):
    def offered(person):
        client.force_login(person)
        page = client.get(reverse("classifier:models")).content.decode()
        return {name for name in ("Cases", "People", "Audit", "Models") if f">{name}</a>" in page}

    assert offered(people.clinician) == {"Cases", "Models"}
    assert offered(people.administrator) == {"People", "Audit", "Models"}


def test_sign_out_is_a_post(client, people):
    client.force_login(people.clinician)
    page = client.get(reverse("classifier:models")).content.decode()
    assert f'<form method="post" action="{reverse("account_logout")}">' in page
