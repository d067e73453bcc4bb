"""Pictures from outside become a data set: whole, once, and on the right sides."""

import csv
import hashlib
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from audit.models import AuditEvent
from datasets import making, pictures
from datasets.archives import UPLOADS
from datasets.choices import ItemState, SetState
from datasets.contents import write_folder
from datasets.errors import SetRefused
from datasets.models import DataSet, Item, Likeness
from datasets.services import data_set_import
from datasets.tasks import resume
from patients import storage
from patients.storage import StorageUnavailable
from tests.datasets import sets
from tests.ml.sets import picture

pytestmark = pytest.mark.django_db


def archive(tmp_path, data: bytes):
    path = tmp_path / "upload.zip"
    path.write_bytes(data)
    return path


def test_a_folder_per_class_becomes_a_set(tmp_path):
    names = {"Neutrophils/a.png": 1, "EOS/b.jpg": 2, "blast/p1/c.png": 3, "blast/p1/d.png": 4}
    found = sets.imported(sets.folder_of(tmp_path / "in", names))
    assert found.state == SetState.READY, found.error
    rows = {item.source_name: item for item in found.items.all()}
    assert {name: item.kind for name, item in rows.items()} == {
        "Neutrophils/a.png": "neutrophil",
        "EOS/b.jpg": "eosinophil",
        "blast/p1/c.png": "blast",
        "blast/p1/d.png": "blast",
    }
    assert all(item.split for item in rows.values())
    assert rows["blast/p1/c.png"].split == rows["blast/p1/d.png"].split
    assert found.facts["pictures"] == 4
    assert AuditEvent.objects.filter(action="data_set.made").count() == 1


def test_what_is_written_out_is_what_the_training_reads(tmp_path):
    from ml.data import read_set

    found = sets.of_classes(tmp_path / "in")
    write_folder(found, tmp_path / "out")
    samples = read_set(tmp_path / "out", "ours")
    assert len(samples) == 15
    assert {sample.kind for sample in samples if sample.label < 0} == set()
    assert samples[0].rgb().shape == (96, 96, 3)
    text = (tmp_path / "out" / "ours" / "manifest.csv").read_bytes()
    assert hashlib.sha256(text).hexdigest() == found.listing_sha256
    assert "CC BY 4.0" in (tmp_path / "out" / "ours" / "LICENCE.txt").read_text()
    before = (tmp_path / "out" / "ours" / "manifest.csv").stat().st_mtime_ns
    write_folder(found, tmp_path / "out")  # once more changes nothing
    assert (tmp_path / "out" / "ours" / "manifest.csv").stat().st_mtime_ns == before


def test_a_table_says_class_group_split_and_more(tmp_path):
    sets.folder_of(tmp_path / "in", {f"pictures/{n}.png": n for n in range(4)})
    with (tmp_path / "in" / "cells.csv").open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["path", "class", "patient", "split", "granularity"])
        rows.writerow(["pictures/0.png", "neutrophil", "p1", "train", "yes"])
        rows.writerow(["pictures/1.png", "neutrophil", "p2", "test", "=1+2"])
        rows.writerow(["pictures/2.png", "", "p3", "val", ""])
        rows.writerow(["pictures/3.png", "neutrophil, monocyte", "p3", "val", ""])
    found = sets.imported(tmp_path / "in")
    rows = {item.source_name: item for item in found.items.all()}
    assert rows["pictures/0.png"].split == "train"
    assert rows["pictures/0.png"].source_group == "p1"
    assert rows["pictures/1.png"].attributes == {"granularity": "'=1+2"}
    assert rows["pictures/2.png"].state == ItemState.LEFT_OUT
    assert "several cells" in rows["pictures/3.png"].problem


def test_an_exported_set_comes_in_again_as_it_was(tmp_path):
    first = sets.of_classes(tmp_path / "in")
    write_folder(first, tmp_path / "out")
    second = sets.imported(tmp_path / "out", "again")
    facts = ("kind", "split", "source_group", "pixels_sha256")
    assert sorted(second.items.values_list(*facts)) == sorted(first.items.values_list(*facts))


def test_a_picture_that_cannot_be_taken_is_left_out_with_its_reason(tmp_path):
    root = sets.folder_of(tmp_path / "in", {"monocyte/a.png": 1})
    (root / "monocyte" / "b.png").write_bytes(b"no picture")
    (root / "monocyte" / "small.png").write_bytes(sets.encoded(picture(2, 32)))
    found = sets.imported(root)
    reasons = dict(
        found.items.filter(state=ItemState.LEFT_OUT).values_list("source_name", "problem")
    )
    assert "not a JPEG" in reasons["monocyte/b.png"]
    assert "64 x 64" in reasons["monocyte/small.png"]
    assert found.facts["left_out"] == 2


def test_a_file_that_is_not_the_one_its_table_names_is_left_out(tmp_path):
    first = sets.of_classes(tmp_path / "in", each=1)
    write_folder(first, tmp_path / "out")
    changed = next((tmp_path / "out" / "ours" / "images").iterdir())
    changed.write_bytes(sets.encoded(picture(9999)))
    found = sets.imported(tmp_path / "out", "again")
    assert [item.problem for item in found.items.filter(state=ItemState.LEFT_OUT)] == [
        "Its SHA-256 is not the one that its table states."
    ]


def test_the_same_and_nearly_the_same_are_found_and_stay_on_one_side(tmp_path):
    root = sets.folder_of(tmp_path / "in", {f"monocyte/{n}.png": n for n in range(12)})
    twin = sets.encoded(picture(3))
    (root / "monocyte" / "twin.png").write_bytes(twin)
    turned = picture(5)[::-1].copy()
    (root / "neutrophil").mkdir()
    (root / "neutrophil" / "turned.jpg").write_bytes(sets.encoded(turned, ".jpg"))
    found = sets.imported(root)
    pairs = {
        frozenset((pair.a.source_name, pair.b.source_name)): pair.exact
        for pair in Likeness.objects.select_related("a", "b")
    }
    assert pairs == {
        frozenset(("monocyte/3.png", "monocyte/twin.png")): True,
        frozenset(("monocyte/5.png", "neutrophil/turned.jpg")): False,
    }
    for one, other in pairs:
        sides = found.items.filter(source_name__in=(one, other)).values_list("split", flat=True)
        assert len(set(sides)) == 1


def test_a_set_is_held_against_the_sets_before_it(tmp_path):
    sets.imported(sets.folder_of(tmp_path / "one", {"monocyte/a.png": 1, "monocyte/b.png": 2}))
    second = sets.imported(sets.folder_of(tmp_path / "two", {"blast/c.png": 2}), "second")
    pair = Likeness.objects.get()
    assert (pair.a.source_name, pair.b.source_name) == ("monocyte/b.png", "blast/c.png")
    assert pair.b.data_set == second


# As a zip file, by a worker


def test_a_zip_file_is_kept_until_the_set_is_made(tmp_path, people):
    path = archive(tmp_path, sets.zip_of({"set/monocyte/ä b.png": 1, "set/blast/c.png": 2}))
    made = data_set_import(actor=people.administrator, archive=path, slug="ours", **sets.ABOUT)
    assert list(storage.list_keys(UPLOADS))
    found = sets.make(made)
    assert found.state == SetState.READY, found.error
    assert sorted(found.items.values_list("source_name", "kind")) == [
        ("blast/c.png", "blast"),
        ("monocyte/ä b.png", "monocyte"),
    ]
    assert not list(storage.list_keys(UPLOADS))
    assert not any((tmp_path / "work").iterdir())


def test_what_another_machine_finished_is_not_left_on_this_one(tmp_path, people):
    left = tmp_path / "work" / "0123456789abcdef"
    left.mkdir(parents=True)
    path = archive(tmp_path, sets.zip_of({"blast/a.png": 1}))
    made = data_set_import(actor=people.administrator, archive=path, slug="ours", **sets.ABOUT)
    making.make_slice(data_set_id=made.pk)
    assert [folder.name for folder in (tmp_path / "work").iterdir()] == [made.public_id.hex]


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        pytest.param(lambda: b"nothing", "no zip file", id="no zip file"),
        pytest.param(lambda: sets.zipped({"a.txt": b"x"}), "holds no picture", id="no picture"),
        pytest.param(lambda: sets.zipped({"../a.png": b"x"}), "not taken", id="out of the folder"),
        pytest.param(lambda: sets.zipped({"/a.png": b"x"}), "not taken", id="absolute"),
        pytest.param(
            lambda: sets.zipped({"a/b.png": bytes(30 << 20)}), "too large", id="too large"
        ),
    ],
)
def test_a_zip_file_that_is_not_as_it_must_be_leaves_nothing(tmp_path, people, data, sentence):
    with pytest.raises(SetRefused, match=sentence):
        data_set_import(
            actor=people.administrator,
            archive=archive(tmp_path, data()),
            slug="ours",
            **sets.ABOUT,
        )
    assert not DataSet.objects.exists()
    assert not list(storage.list_keys(UPLOADS))


def test_what_cannot_be_read_as_a_set_fails_with_its_reason(tmp_path, people):
    path = archive(tmp_path, sets.zip_of({"a.png": 1, "b.png": 2}))
    made = data_set_import(actor=people.administrator, archive=path, slug="ours", **sets.ABOUT)
    found = sets.make(made)
    assert found.state == SetState.FAILED
    assert "no picture with a class" in found.error
    assert not list(storage.list_keys(UPLOADS))
    again = data_set_import(  # the short name is free again
        actor=people.administrator,
        archive=archive(tmp_path, sets.zip_of({"blast/a.png": 1})),
        slug="ours",
        **sets.ABOUT,
    )
    assert sets.make(again).state == SetState.READY


def test_an_interrupted_set_goes_on_where_it_stopped(tmp_path, people, monkeypatch):
    path = archive(tmp_path, sets.zip_of({f"blast/{n}.png": n for n in range(6)}))
    made = data_set_import(actor=people.administrator, archive=path, slug="ours", **sets.ABOUT)
    making.make_slice(data_set_id=made.pk)  # the plan
    making.make_slice(data_set_id=made.pk, seconds=0)  # one picture
    first = Item.objects.get(state=ItemState.KEPT)
    keep = pictures.keep

    def killed(*_):
        raise KeyboardInterrupt

    monkeypatch.setattr(pictures, "keep", killed)
    with pytest.raises(KeyboardInterrupt):
        making.make_slice(data_set_id=made.pk)
    monkeypatch.setattr(pictures, "keep", keep)
    assert making.unfinished() == []  # its next message may be on its way
    DataSet.objects.update(touched_at=made.created_at - timedelta(hours=1))
    assert making.unfinished() == [made.pk]
    found = sets.make(made)
    assert found.state == SetState.READY
    assert Item.objects.filter(state=ItemState.KEPT).count() == 6
    assert Item.objects.get(pk=first.pk).picture_key == first.picture_key


def test_a_set_that_somebody_works_on_is_left_to_them(tmp_path, people):
    path = archive(tmp_path, sets.zip_of({"blast/a.png": 1}))
    made = data_set_import(actor=people.administrator, archive=path, slug="ours", **sets.ABOUT)
    held = making._taken(made.pk)
    assert held is not None
    assert making.make_slice(data_set_id=made.pk) is False
    DataSet.objects.update(touched_at=made.created_at - timedelta(hours=1))
    assert making.unfinished() == []
    making._let_go(held)
    assert sets.make(made).state == SetState.READY


def test_a_store_that_is_away_costs_nothing_but_time(tmp_path, people, monkeypatch):
    path = archive(tmp_path, sets.zip_of({"blast/a.png": 1}))
    made = data_set_import(actor=people.administrator, archive=path, slug="ours", **sets.ABOUT)

    def away(*_, **__):
        raise StorageUnavailable("Away.")

    with monkeypatch.context() as patched:
        patched.setattr(storage, "write_once", away)
        assert making.make_slice(data_set_id=made.pk) is True
        assert making.make_slice(data_set_id=made.pk) is False
    made.refresh_from_db()
    assert made.state == SetState.RUNNING
    assert sets.make(made).state == SetState.READY


def test_the_beat_rings_for_what_was_left(tmp_path, people, monkeypatch):
    path = archive(tmp_path, sets.zip_of({"blast/a.png": 1}))
    made = data_set_import(actor=people.administrator, archive=path, slug="ours", **sets.ABOUT)
    DataSet.objects.update(created_at=made.created_at - timedelta(hours=1))
    rung = []
    monkeypatch.setattr("datasets.ringing.ring", rung.append)
    resume()
    assert rung == [made.pk]


def test_an_unexpected_error_is_said_and_not_repeated_for_ever(tmp_path, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError

    monkeypatch.setattr(making, "compare_block", broken)
    found = sets.imported(sets.folder_of(tmp_path / "in", {"blast/a.png": 1}))
    assert found.state == SetState.FAILED
    assert "ZeroDivisionError" in found.error


# From the shell


def test_the_command_imports_a_folder(tmp_path, capsys):
    sets.folder_of(tmp_path / "in", {"blast/a.png": 1, "monocyte/b.png": 2})
    call_command("import_dataset", tmp_path / "in", slug="ours", licence="CC0")
    assert "2 pictures of 2 classes" in capsys.readouterr().out
    found = DataSet.objects.get()
    assert (found.state, found.created_by, found.name) == (SetState.READY, None, "ours")


def test_the_command_imports_a_zip_file(tmp_path, capsys):
    path = archive(tmp_path, sets.zip_of({"blast/a.png": 1}))
    call_command("import_dataset", path, slug="ours", licence="CC0")
    assert "1 pictures" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        pytest.param({"slug": "Our Smears"}, "short name is small letters", id="short name"),
        pytest.param({"slug": "ours", "empty": True}, "no picture with a class", id="empty"),
    ],
)
def test_the_command_says_what_is_wrong(tmp_path, options, sentence):
    root = tmp_path / "in"
    root.mkdir()
    if not options.pop("empty", False):
        sets.folder_of(root, {"blast/a.png": 1})
    with pytest.raises(CommandError, match=sentence):
        call_command("import_dataset", root, licence="CC0", **options)


def test_a_name_that_is_taken_is_said(tmp_path):
    root = sets.folder_of(tmp_path / "in", {"blast/a.png": 1})
    call_command("import_dataset", root, slug="ours", licence="CC0")
    with pytest.raises(CommandError, match="already"):
        call_command("import_dataset", root, slug="ours", licence="CC0")
