"""The live cells of a case: what is shown, counted, and when it stops asking."""

import re

import pytest
from django.urls import reverse
from django.utils import timezone

from audit.models import AuditEvent
from classifier import progress
from classifier.choices import ModelState, PredictionState
from classifier.gallery import PAGE, case_gallery
from classifier.models import ModelVersion, Prediction
from patients.choices import CaseStatus
from tests.classifier.cells import make_cell, make_image, make_submitted, make_version

DONE, QUEUED = PredictionState.DONE, PredictionState.QUEUED
RUNNING, QUARANTINED = PredictionState.RUNNING, PredictionState.QUARANTINED


@pytest.fixture
def case(people):
    return make_submitted(people.clinician)


@pytest.fixture
def clinician(client, people):
    client.force_login(people.clinician)
    return client


def get_cells(client, case, **query):
    return client.get(
        reverse("classifier:cells", args=[case.public_id]), query, headers={"HX-Request": "true"}
    )


def names(page: str) -> list[str]:
    """What each cell is called by those who hear it."""
    buttons = re.findall(r'<button[^>]*class="tile-open".*?</button>', page, re.DOTALL)
    heard = [re.sub(r"<(\w+)[^>]*aria-hidden[^>]*>[^<]*</\1>", "", button) for button in buttons]
    return [" ".join(re.sub(r"<[^>]*>|&nbsp;", " ", button).split()) for button in heard]


def finish(prediction, label="lymphocyte"):
    from tests.classifier.cells import result

    values = result(label, 0.95) | {"attempt": 1, "lease_token": None, "lease_expires_at": None}
    Prediction.objects.filter(pk=prediction.pk).update(state=DONE, **values)


def test_each_state_says_in_words_what_it_is(clinician, case):
    make_cell(case, DONE, label="eosinophil", confidence=0.97)
    make_cell(case, DONE, label="monocyte", confidence=0.4, abstained=True, reasons=["blurred"])
    make_cell(case, QUEUED)
    make_cell(case, RUNNING)
    make_cell(case, QUARANTINED, last_error="The picture could not be read.")
    page = get_cells(clinician, case).content.decode()
    assert names(page) == [
        "Cell 1 Eosinophil 97 %",
        "Cell 2 Unidentified most probably monocyte 40 %, blurred",
        "Cell 3 Waiting",
        "Cell 4 Being read",
        "Cell 5 Read by eye The picture could not be read.",
    ]
    assert "3 of 5 cells" in page


def test_it_polls_while_a_cell_is_open_and_stops_when_none_is(clinician, case):
    prediction = make_cell(case, RUNNING)
    page = get_cells(clinician, case)
    poll = re.search(r'hx-get="([^"]+since=[^"]+)" hx-trigger="every 1s"', page.content.decode())
    assert poll, "an open cell means polling"
    finish(prediction)
    last = clinician.get(poll[1].replace("&amp;", "&"), headers={"HX-Request": "true"})
    assert last.status_code == 200
    assert "every" not in last.content.decode()
    assert last.headers["HX-Trigger"] == "cells:finished"
    assert "1 cell read" in last.content.decode()


def test_nothing_is_sent_while_nothing_changes(clinician, case):
    prediction = make_cell(case, QUEUED)
    seen = progress.stamp(case)
    assert get_cells(clinician, case, since=seen).status_code == 204
    finish(prediction)
    assert get_cells(clinician, case, since=seen).status_code == 200


def test_a_new_picture_changes_the_stamp(case):
    make_cell(case, DONE)
    seen = progress.stamp(case)
    make_image(case)
    assert progress.stamp(case) != seen


def test_counts_leave_out_what_is_not_read_and_call_abstained_unidentified(case):
    for _ in range(3):
        make_cell(case, DONE, label="neutrophil")
    make_cell(case, DONE, label="neutrophil", abstained=True, reasons=["low_confidence"])
    make_cell(case, QUEUED)
    make_cell(case, QUARANTINED)
    counts = {count.group: count for count in case_gallery(case).counts}
    assert counts["neutrophil"].count == 3
    assert counts["neutrophil"].percent == 75
    assert counts["unidentified"].count == 1
    assert counts["basophil"].count == 0


def test_certainty_order_puts_what_needs_eyes_first(case):
    sure = make_cell(case, DONE, confidence=0.99)
    unsure = make_cell(case, DONE, confidence=0.5)
    waiting = make_cell(case, QUEUED)
    failed = make_cell(case, QUARANTINED)
    shown = [tile.prediction for tile in case_gallery(case, sort="certainty").shown]
    assert shown == [failed, unsure, sure, waiting]
    assert [t.prediction for t in case_gallery(case).shown] == [sure, unsure, waiting, failed]


def test_a_class_filter_shows_that_class_alone_and_still_counts_all(clinician, case):
    make_cell(case, DONE, label="basophil")
    make_cell(case, DONE, label="lymphocyte")
    page = get_cells(clinician, case, **{"class": "basophil"}).content.decode()
    assert [name.rpartition(" ")[0].split()[2] for name in names(page)] == ["Basophil"]
    assert "2 cells read" in page
    assert "Show all 2 cells" in page


def test_a_large_case_comes_in_parts_and_counts_the_whole(clinician, case):
    for _ in range(PAGE + 2):
        make_cell(case, DONE)
    page = get_cells(clinician, case).content.decode()
    assert page.count('class="tile-open"') == PAGE
    assert f"{PAGE + 2} cells read" in page
    assert "Show more (2 left)" in page
    more = get_cells(clinician, case, n=str(2 * PAGE)).content.decode()
    assert more.count('class="tile-open"') == PAGE + 2
    assert "Show more" not in more
    for odd in ("-1", "0", "x", "9" * 40):
        assert get_cells(clinician, case, n=odd).content.count(b"tile-open") == PAGE


def test_the_map_is_sent_as_one_character_a_value(case):
    prediction = make_cell(case, DONE)
    prediction.activation = bytes([0, 7, 8, 255] * 16)
    prediction.save(update_fields=["activation"])
    (tile,) = case_gallery(case).tiles
    assert tile.activation == "AAC/" * 16


def test_an_unknown_sort_or_class_is_the_usual_view(clinician, case):
    make_cell(case, DONE)
    page = get_cells(clinician, case, sort="'><script>", **{"class": "../x"})
    assert page.status_code == 200
    assert names(page.content.decode())[0].startswith("Cell 1 Neutrophil")
    assert "<script>" not in page.content.decode()


def test_file_names_and_errors_are_escaped(clinician, case):
    prediction = make_cell(case, QUARANTINED, last_error="<b>bad</b>")
    prediction.cell.image.original_name = '"><img src=x onerror=alert(1)>.png'
    prediction.cell.image.save(update_fields=["original_name"])
    page = get_cells(clinician, case).content.decode()
    assert "<b>bad</b>" not in page
    assert "<img src=x" not in page


def test_a_removed_picture_and_a_cancelled_job_are_gone(case):
    gone = make_cell(case, DONE)
    gone.cell.image.removed_at = timezone.now()
    gone.cell.image.save(update_fields=["removed_at"])
    assert case_gallery(case).tiles == []


def test_the_newest_model_version_is_what_counts(case):
    prediction = make_cell(case, DONE, label="monocyte")
    newer = make_version("newer", ModelState.CANDIDATE)
    prediction.pk, prediction.public_id, prediction.model_version = None, None, newer
    from uuid import uuid4

    prediction.public_id, prediction.label = uuid4(), "basophil"
    prediction.save(force_insert=True)
    (tile,) = case_gallery(case).tiles
    assert tile.group == "basophil"


def test_pictures_without_a_job_wait_and_say_that_no_model_is_active(clinician, case):
    make_image(case)
    assert ModelVersion.objects.count() == 0
    page = get_cells(clinician, case).content.decode()
    assert "No model is active" in page
    assert names(page) == ["Cell 1 Waiting"]
    assert "every" in page


def test_a_draft_says_when_reading_begins(clinician, people):
    draft = make_submitted(people.clinician, status=CaseStatus.DRAFT, submitted_at=None)
    make_image(draft)
    page = get_cells(clinician, draft).content.decode()
    assert "as soon as the case is submitted" in page
    assert "every" not in page


def test_somebody_elses_case_looks_like_a_missing_one(client, people, case):
    make_cell(case, DONE)
    client.force_login(people.other_clinician)
    theirs = get_cells(client, case)
    case.public_id = "00000000-0000-4000-8000-000000000000"
    missing = get_cells(client, case)
    assert theirs.status_code == missing.status_code == 404


def test_signed_out_people_are_sent_to_sign_in(client, case):
    assert get_cells(client, case).status_code == 302


def test_without_htmx_the_partial_leads_to_the_whole_page(clinician, case):
    response = clinician.get(reverse("classifier:cells", args=[case.public_id]))
    assert response.status_code == 302
    assert response.headers["Location"] == case.get_absolute_url()


def test_the_number_of_queries_does_not_grow_with_the_cells(
    clinician, case, django_assert_max_num_queries
):
    for number in range(300):
        make_cell(case, DONE if number % 3 else QUEUED)
    with django_assert_max_num_queries(16):
        page = get_cells(clinician, case, n="1000")
    assert page.content.count(b'class="tile-open"') == 300
    with django_assert_max_num_queries(8):
        assert get_cells(clinician, case, since=progress.stamp(case)).status_code == 204


def test_the_case_page_shows_the_cells(clinician, case):
    make_cell(case, DONE, label="eosinophil")
    page = clinician.get(case.get_absolute_url()).content.decode()
    assert names(page)[0].startswith("Cell 1 Eosinophil")
    assert "js/cells.js" in page
    assert "Decision support, not a diagnosis" in page


@pytest.mark.parametrize("synthetic", [True, False])
def test_synthetic_pictures_are_called_synthetic(clinician, people, synthetic):
    case = make_submitted(people.clinician, synthetic=synthetic)
    make_cell(case, DONE)
    from django.template import engines
    from django.test import RequestFactory

    request = RequestFactory().get("/")
    request.user = people.clinician
    template = engines["django"].from_string("{% load classifier_tags %}{% case_cells case %}")
    page = template.render({"case": case}, request)
    assert ("Synthetic" in page) is synthetic


class TestTimeLeft:
    def test_is_unknown_before_anything_was_finished(self, case):
        make_cell(case, QUEUED)
        assert progress.wait(case) is None

    def test_follows_the_measured_rate(self, case, monkeypatch):
        for _ in range(10):
            make_cell(case, QUEUED)
        monkeypatch.setattr(progress, "rate", lambda: 2.0)
        assert str(progress.wait(case)) == "about 5 s left"

    def test_counts_what_is_ahead_in_the_same_and_in_more_urgent_queues(
        self, people, case, monkeypatch
    ):
        earlier = make_submitted(people.clinician)
        make_cell(earlier, QUEUED)
        make_cell(case, QUEUED)
        later = make_submitted(people.clinician)
        make_cell(later, QUEUED)
        urgent = make_submitted(people.clinician, priority="stat")
        make_cell(urgent, QUEUED)
        idle = make_submitted(people.clinician, priority="background")
        make_cell(idle, QUEUED)
        monkeypatch.setattr(progress, "rate", lambda: 1.0)
        assert progress.wait(case).seconds == 3

    def test_the_rate_is_measured_on_what_just_finished(self, case):
        for _ in range(8):
            make_cell(case, DONE)
        assert progress.rate() > 0
        long_ago = timezone.now() - 10 * progress.RECENT
        Prediction.objects.update(finished_at=long_ago)
        assert progress.rate() is None

    def test_long_waits_are_told_in_minutes(self):
        assert str(progress.Wait(240)) == "about 4 min left"

    def test_long_queues_are_asked_about_less_often(self):
        assert [progress.poll_seconds(n) for n in (1, 100, 1000)] == [1, 2, 4]


class TestRetry:
    @pytest.fixture(autouse=True)
    def _no_broker(self, monkeypatch):
        monkeypatch.setattr("classifier.services.publish_on_commit", lambda ids: None)

    def post(self, client, prediction, **headers):
        return client.post(
            reverse("classifier:retry", args=[prediction.public_id]), headers=headers
        )

    def test_puts_the_cell_back_in_the_queue(self, clinician, case):
        prediction = make_cell(case, QUARANTINED, last_error="Too slow.")
        response = self.post(clinician, prediction, **{"HX-Request": "true"})
        prediction.refresh_from_db()
        assert prediction.state == QUEUED
        assert names(response.content.decode()) == ["Cell 1 Waiting"]
        assert "every 1s" in response.content.decode()
        assert AuditEvent.objects.filter(action="cell.retried").count() == 1

    def test_without_htmx_leads_back_to_the_case(self, clinician, case):
        response = self.post(clinician, make_cell(case, QUARANTINED))
        assert response.headers["Location"] == case.get_absolute_url()

    def test_of_a_cell_that_was_read_says_why_not(self, clinician, case):
        prediction = make_cell(case, DONE)
        response = self.post(clinician, prediction, **{"HX-Request": "true"})
        prediction.refresh_from_db()
        assert prediction.state == DONE
        assert "Only a cell that was not analysed" in response.content.decode()

    def test_is_for_those_who_see_the_case(self, client, people, case):
        prediction = make_cell(case, QUARANTINED)
        expected = {
            people.specialist: 302,
            people.colleague: 302,
            people.administrator: 404,
            people.other_clinician: 404,
            people.other_specialist: 404,
        }
        for person, status in expected.items():
            Prediction.objects.filter(pk=prediction.pk).update(state=QUARANTINED)
            client.force_login(person)
            assert self.post(client, prediction).status_code == status, person.role

    def test_is_refused_by_get(self, clinician, case):
        prediction = make_cell(case, QUARANTINED)
        response = clinician.get(reverse("classifier:retry", args=[prediction.public_id]))
        assert response.status_code == 405


def test_the_map_lies_where_the_model_was_shown_the_picture(case):
    prediction = make_cell(case, DONE)
    prediction.shown = [-20, 80, 100, 100]
    prediction.save(update_fields=["shown"])
    (tile,) = case_gallery(case).tiles
    assert tile.facts["box"] == [-20, 80, 100, 100]
    assert tile.activation


def test_a_map_that_lies_nobody_knows_where_is_not_shown(case):
    prediction = make_cell(case, DONE)
    prediction.shown = None
    prediction.save(update_fields=["shown"])
    (tile,) = case_gallery(case).tiles
    assert tile.activation == ""


def test_what_the_model_sees_of_a_cell_is_said_by_number(case):
    for value, sure in (("red", 0.95), ("purple", 0.9), ("red", 0.4)):
        prediction = make_cell(case, DONE)
        prediction.attributes = {"granule_colour": [value, sure]}
        prediction.save(update_fields=["attributes"])
    gallery = case_gallery(case)
    assert gallery.words == {"granule_colour": ["red", "purple"]}
    assert [tile.facts["seen"] for tile in gallery.tiles] == ["0", "1", "-"]
