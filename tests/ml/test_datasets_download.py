"""Downloads against a server that breaks, lies, or sends the wrong thing."""

import hashlib
import io
import urllib.error

import pytest

from ml import download as module
from ml.download import DownloadError, download

CONTENT = bytes(range(256)) * 40
SHA256 = hashlib.sha256(CONTENT).hexdigest()
URL = "https://example.org/set.zip"


class Reply(io.BytesIO):
    def __init__(self, data, status, length=None, url=URL):
        super().__init__(data)
        self.status, self.url = status, url
        self.headers = {"Content-Length": str(len(data) if length is None else length)}

    def geturl(self):
        return self.url


@pytest.fixture
def server(monkeypatch):
    """Answers range requests for CONTENT; `asked` lists the first byte of each."""
    asked = []

    def urlopen(request, timeout):
        start = int(request.headers.get("Range", "bytes=0-").removeprefix("bytes=")[:-1])
        asked.append(start)
        if start >= len(CONTENT):
            raise urllib.error.HTTPError(URL, 416, "Range Not Satisfiable", {}, None)
        return Reply(CONTENT[start:], 206 if start else 200)

    monkeypatch.setattr(module.urllib.request, "urlopen", urlopen)
    return asked


def answer(monkeypatch, reply):
    monkeypatch.setattr(module.urllib.request, "urlopen", lambda request, timeout: reply)


def test_it_goes_on_where_it_stopped(tmp_path, server):
    target = tmp_path / "deep" / "set.zip"
    target.parent.mkdir()
    (tmp_path / "deep" / "set.zip.part").write_bytes(CONTENT[:3000])
    assert download(URL, target, checksum=SHA256) == SHA256
    assert server == [3000]
    assert target.read_bytes() == CONTENT


def test_a_part_that_was_complete_is_only_checked(tmp_path, server):
    (tmp_path / "set.zip.part").write_bytes(CONTENT)
    assert download(URL, tmp_path / "set.zip") == SHA256
    assert (tmp_path / "set.zip").read_bytes() == CONTENT


def test_a_server_that_sends_all_of_it_again_is_understood(tmp_path, monkeypatch):
    (tmp_path / "set.zip.part").write_bytes(b"old")
    answer(monkeypatch, Reply(CONTENT, 200))
    assert download(URL, tmp_path / "set.zip", checksum=SHA256) == SHA256


def test_other_algorithms(tmp_path, server):
    md5 = hashlib.md5(CONTENT).hexdigest()
    assert download(URL, tmp_path / "w.h5", checksum=md5, algorithm="md5") == md5


def test_a_damaged_file_is_thrown_away(tmp_path, server):
    with pytest.raises(DownloadError, match=r"damaged or was exchanged.*try again"):
        download(URL, tmp_path / "set.zip", checksum="0" * 64)
    assert list(tmp_path.iterdir()) == []


def test_a_broken_connection_keeps_what_came(tmp_path, monkeypatch):
    answer(monkeypatch, Reply(CONTENT[:500], 200, length=len(CONTENT)))
    with pytest.raises(DownloadError, match=r"broke after 500 of 10,240 bytes.*is kept"):
        download(URL, tmp_path / "set.zip")
    assert (tmp_path / "set.zip.part").read_bytes() == CONTENT[:500]
    assert not (tmp_path / "set.zip").exists()


def test_an_unreachable_server_keeps_what_came(tmp_path, monkeypatch):
    def urlopen(*_, **__):
        raise OSError("no route")

    monkeypatch.setattr(module.urllib.request, "urlopen", urlopen)
    (tmp_path / "set.zip.part").write_bytes(b"abc")
    with pytest.raises(DownloadError, match=r"no route.*the next try goes on"):
        download(URL, tmp_path / "set.zip")
    assert (tmp_path / "set.zip.part").read_bytes() == b"abc"


def test_only_https_and_nowhere_else(tmp_path, monkeypatch):
    with pytest.raises(DownloadError, match="https only"):
        download("http://example.org/set.zip", tmp_path / "set.zip")
    answer(monkeypatch, Reply(CONTENT, 200, url="http://elsewhere.example/set.zip"))
    with pytest.raises(DownloadError, match="not https"):
        download(URL, tmp_path / "set.zip")
    assert not (tmp_path / "set.zip").exists()
