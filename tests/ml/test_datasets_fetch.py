"""Archives: fetched from where the publisher says, checked, and unpacked without surprises."""

import hashlib
import io
import json
import shutil
import zipfile
from dataclasses import replace

import pytest
from django.core.management import call_command

from classifier.inference.classes import CLASSES
from datasets.layouts.source import DatasetError, Remote
from ml.datasets import fetch as module
from ml.datasets.fetch import Found, fetch, unpack
from ml.datasets.pbc import ARCHIVE, SOURCE
from tests.ml import sets


def archive(path, files):
    with zipfile.ZipFile(path, "w") as opened:
        for name, data in files.items():
            opened.writestr(name, data)
    return path


@pytest.fixture
def pbc_zip(tmp_path):
    inside = archive(tmp_path / "in.zip", {"PBC/neutrophil/a.jpg": b"jpg", "PBC/readme.pdf": b"x"})
    return archive(
        tmp_path / "out.zip",
        {
            "snkd93bnjr-1/PBC.zip": inside.read_bytes(),
            "__MACOSX/PBC/neutrophil/._a.jpg": b"x",
            "PBC/neutrophil/.DS_1.jpg": b"x",
            "../escape.jpg": b"x",
            "/rooted.jpg": b"x",
            "a/../../b.jpg": b"x",
            "labels/t.csv": b"path,class\n",
        },
    )


def names(folder):
    return sorted(p.relative_to(folder).as_posix() for p in folder.rglob("*") if p.is_file())


def test_only_what_a_set_needs_is_unpacked_and_nothing_leaves_the_folder(tmp_path, pbc_zip):
    target = tmp_path / "deep" / "target"
    unpack(pbc_zip, target)
    assert names(target) == ["PBC/neutrophil/a.jpg", "labels/t.csv", "snkd93bnjr-1/PBC.zip"]
    assert names(tmp_path / "deep") == [f"target/{name}" for name in names(target)]


def test_unpacking_goes_on_where_it_stopped(tmp_path, pbc_zip, monkeypatch):
    target = tmp_path / "target"
    unpack(pbc_zip, target)
    (target / "PBC/neutrophil/a.jpg").write_bytes(b"half")
    written = []
    extract = zipfile.ZipFile.extract
    monkeypatch.setattr(
        zipfile.ZipFile,
        "extract",
        lambda self, member, path: written.append(member.filename) or extract(self, member, path),
    )
    unpack(pbc_zip, target)
    assert written == ["PBC/neutrophil/a.jpg"]
    assert (target / "PBC/neutrophil/a.jpg").read_bytes() == b"jpg"


def test_archives_that_are_damaged_or_too_large_are_said(tmp_path, pbc_zip, monkeypatch):
    (tmp_path / "torn.zip").write_bytes(pbc_zip.read_bytes()[:200])
    with pytest.raises(DatasetError, match=r"torn\.zip cannot be unpacked"):
        unpack(tmp_path / "torn.zip", tmp_path / "target")
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage._replace(free=3))
    with pytest.raises(DatasetError, match="and 3 are free; nothing was unpacked"):
        unpack(pbc_zip, tmp_path / "target")
    assert names(tmp_path / "target") == []


class Reply(io.BytesIO):
    status = 200

    def __init__(self, data, url):
        super().__init__(data)
        self.headers, self.url = {"Content-Length": str(len(data))}, url

    def geturl(self):
        return self.url


@pytest.fixture
def web(monkeypatch):
    """Answers from a dictionary of addresses; `asked` lists what was asked for."""
    pages, asked = {}, []

    def urlopen(request, timeout):
        asked.append(request.full_url)
        if request.full_url not in pages:
            raise OSError("no such host")
        return Reply(pages[request.full_url], request.full_url)

    monkeypatch.setattr("ml.download.urllib.request.urlopen", urlopen)
    return pages, asked


LIST, DIRECT, STATED = (f"https://host.example/{page}" for page in ("list", "direct", "stated"))


def source(*files):
    return replace(SOURCE, files=files)


def listing(data, name="set.zip"):
    details = {"download_url": STATED, "sha256_hash": hashlib.sha256(data).hexdigest()}
    return json.dumps([{"filename": name, "content_details": details}]).encode()


def test_the_hosts_own_list_gives_address_and_checksum(tmp_path, web, pbc_zip):
    pages, _ = web
    data = pbc_zip.read_bytes()
    pages |= {LIST: listing(data), STATED: data, DIRECT: b"img_name,label\n"}
    files = (Remote("set.zip", "https://old.example", listing=LIST), Remote("t.csv", DIRECT))
    folder, found = fetch(source(*files), tmp_path / "downloads")
    assert "PBC/neutrophil/a.jpg" in names(folder)
    assert "t.csv" in names(folder)
    assert found == [
        Found("set.zip", STATED, hashlib.sha256(data).hexdigest(), True),
        Found("t.csv", DIRECT, hashlib.sha256(pages[DIRECT]).hexdigest(), False),
    ]


def test_what_is_there_is_not_fetched_again(tmp_path, web, pbc_zip):
    pages, asked = web
    data = pbc_zip.read_bytes()
    pages |= {LIST: listing(data), STATED: data}
    one = source(Remote("set.zip", "https://old.example", listing=LIST))
    fetch(one, tmp_path / "downloads")
    fetch(one, tmp_path / "downloads")
    assert asked == [LIST, STATED, LIST]
    (tmp_path / "downloads" / "set.zip").write_bytes(b"exchanged")
    fetch(one, tmp_path / "downloads")
    assert asked[-1] == STATED


@pytest.mark.parametrize("page", [None, b"<html>", b"[]", b"{}", b'[{"filename": "set.zip"}]'])
def test_without_a_list_the_checksum_is_not_known_and_that_is_said(tmp_path, web, pbc_zip, page):
    pages, _ = web
    pages[DIRECT] = pbc_zip.read_bytes()
    if page is not None:
        pages[LIST] = page
    _, (found,) = fetch(source(Remote("set.zip", DIRECT, listing=LIST)), tmp_path / "downloads")
    assert (found.origin, found.known) == (DIRECT, False)


def test_a_download_that_fails_says_where_to_fetch_by_hand(tmp_path, web):
    with pytest.raises(DatasetError, match=r"no such host.*by hand from https.*--from FOLDER"):
        fetch(source(Remote("set.zip", DIRECT)), tmp_path / "downloads")


def test_a_known_set_is_downloaded_prepared_and_its_checksums_told(tmp_path, web):
    pages, asked = web
    files = {
        f"PBC_dataset_normal_DIB/{kind}/{kind[:2].upper()}_{seed}.png": sets.save(
            tmp_path / f"{seed}.png", seed
        ).read_bytes()
        for seed, kind in enumerate([*CLASSES, "ig"])
    }
    data = archive(tmp_path / "pbc.zip", files).read_bytes()
    pages |= {ARCHIVE.listing: listing(data, ARCHIVE.name), STATED: data}
    for remote in SOURCE.files[1:]:
        pages[remote.url] = b"img_name,label,cell_size\n"
    pages[SOURCE.files[3].url] += b"MO_3.png,Monocyte,big\n"
    said, folder = io.StringIO(), tmp_path / "data"
    call_command("prepare_dataset", "pbc", "--data", str(folder), stdout=said)
    rows = {row["path"]: row for row in sets.manifest(folder / "pbc")}
    assert len(rows) == 5
    assert rows["pbc/monocyte/MO_3.png"]["split"] == "test"
    assert rows["pbc/monocyte/MO_3.png"]["cell_size"] == "big"
    words = said.getvalue()
    assert words.count("no checksum is known") == 3, "of WBCAtt's tables"
    assert "CC BY 4.0" in words
    report = (folder / "pbc" / "report.md").read_text()
    assert f"{ARCHIVE.name}: SHA-256 {hashlib.sha256(data).hexdigest()} (as expected)" in report
    asked.clear()
    call_command("prepare_dataset", "pbc_other", "--data", str(folder), stdout=said)
    assert asked == [ARCHIVE.listing], "the archive is there already"
    assert [row["class"] for row in sets.manifest(folder / "pbc_other")] == ["ig"]
