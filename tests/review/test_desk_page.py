"""The desk's page: what it brings to its scripts, what it keeps from whom, and how light it is."""

import json
import re

import numpy as np
import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from django.utils.html import escape

from audit.models import AuditEvent
from classifier.models import Prediction
from patients.choices import CaseStatus
from patients.models import Case, Patient, SmearImage
from patients.services import case_claim, case_release
from review.choices import ReadingKind, ReportState
from review.current import cell_states
from review.desk import FIELDS, ORDER
from review.models import Reading, Report
from review.services.readings import case_take, opinion_ask
from review.services.verdicts import Change, act_classify, act_undo
from tests import factories
from tests.classifier import test_shell as shell
from tests.review.conftest import CLASSES, read_case
from tests.security.hostile_text import HOSTILE_TEXT

pytestmark = pytest.mark.django_db
collected = shell.collected
MOST_QUERIES = 46


@pytest.fixture
def reading(people, case) -> Reading:
    return case_take(actor=people.specialist, case=case)


@pytest.fixture
def desk(client, people):
    client.force_login(people.specialist)
    return client


def get(client, case):
    return client.get(reverse("review:desk", args=[case.public_id]))


def words(response) -> str:
    return re.sub(r"\s+", " ", response.content.decode())


def data_of(response) -> dict:
    found = re.search(
        r'<script id="desk-data" type="application/json">(.*?)</script>', response.content.decode()
    )
    return json.loads(found[1])


def cells_of(response) -> list[dict]:
    columns = data_of(response)["cells"]
    rows = zip(*(columns[name] for name in FIELDS), strict=True)
    return [dict(zip(FIELDS, row, strict=True)) for row in rows]


def call(reading, actor, place, label, key="key-00000001"):
    state = cell_states(reading)[place]
    change = Change(state.cell.public_id, state.label, label)
    return act_classify(actor=actor, reading=reading, key=key, changes=[change])


def test_every_cell_comes_with_what_it_is_called_and_how_sure_the_model_is(desk, people, reading):
    act = call(reading, people.specialist, 0, "blast")
    page = get(desk, reading.case)
    cells = cells_of(page)
    assert [ORDER[cell["label"]] for cell in cells[:3]] == ["blast", "basophil", "eosinophil"]
    assert ORDER[cells[9]["label"]] == "unidentified"
    assert (ORDER[cells[9]["guess"]], cells[9]["confidence"]) == ("neutrophil", 920)
    assert [cell["flags"] for cell in (cells[0], cells[1], cells[9])] == [3, 0, 4]
    data = data_of(page)
    assert (data["writes"], data["hidden"], data["progress"]["last"]) == (True, False, 1)
    # Taken back, it is nobody's word any more; it was seen all the same.
    act_undo(actor=people.specialist, reading=reading, key="key-00000002", of=act.public_id)
    assert cells_of(get(desk, reading.case))[0]["flags"] == 2
    assert AuditEvent.objects.filter(action="case.viewed", actor=people.specialist).count() == 2


def test_a_case_that_nobody_took_is_not_shown(desk, case):
    page = get(desk, case)
    assert "Take for review" in words(page)
    assert "desk-data" not in words(page)
    case.status = CaseStatus.CLASSIFYING
    case.save()
    assert "still being classified" in words(get(desk, case))


def test_a_case_that_was_claimed_elsewhere_gets_its_reading_when_the_desk_opens(desk, people, case):
    case_claim(actor=people.specialist, case=case)
    assert data_of(get(desk, case))["writes"]
    assert Reading.objects.get().kind == ReadingKind.PRIMARY


def test_a_colleague_looks_and_is_told_who_holds_it(client, people, reading):
    client.force_login(factories.make_user("specialist", people.centre))
    page = get(client, reading.case)
    assert f"{people.specialist} holds this case" in words(page)
    assert not data_of(page)["writes"]
    for button in ("undo", "redo", "auto"):
        assert f'data-do="{button}"' not in words(page)
    assert ">Sign<" not in words(page)
    case_release(actor=people.specialist, case=reading.case)
    page = get(client, reading.case)
    assert "Nobody holds this case now" in words(page)
    assert "Take for review" in words(page)


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (CaseStatus.SIGNED, "This case is signed"),
        (CaseStatus.WITHDRAWN, "This case was withdrawn"),
    ],
)
def test_a_case_that_is_over_says_so(desk, reading, status, sentence):
    Case.objects.filter(pk=reading.case_id).update(status=status, reader=None)
    page = get(desk, reading.case)
    assert sentence in words(page)
    assert not data_of(page)["writes"]


def test_a_report_that_waits_for_its_second_signature_holds_the_cells(desk, people, reading):
    Report.objects.create(
        case=reading.case, version=1, state=ReportState.AWAITING, content="{}", sha256="0" * 64,
        code="0" * 8, created_by=people.specialist,
    )  # fmt: skip
    page = get(desk, reading.case)
    assert "waits for its second signature" in words(page)
    assert not data_of(page)["writes"]


# What is kept from whom ---------------------------------------------------------------------------


@pytest.fixture
def blind(people) -> Reading:
    """Cells whose answers are all one class, whose doubts have names, and that nobody may see."""
    case = read_case(people.clinician, ["monocyte"] * 6, abstained=[0, 1])
    Prediction.objects.filter(cell__image__case=case).update(
        attributes={"granularity": ["telltale", 0.99]},
        activation=bytes(range(64)),
        confidence=0.7770777,
    )
    reading = case_take(actor=people.specialist, case=case)
    Reading.objects.filter(pk=reading.pk).update(blind=True)
    reading.refresh_from_db()
    return reading


def test_a_blind_reading_brings_nothing_of_the_model_to_the_browser(desk, people, blind):
    page = get(desk, blind.case)
    assert data_of(page)["hidden"]
    for cell in cells_of(page):
        assert (ORDER[cell["label"]], cell["guess"], cell["confidence"], cell["flags"]) == (
            "unidentified", -1, 0, 0,
        )  # fmt: skip
    text = words(page)
    for leak in ("telltale", "77707", "low_confidence", "not sure enough"):
        assert leak not in text
    # As uploaded: an order by certainty would say something.
    assert [cell["name"] for cell in cells_of(page)] == [str(place) for place in range(1, 7)]
    assert "Show the model's answers" in text.replace("&#x27;", "'")
    assert 'data-large-do="map"' not in text
    assert "data-like" not in text
    assert data_of(page)["progress"]["undecided"] == 6


def test_a_colleague_does_not_see_a_blind_reading_through_their_own_desk(client, people, blind):
    client.force_login(factories.make_user("specialist", people.centre))
    page = get(client, blind.case)
    assert "desk-data" not in words(page)
    assert "sway nobody" in words(page)


def test_a_blinded_second_reading_has_an_order_of_its_own_and_none_of_the_first(
    client, people, reading
):
    for place in range(3):
        call(reading, people.specialist, place, "blast", f"key-0000000{place}")
    colleague = factories.make_user("specialist", people.centre)
    second = Reading.objects.create(
        case=reading.case, kind=ReadingKind.SECOND, blind=True, reader=colleague
    )
    client.force_login(colleague)
    page = get(client, reading.case)
    assert data_of(page)["reading"] == str(second.public_id)
    assert "Blinded second reading" in words(page)
    assert {ORDER[cell["label"]] for cell in cells_of(page)} == {"unidentified"}
    order = [cell["name"] for cell in cells_of(page)]
    assert order != sorted(order, key=int)
    assert order == [cell["name"] for cell in cells_of(get(client, reading.case))]


def test_whoever_is_asked_sees_the_question_and_what_the_asker_says(client, people, reading):
    call(reading, people.specialist, 0, "blast")
    colleague = factories.make_user("specialist", people.centre)
    asked = opinion_ask(
        actor=people.specialist, case=reading.case, of=colleague, question="Blast or monocyte?"
    )
    client.force_login(colleague)
    page = get(client, reading.case)
    data = data_of(page)
    assert (data["reading"], data["writes"]) == (str(asked.public_id), True)
    assert "Blast or monocyte?" in words(page)
    assert data["cells"]["held"] == [ORDER.index("blast")] + [-1] * 9
    # Their own reading begins where the model left off.
    assert ORDER[cells_of(page)[0]["label"]] == "basophil"


# Costs and safety -----------------------------------------------------------------------------------


def test_the_number_of_queries_does_not_grow_with_the_cells(desk, people):
    def count(cells: int) -> int:
        case = read_case(people.clinician, [CLASSES[place % 5] for place in range(cells)])
        case_take(actor=people.specialist, case=case)
        get(desk, case)  # once, so that what is kept between requests is there
        with CaptureQueriesContext(connection) as queries:
            assert get(desk, case).status_code == 200
        return len(queries)

    few = count(3)
    assert count(40) <= few + 1 <= MOST_QUERIES


def test_the_page_of_300_cells_is_light(desk, people, collected):
    case = read_case(people.clinician, [CLASSES[place % 5] for place in range(300)])
    noise = np.random.default_rng(1)
    rows = list(Prediction.objects.filter(cell__image__case=case))
    for row in rows:
        row.confidence = float(noise.uniform(0.4, 1))
    Prediction.objects.bulk_update(rows, ["confidence"])
    reading = case_take(actor=people.specialist, case=case)
    states = cell_states(reading)
    act_classify(
        actor=people.specialist, reading=reading, key="key-00000001",
        changes=[Change(state.cell.public_id, state.label, "blast") for state in states[::3]],
    )  # fmt: skip
    response = get(desk, case)
    loads = shell.Loads(response.content.decode())
    files = set()
    for address in loads.urls:
        assert address.startswith("/static/")
        shell.with_imports(collected, address, files)
    assert any(path.name.startswith("state.") for path in files)
    sizes = {path.name: shell.compressed(path.read_bytes()) for path in files}
    total = shell.compressed(response.content) + sum(sizes.values())
    print(f"page {shell.compressed(response.content)}, all {total} bytes", sorted(sizes.items()))
    assert total <= shell.LIMIT


def test_the_page_holds_no_inline_script_or_style(desk, reading):
    loads = shell.Loads(get(desk, reading.case).content.decode())
    assert loads.styled == []
    # The one block of data is no script.
    assert [line for line in loads.inline if not line.startswith('{"reading"')] == []


@pytest.mark.parametrize("text", HOSTILE_TEXT.values(), ids=HOSTILE_TEXT.keys())
def test_hostile_text_is_shown_harmlessly(desk, people, text):
    patient = Patient.objects.create(
        organisation=people.clinic, mrn=text[:40], family_name=text, given_name=text
    )
    case = read_case(people.clinician, ["monocyte"], patient=patient, clinical_question=text)
    SmearImage.objects.filter(case=case).update(original_name=text)
    case_take(actor=people.specialist, case=case)
    page = get(desk, case)
    assert page.status_code == 200
    if text != escape(text):
        assert text not in page.content.decode()


def test_the_rail_shows_where_one_is_in_ones_own_list(desk, people):
    cases = [
        read_case(people.clinician, ["monocyte"], priority=priority)
        for priority in ("routine", "stat", "background")
    ]
    for case in cases:
        Case.objects.filter(pk=case.pk).update(submitted_at=timezone.now())
        case_take(actor=people.specialist, case=case)
    page = words(get(desk, cases[0]))
    assert "<b>2</b> / 3" in page
    assert page.index(cases[1].number) < page.rindex(cases[2].number)
    assert f'href="{reverse("review:desk", args=[cases[2].public_id])}" data-go="next"' in page
    assert f'href="{reverse("review:desk", args=[cases[1].public_id])}" data-go="previous"' in page


def test_the_differential_is_a_part_of_its_own_and_kept_from_whom_the_reading_is(
    client, people, reading
):
    address = reverse("review:reading-differential", args=[reading.public_id])
    client.force_login(people.specialist)
    part = client.get(address)
    assert part.status_code == 200
    assert b"Neutrophil" in part.content
    assert b"<html" not in part.content
    colleague = factories.make_user("specialist", people.centre)
    Reading.objects.create(case=reading.case, kind=ReadingKind.SECOND, blind=True, reader=colleague)
    client.force_login(colleague)
    assert client.get(address).status_code == 403
