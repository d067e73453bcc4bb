"""The pages, as the administrator sees them in every state of a run."""

import pytest
from django.urls import reverse

from classifier import heartbeat
from classifier.clock import database_now
from tests.training.sets import ready_set
from training import claiming, worker
from training.choices import JobState
from training.models import TrainingJob
from training.options import OPTIONS

pytestmark = pytest.mark.django_db


@pytest.fixture
def browser(client, people):
    client.force_login(people.administrator)
    return client


@pytest.fixture
def heard(db):
    """A training worker that was heard just now."""
    heartbeat._last.clear()
    worker.here()


def text(response, status=200) -> str:
    assert response.status_code == status
    return " ".join(response.content.decode().split())


def sent(**changes) -> dict:
    defaults = {option.name: option.default for option in OPTIONS}
    return {
        "model_id": "ours-1", "kind": "transfer", "data_sets": ["drawn"], "start": "",
        "network": "short", "input_size": "96", **defaults, **changes,
    }  # fmt: skip


def test_where_nothing_was_trained_the_page_says_how_to_begin(browser):
    page = text(browser.get("/training/"))
    assert "Nothing was trained here yet" in page
    assert 'href="/training/new"' in page


def test_without_a_training_worker_the_page_names_the_commands(browser, monkeypatch):
    monkeypatch.setattr(worker, "installed", lambda: False)
    page = text(browser.get("/training/"))
    assert "No training worker has been heard of" in page
    assert worker.INSTALL in page
    assert "--queues training" in page


def test_with_one_it_does_not(browser, heard):
    assert "No training worker" not in text(browser.get("/training/"))


def test_without_a_data_set_there_is_nothing_to_fill_in(browser):
    page = text(browser.get("/training/new"))
    assert "There is no data set to learn from" in page
    assert "Name of the model" not in page


def test_a_data_set_says_how_many_cells_it_has(browser, data_set):
    page = text(browser.get("/training/new"))
    assert "train 25, validation 10, test 10 cells" in page
    assert 'value="own-' in page, "a name is proposed"


def test_a_run_is_started_and_its_page_shown(browser, data_set):
    response = browser.post("/training/new", sent(), follow=True)
    job = TrainingJob.objects.get()
    assert response.redirect_chain == [(f"/training/{job.public_id}/", 302)]
    assert job.options["levels"] == ["mixed0", "mixed1"]
    assert job.options["input_size"] == 96
    assert "fine_tune_epochs" not in job.options, "the network stays as it is"
    page = text(response)
    assert "It waits for a training worker" in page
    assert 'hx-trigger="every 2s"' in page


def test_a_run_that_goes_on_from_a_version_keeps_its_network(
    browser, data_set, registered, monkeypatch
):
    monkeypatch.setattr("training.services._require_files", lambda start: None)
    browser.post("/training/new", sent(start="registered", kind="fine-tuning"))
    job = TrainingJob.objects.get()
    assert job.start == registered
    assert "levels" not in job.options
    assert job.options["fine_tune_epochs"] == 20


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        pytest.param({"model_id": "not a name"}, "valid “slug”", id="name"),
        pytest.param({"data_sets": []}, "Choose at least one data set.", id="no-set"),
        pytest.param({"data_sets": ["gone"]}, "That data set is not ready any more.", id="gone"),
        pytest.param({"kind": "magic"}, "Select a valid choice", id="kind"),
        pytest.param({"start": "nobody"}, "Select a valid choice", id="start"),
        pytest.param({"epochs": "0"}, "greater than or equal to 1", id="epochs"),
        pytest.param({"learning_rate": "nan"}, "Enter a number", id="nan"),
        pytest.param({"views_per_epoch": "many"}, "Enter a whole number", id="words"),
        pytest.param({"input_size": "97"}, "Select a valid choice", id="size"),
    ],
)
def test_what_was_wrong_stands_beside_it(browser, data_set, changes, sentence):
    page = text(browser.post("/training/new", sent(**changes)), 422)
    assert sentence in page
    assert not TrainingJob.objects.exists()


def test_the_same_again_is_refused_with_the_reason(browser, data_set):
    browser.post("/training/new", sent())
    page = text(browser.post("/training/new", sent(model_id="ours-2")), 422)
    assert "on its way already: ours-1" in page
    assert 'value="drawn" id="id_data_sets_0" checked' in page, "nothing need be typed again"


def test_too_few_cells_are_said(browser):
    ready_set("few", {"train": 5})
    page = text(browser.post("/training/new", sent(data_sets=["few"])), 422)
    assert "too few cells" in page


def test_a_running_one_shows_how_far_it_is_and_its_curves(browser, start, heard):
    start()
    claim = claiming.claim_next()
    rows = [
        {"phase": "fine-tuning", "epoch": n, "loss": 1 / n, "accuracy": 0.5, "val_loss": 1 / n,
         "val_accuracy": 0.5 + n / 10}
        for n in (1.0, 2.0)
    ]  # fmt: skip
    told = {
        "step": "fine-tuning", "done": 30, "total": 80, "unit": "batch", "rate": 0.5, "left": 100.0,
        "epoch": 2, "epochs": 4,
    }  # fmt: skip
    claiming.seen(claim, progress=told, history=rows, log="batch 30\n<b>")
    page = text(browser.get(f"/training/{claim.job.public_id}/"))
    for words in (
        "Fine-tuning", "epoch 2 of 4", "batch 30 of 80", "2.0 s a batch", "about 2 min left",
        'value="30" max="80"', "Validation accuracy", "0.7000", "batch 30 &lt;b&gt;", "Stop",
    ):  # fmt: skip
        assert words in page
    assert page.count("<svg viewBox") >= 2
    part = text(browser.get(f"/training/{claim.job.public_id}/", headers={"HX-Request": "true"}))
    assert part.startswith('<div id="going"')
    assert "<html" not in part


def test_stop_and_go_on(browser, start):
    start()
    claim = claiming.claim_next()
    address = f"/training/{claim.job.public_id}/"
    page = text(browser.post(address + "stop", follow=True))
    assert "Stopping" in page
    assert f'action="{address}stop"' not in page, "once is enough"
    claiming.stopped(claim)
    page = text(browser.get(address))
    assert "every 2s" not in page, "an ended run asks no more"
    assert "Somebody stopped it" in page
    assert "It waits for a training worker" in text(browser.post(address + "resume", follow=True))
    assert "cannot go on" in text(browser.post(address + "resume", follow=True))


def test_a_failed_one_says_why_and_may_be_tried_again(browser, start):
    start()
    claim = claiming.claim_next()
    claiming.failed(claim, "The weights file x has SHA-256 y, which is not known.")
    page = text(browser.get(f"/training/{claim.job.public_id}/"))
    assert "The weights file x has SHA-256 y" in page
    assert "Resume" in page


def test_a_finished_one_leads_to_its_model(browser, start, registered):
    start()
    claim = claiming.claim_next()
    claiming.done(claim, registered)
    page = text(browser.get(f"/training/{claim.job.public_id}/"))
    assert reverse("classifier:model", args=["registered"]) in page
    assert "Stop" not in page


def test_a_worker_that_was_heard_long_ago_is_not_there(browser, start, heard, monkeypatch):
    monkeypatch.setattr(worker, "RECENT", -1.0)
    assert "was last heard of" in text(browser.get(f"/training/{start().public_id}/"))


def test_the_list_asks_as_often_for_many_runs_as_for_few(
    browser, start, django_assert_max_num_queries
):
    for number in range(30):
        start(f"run-{number}", epochs=number + 2)
    TrainingJob.objects.update(published_at=database_now(), state=JobState.QUEUED)
    with django_assert_max_num_queries(12):
        page = text(browser.get("/training/"))
    assert page.count("run-") >= 25
