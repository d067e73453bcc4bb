"""A web server killed in the middle of an upload leaves nothing half, and no file for ever."""

import os
import signal
import sys
import time
from datetime import timedelta
from pathlib import Path

import psutil

from audit.models import AuditEvent
from patients.models import SmearImage
from patients.services.orphans import OLD_ENOUGH
from patients.tasks import sweep_orphan_pictures
from tests.servers import engine
from tests.servers.reading import draft_case
from tests.servers.upload import PLACES
from tests.servers.valkey import wait_until
from tests.servers.worker import Process


def files(lab) -> set[Path]:
    return {path for path in (lab.directory / "media").rglob("*") if path.is_file()}


def sweep_after(lab, waited: timedelta) -> None:
    """Sweep as if that much time had gone by since every file was written."""
    for path in files(lab):
        at = time.time() - waited.total_seconds()
        os.utime(path, (at, at))
    sweep_orphan_pictures()


def upload(lab, case, place: str) -> int:
    """The exit status, once nothing of the process is left, its confined children included."""
    command = [sys.executable, "-m", "tests.servers.upload", str(case.pk), "2", place]
    process = Process(command, log=lab.directory / "upload.log", environment=lab.environment)
    lab.processes.append(process)
    status = process.process.wait(timeout=90)
    wait_until(lambda: not in_session(process.pid), what="its children have ended")
    return status


def in_session(leader: int) -> list[psutil.Process]:
    found = []
    for process in psutil.process_iter(["status"]):
        try:
            if os.getsid(process.pid) == leader and process.info["status"] != "zombie":
                found.append(process)
        except ProcessLookupError:
            continue
    return found


def test_an_upload_killed_anywhere_is_not_there_and_its_files_go(lab):
    case = draft_case(lab.people, [engine.picture(1)])
    before = files(lab)
    for place in PLACES:
        status = upload(lab, case, place)
        assert status == -signal.SIGKILL, f"{place}: {lab.log('upload')[-3000:]}"
        assert SmearImage.objects.count() == 1, place
        assert not AuditEvent.objects.filter(action="image.received").exists(), place
        left = files(lab) - before
        assert left, f"{place}: nothing was written, so nothing was tried"

        # For an hour it may be an upload that is still under way.
        sweep_after(lab, OLD_ENOUGH - timedelta(minutes=1))
        assert files(lab) == before | left, place
        sweep_after(lab, OLD_ENOUGH + timedelta(minutes=1))
        assert files(lab) == before, place
        lab.all_hold()

    # The browser sends it again under the same key.
    assert upload(lab, case, "nowhere") == 0, lab.log("upload")[-3000:]
    assert SmearImage.objects.filter(case=case, upload_key="one-upload").count() == 1
    sweep_after(lab, 2 * OLD_ENOUGH)
    assert len(files(lab)) == len(before) + 2
    lab.all_hold()
