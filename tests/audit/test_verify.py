"""F28: six ways to tamper with the record, each found; the last two by the anchor."""

import hashlib
import json
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import DatabaseError, connection, transaction
from django.db.models import F

from audit import triggers
from audit.anchors import AnchorDamaged, default_path, read_anchors, write_anchor
from audit.chain import GENESIS, event_hash
from audit.models import AuditEvent
from audit.services import record
from audit.tasks import anchor_audit
from audit.verify import verify

pytestmark = pytest.mark.django_db


@pytest.fixture
def chain(people):
    """Ten events of two people."""
    for number in range(10):
        actor = (people.clinician, people.specialist)[number % 2]
        record(action="case.viewed", actor=actor, obj=actor, count=number)
    return AuditEvent.objects.order_by("sequence")


@pytest.fixture
def anchor_file(tmp_path):
    return tmp_path / "anchors.jsonl"


@pytest.fixture
def forger():
    """Somebody who owns the database: without the triggers, everything can be written."""
    triggers.remove(connection)
    yield
    triggers.install(connection)


def broken(**options):
    """The message of ``verify_audit``, which must fail."""
    with pytest.raises(CommandError) as refused:
        call_command("verify_audit", stdout=StringIO(), **options)
    assert refused.value.returncode == 1
    return str(refused.value)


def rehash(events):
    previous = GENESIS
    for event in list(events):
        event.previous_hash = previous
        previous = event.hash = event_hash(event)
        AuditEvent.objects.filter(pk=event.pk).update(
            previous_hash=event.previous_hash, hash=event.hash
        )


def test_a_whole_chain_verifies(chain):
    out = StringIO()
    call_command("verify_audit", stdout=out)
    assert "The chain of 10 events is whole." in out.getvalue()


def test_an_empty_chain_is_whole(db):
    assert verify().finding is None


def test_a_whole_chain_agrees_with_its_anchors(chain, anchor_file):
    write_anchor(anchor_file)
    out = StringIO()
    call_command("verify_audit", anchor=anchor_file, stdout=out)
    assert "agrees with 1 anchors" in out.getvalue()


def test_an_edited_event_is_found(chain, forger):
    AuditEvent.objects.filter(sequence=4).update(outcome="denied")
    assert "event 4 (edited)" in broken()


def test_an_event_edited_and_hashed_anew_is_found(chain, forger):
    event = chain.get(sequence=4)
    event.data = {"count": 99}
    AuditEvent.objects.filter(pk=event.pk).update(data=event.data, hash=event_hash(event))
    assert "event 4 (edited)" in broken()


@pytest.mark.parametrize(
    ("column", "value"),
    [
        ("action", "sign_in"),
        ("actor", None),
        ("actor_name", "x@example.org"),
        ("address", "192.0.2.7"),
        ("object_id", "other"),
        ("at", "2001-01-01T00:00:00Z"),
        ("case_id", "00000000-0000-4000-8000-000000000000"),
        ("request_id", "f" * 16),
    ],
)
def test_no_column_can_change_unseen(chain, forger, column, value):
    AuditEvent.objects.filter(sequence=6).update(**{column: value})
    assert verify().finding.sequence == 6


def test_a_removed_event_is_found(chain, forger):
    chain.filter(sequence=5).delete()
    assert "event 5 (removed)" in broken()


def test_a_removed_first_event_is_found(chain, forger):
    chain.filter(sequence=1).delete()
    assert "event 1 (removed)" in broken()


def test_a_removed_event_is_found_after_renumbering(chain, forger):
    chain.filter(sequence=5).delete()
    for event in chain.filter(sequence__gt=5):
        AuditEvent.objects.filter(pk=event.pk).update(sequence=F("sequence") - 1)
    assert "event 5 (removed)" in broken()


def test_two_swapped_events_are_found(chain, forger):
    AuditEvent.objects.filter(sequence=5).update(sequence=1000)
    AuditEvent.objects.filter(sequence=6).update(sequence=5)
    AuditEvent.objects.filter(sequence=1000).update(sequence=6)
    assert "event 5 (reordered)" in broken()


@pytest.mark.parametrize("well_hashed", [True, False])
def test_an_inserted_event_is_found(chain, forger, well_hashed):
    for event in chain.filter(sequence__gte=5).reverse():
        AuditEvent.objects.filter(pk=event.pk).update(sequence=F("sequence") + 1)
    before = chain.get(sequence=4)
    forged = AuditEvent(
        sequence=5, at=before.at, action="sign_in", previous_hash=before.hash, data={}
    )
    forged.hash = event_hash(forged) if well_hashed else hashlib.sha256(b"made up").hexdigest()
    forged.save(force_insert=True)
    assert "event 5 (inserted)" in broken()


def test_a_cut_tail_is_found_by_the_anchor_alone(chain, forger, anchor_file):
    write_anchor(anchor_file)
    chain.filter(sequence__gt=7).delete()
    assert verify().finding is None
    assert "event 8 (cut)" in broken(anchor=anchor_file)


def test_an_emptied_table_is_found_by_the_anchor(chain, forger, anchor_file):
    write_anchor(anchor_file)
    AuditEvent.objects.all().delete()
    assert "event 1 (cut)" in broken(anchor=anchor_file)


def test_a_chain_hashed_anew_is_found_by_the_anchor_alone(chain, forger, anchor_file):
    write_anchor(anchor_file)
    AuditEvent.objects.filter(sequence=3).update(outcome="denied")
    rehash(chain)
    assert verify().finding is None
    assert "(rewritten)" in broken(anchor=anchor_file)


def test_events_after_the_anchor_are_no_finding(chain, anchor_file, people):
    write_anchor(anchor_file)
    record(action="sign_out", actor=people.clinician)
    assert verify(anchors=read_anchors(anchor_file)).finding is None


def test_a_forged_anchor_counts_as_no_evidence(chain, anchor_file):
    write_anchor(anchor_file)
    line = json.loads(anchor_file.read_text())
    line["sequence"] = 3
    anchor_file.write_text(json.dumps(line) + "\n")
    with pytest.raises(AnchorDamaged, match="Line 1"):
        list(read_anchors(anchor_file))
    assert "do not count" in broken(anchor=anchor_file)


def test_a_missing_anchor_file_is_said_and_fails(chain, anchor_file):
    assert "cannot be read" in broken(anchor=anchor_file)


def test_an_anchor_signed_before_the_secret_changed_still_counts(chain, anchor_file, settings):
    write_anchor(anchor_file)
    settings.SECRET_KEY_FALLBACKS = [settings.SECRET_KEY]
    settings.SECRET_KEY = "another " * 10
    assert verify(anchors=read_anchors(anchor_file)).finding is None


def test_the_job_writes_one_line_per_moved_head(chain, settings, tmp_path, people):
    settings.DATA_DIR = tmp_path
    anchor_audit()
    anchor_audit()
    assert len(default_path().read_text().splitlines()) == 1
    record(action="sign_out", actor=people.clinician)
    anchor_audit()
    assert [anchor.sequence for anchor in read_anchors(default_path())] == [10, 11]
    assert default_path().stat().st_mode & 0o077 == 0


@pytest.mark.parametrize("act", ["update", "delete"])
def test_the_table_refuses_changes_through_the_program(chain, act):
    row = AuditEvent.objects.filter(sequence=2)
    with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
        row.update(outcome="denied") if act == "update" else row.delete()
    assert verify().finding is None
