"""The model pages: what is registered, how good it was, and a card that cannot attack."""

import hashlib
import json

import cv2
import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from classifier.card import render_card
from classifier.counting import exact_interval
from classifier.inference.manifest import read_manifest
from classifier.model_pages import measured
from classifier.models import ModelVersion
from tests.servers import engine

CARD = """# Card

Reads **cells**, see `docs` and [the data](http://example.org/<x>).

- one
  and more
- two

| Class | Recall |
|---|---|
| <script>alert(1)</script> | 0.9 |

```
<b>code</b>
```
"""
PNG = cv2.imencode(".png", np.zeros((8, 8, 3), np.uint8))[1].tobytes()


@pytest.fixture
def directory(settings, tmp_path):
    """A model directory with card, figure and measured accuracy, not registered."""
    folder = engine.write_model(tmp_path)
    (folder / "figures").mkdir()
    (folder / "figures" / "confusion.png").write_bytes(PNG)
    (folder / "figures" / "stray.png").write_bytes(PNG)
    (folder / "MODEL_CARD.md").write_text(CARD)
    content = json.loads((folder / "manifest.json").read_text())
    for name in ("figures/confusion.png", "MODEL_CARD.md"):
        content["files"][name] = hashlib.sha256((folder / name).read_bytes()).hexdigest()
    content["metrics"] = {"pbc/test": {"accuracy": 0.9731, "cells": 2564}}
    (folder / "manifest.json").write_text(json.dumps(content))
    settings.MODEL_DIRS = [tmp_path]
    return folder


def register(folder) -> ModelVersion:
    return register_as(folder, "active")


def register_as(folder, state) -> ModelVersion:
    manifest = read_manifest(folder)
    return ModelVersion.objects.create(
        model_id=manifest.id,
        manifest_sha256=manifest.sha256,
        precision=manifest.precision,
        manifest=json.loads((folder / "manifest.json").read_text()),
        state=state,
    )


@pytest.mark.parametrize("role", ["clinician", "specialist", "administrator"])
def test_every_role_reads_state_and_accuracy(client, people, directory, role):
    register(directory)
    client.force_login(getattr(people, role))
    page = client.get(reverse("classifier:models")).content.decode()
    assert engine.MODEL_ID in page
    assert "Active" in page
    assert "0.9731" in page
    assert "2,564" in page


def test_a_shipped_model_that_nobody_registered_is_listed(client, people, directory):
    client.force_login(people.clinician)
    assert "Not registered" in client.get(reverse("classifier:models")).content.decode()


def test_one_model_shows_its_facts_and_its_card(client, people, directory):
    register(directory)
    client.force_login(people.clinician)
    page = client.get(reverse("classifier:model", args=[engine.MODEL_ID])).content.decode()
    assert read_manifest(directory).sha256 in page
    assert "<strong>cells</strong>" in page
    assert "<script>alert" not in page
    assert "confusion.png" in page
    assert "stray.png" not in page


def test_a_card_that_was_changed_is_not_shown(client, people, directory):
    register(directory)
    (directory / "MODEL_CARD.md").write_text("Everything is fine.")
    client.force_login(people.clinician)
    page = client.get(reverse("classifier:model", args=[engine.MODEL_ID])).content.decode()
    assert "Everything is fine" not in page


def test_figures_are_those_that_the_manifest_names(client, people, directory):
    register(directory)
    client.force_login(people.clinician)

    def figure(name):
        return client.get(reverse("classifier:figure", args=[engine.MODEL_ID, name]))

    good = figure("confusion.png")
    assert good.content == PNG
    assert good.headers["Content-Type"] == "image/png"
    assert good.headers["X-Content-Type-Options"] == "nosniff"
    for name in ("stray.png", "..%2fmanifest.json", "manifest.json", "confusion.svg"):
        assert figure(name).status_code == 404
    (directory / "figures" / "confusion.png").write_bytes(PNG + b"changed")
    assert figure("confusion.png").status_code == 404
    client.logout()
    assert figure("confusion.png").status_code == 302


def test_the_list_asks_the_database_no_more_for_many_models_than_for_one(
    client, people, directory, django_assert_num_queries
):
    register(directory)
    client.force_login(people.administrator)
    address = reverse("classifier:models")
    client.get(address)
    with CaptureQueriesContext(connection) as one:
        client.get(address)
    for n in range(20):
        engine.write_model(directory.parent, model_id=f"more-{n}")
        register_as(directory.parent / f"more-{n}", "candidate")
    with django_assert_num_queries(len(one)):
        page = client.get(address).content.decode()
    assert "more-19" in page


def test_an_unknown_model_is_404(client, people, directory):
    client.force_login(people.clinician)
    assert client.get(reverse("classifier:model", args=["nothing"])).status_code == 404


def test_without_any_model_the_page_says_what_that_means(client, people, settings, tmp_path):
    settings.MODEL_DIRS = [tmp_path]
    client.force_login(people.administrator)
    assert "No model yet" in client.get(reverse("classifier:models")).content.decode()


def test_cards_become_plain_safe_html():
    html = render_card(CARD)
    assert "<h2>Card</h2>" in html
    assert "<li>one and more</li><li>two</li>" in html
    assert "<code>docs</code>" in html
    assert "the data (http://example.org/&lt;x&gt;)" in html
    assert "<td>&lt;script&gt;alert(1)&lt;/script&gt;</td>" in html
    assert "<pre><code>&lt;b&gt;code&lt;/b&gt;</code></pre>" in html
    assert "href" not in html


@pytest.mark.parametrize(
    "text", ["", "|", "```", "#", "- ", "|---|", "* * *", "**", "`", "1. x\n|"]
)
def test_odd_cards_do_not_break_the_page(text):
    assert "<script" not in render_card(text + "\n<script>")


def test_accuracy_is_found_where_manifests_put_it():
    stated = {"bccd": {"accuracy": 0.5}, "pbc/test": {"accuracy": 0.9, "cells": 7}}
    assert measured(stated) == {"value": 0.9, "cells": 7, "interval": None}
    assert measured({"accuracy": 0.8, "accuracy_interval": [0.7, 0.9]}) == {
        "value": 0.8,
        "cells": None,
        "interval": (0.7, 0.9),
    }
    assert measured({}) is None
    assert measured({"test": "soon"}) is None


@pytest.mark.parametrize(
    ("count", "total", "low", "high"),
    [
        (0, 100, 0, 3.62),
        (1, 100, 0.03, 5.45),
        (5, 100, 1.64, 11.28),
        (6, 100, 2.23, 12.60),
        (9, 100, 4.20, 16.40),
        (60, 100, 49.72, 69.67),
        (0, 200, 0, 1.83),
        (10, 200, 2.42, 9.00),
        (60, 200, 23.74, 36.86),
        (15, 500, 1.69, 4.90),
    ],
)
def test_exact_intervals_are_those_of_the_published_table(count, total, low, high):
    assert [round(100 * end, 2) for end in exact_interval(count, total)] == [low, high]


def test_an_interval_of_nothing_says_nothing():
    assert exact_interval(0, 0) == (0.0, 1.0)
    assert exact_interval(7, 7)[1] == 1.0
