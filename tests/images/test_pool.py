"""The helper process: limits hold, crashes stay inside, threads and forks are safe, nothing stays."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import psutil
import pytest

from patients.images import DecoderUnavailable, ImageRefused
from patients.images.pool import ChildLimits, DecoderPool

pytestmark = pytest.mark.local_shape  # neither database nor store
TASK = "tests.images.hooks:run"
ROOT = Path(__file__).resolve().parents[2]


@pytest.fixture
def pool() -> Iterator[DecoderPool]:
    small = ChildLimits(memory=512 * 2**20, cpu=1, wall=3, output=2**20)
    made = DecoderPool(TASK, child=small, children=4)
    yield made
    made.close()


def code_of(pool: DecoderPool, **head: object) -> str:
    with pytest.raises(ImageRefused) as refused:
        pool.run(head, [])
    return refused.value.code


def ended(pid: int, within: float = 5) -> bool:
    deadline = time.monotonic() + within
    while psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE:
        if time.monotonic() > deadline:
            return False
        time.sleep(0.02)
    return True


def wait_for_child(zygote: int) -> psutil.Process:
    deadline = time.monotonic() + 5
    while time.monotonic() < deadline:
        if children := psutil.Process(zygote).children():
            return children[0]
        time.sleep(0.01)
    raise AssertionError("no child was started")


def test_each_call_has_a_process_of_its_own(pool: DecoderPool):
    first, blocks = pool.run({"do": "echo"}, [b"one", b""])
    second, _ = pool.run({"do": "echo"}, [])
    assert blocks == [b"one", b""]
    assert first["pid"] != second["pid"]
    assert first["zygote"] == second["zygote"] == pool.pid
    assert pool.starts == 1


def test_a_memory_bomb_is_refused():
    patient = DecoderPool(TASK, child=ChildLimits(memory=512 * 2**20))
    assert code_of(patient, do="memory") == "memory"
    assert patient.run({"do": "echo"}, [])[0]["do"] == "echo"
    patient.close()


def test_a_busy_loop_is_refused(pool: DecoderPool):
    assert code_of(pool, do="spin") == "timeout"


def test_a_sleeper_is_refused(pool: DecoderPool):
    assert code_of(pool, do="sleep") == "timeout"


@pytest.mark.slow
def test_a_child_that_will_not_hear_is_killed(pool: DecoderPool):
    with pytest.raises(DecoderUnavailable):
        pool.run({"do": "deaf"}, [])
    assert not psutil.Process(pool.pid).children()


@pytest.mark.parametrize("do", ["crash", "raise", "no such thing"])
def test_a_crash_stays_inside(pool: DecoderPool, do: str):
    assert code_of(pool, do=do) == "corrupt"
    assert pool.run({"do": "echo"}, [])[0]["do"] == "echo"
    assert pool.starts == 1


def test_too_long_an_answer_is_refused(pool: DecoderPool):
    assert code_of(pool, do="flood") == "memory"


def test_a_child_killed_from_outside_may_be_tried_again(pool: DecoderPool):
    pool.run({"do": "echo"}, [])

    def kill() -> None:
        wait_for_child(pool.pid).kill()

    killer = threading.Thread(target=kill)
    killer.start()
    with pytest.raises(DecoderUnavailable) as error:
        pool.run({"do": "sleep"}, [])
    killer.join()
    assert error.value.retryable
    assert "nothing was lost" in error.value.message


def test_a_killed_zygote_is_started_anew(pool: DecoderPool):
    for starts in range(2, 8):  # several times: a dying process looks alive for a moment
        pool.run({"do": "echo"}, [])
        os.kill(pool.pid, signal.SIGKILL)
        assert pool.run({"do": "echo"}, [])[0]["do"] == "echo"
        assert pool.starts == starts


def test_a_zygote_killed_at_work_costs_nobody_an_answer(pool: DecoderPool):
    pool.run({"do": "echo"}, [])
    with ThreadPoolExecutor(4) as threads:
        waiting = [threads.submit(pool.run, {"do": "sleep", "seconds": 0.5}, []) for _ in range(4)]
        child = wait_for_child(pool.pid)
        os.kill(pool.pid, signal.SIGKILL)
        assert all(future.result()[0] == {"slept": True} for future in waiting)
    assert pool.starts == 2
    assert ended(child.pid)


def test_a_zygote_that_dies_twice_is_a_fault_of_ours(pool: DecoderPool):
    stop = threading.Event()

    def keep_killing() -> None:
        while not stop.is_set():
            if pid := pool.pid:
                try:
                    if psutil.Process(pid).children():
                        os.kill(pid, signal.SIGKILL)
                except (psutil.Error, ProcessLookupError):
                    pass
            time.sleep(0.005)

    killer = threading.Thread(target=keep_killing)
    killer.start()
    try:
        with pytest.raises(DecoderUnavailable):
            pool.run({"do": "sleep", "seconds": 2}, [])
    finally:
        stop.set()
        killer.join()


def test_a_frozen_zygote_is_given_up(pool: DecoderPool, monkeypatch):
    pool.run({"do": "echo"}, [])
    monkeypatch.setattr("patients.images.pool._GRACE_SECONDS", -2)
    frozen = pool.pid
    os.kill(frozen, signal.SIGSTOP)
    with pytest.raises(DecoderUnavailable):
        pool.run({"do": "echo"}, [])
    assert ended(frozen)
    monkeypatch.undo()
    assert pool.run({"do": "echo"}, [])[0]["do"] == "echo"


def test_a_task_that_cannot_be_loaded_is_a_fault_of_ours():
    broken = DecoderPool("tests.images.no_such_module:run")
    with pytest.raises(DecoderUnavailable):
        broken.run({}, [])
    assert broken.pid is None


def test_sixteen_threads_at_once(pool: DecoderPool):
    with ThreadPoolExecutor(16) as threads:
        answers = list(threads.map(lambda n: pool.run({"do": "echo", "n": n}, []), range(200)))
    assert [head["n"] for head, _ in answers] == list(range(200))
    assert pool.starts == 1


def test_no_descriptor_is_left_open(pool: DecoderPool):
    pool.run({"do": "echo"}, [])
    own = psutil.Process().num_fds()
    at_first = pool.run({"do": "environment"}, [])[0]["highest"]
    for _ in range(20):
        pool.run({"do": "echo"}, [b"x"])
    assert psutil.Process().num_fds() == own
    # The zygote's own cannot be counted from outside; a leak there would push up the numbers that
    # its children get. It closes the last pipe after it has reported, hence the two.
    assert pool.run({"do": "environment"}, [])[0]["highest"] <= at_first + 2


def test_the_child_sees_no_secret_and_no_other_child(pool: DecoderPool, monkeypatch):
    monkeypatch.setenv("TELEHEME_SECRET_KEY", "secret-of-the-parent")
    head, _ = pool.run({"do": "environment"}, [])
    assert "secret-of-the-parent" not in str(head)
    assert set(head["environment"]) <= {
        "LC_ALL",
        "OMP_NUM_THREADS",
        "OPENBLAS_NUM_THREADS",
        "PYTHONHASHSEED",
    }
    assert head["open"] <= 6  # three standard ones to nowhere, request, answer, and the null device


@pytest.mark.skipif(sys.platform != "linux", reason="the filter is Linux's")
def test_the_child_can_open_nothing_and_start_nothing(pool: DecoderPool):
    head, _ = pool.run({"do": "attempts"}, [])
    assert head["done"] == []


def test_a_forked_process_starts_its_own(pool: DecoderPool):
    pool.run({"do": "echo"}, [])
    read, write = os.pipe()
    child = os.fork()
    if child == 0:
        try:
            mine, _ = pool.run({"do": "echo"}, [])
            os.write(write, str(mine["zygote"]).encode())
            pool.close()
        finally:
            os._exit(0)
    os.close(write)
    other = int(os.read(read, 20))
    os.close(read)
    os.waitpid(child, 0)
    assert other != pool.pid
    assert ended(other)
    assert pool.run({"do": "echo"}, [])[0]["zygote"] == pool.pid


SCRIPT = """
import os, signal, sys, time
from patients.images.pool import DecoderPool
pool = DecoderPool("tests.images.hooks:run")
print(pool.run({"do": "echo"}, [])[0]["zygote"], flush=True)
{end}
"""


@pytest.mark.parametrize(
    "end", ["pass", "os._exit(1)", "os.kill(os.getpid(), signal.SIGKILL)", "1 / 0"]
)
def test_nothing_is_left_when_the_parent_ends(end: str):
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT.replace("{end}", end)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended(int(done.stdout))


def test_no_child_outlives_a_parent_killed_at_work():
    end = 'pool.run({"do": "sleep"}, [])'
    with subprocess.Popen(
        [sys.executable, "-c", SCRIPT.replace("{end}", end)], cwd=ROOT, stdout=subprocess.PIPE
    ) as parent:
        zygote = int(parent.stdout.readline())
        child = wait_for_child(zygote).pid
        parent.kill()
    assert ended(zygote)
    assert ended(child)
