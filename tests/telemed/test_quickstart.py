"""``manage.py quickstart`` as a person meets it: it starts, restarts, refuses and leaves nothing."""

import os
import signal
import socket
import sqlite3
from pathlib import Path

import pytest

from tests.environment import SHAPE
from tests.servers.stack import Stack
from tests.servers.valkey import wait_until

pytestmark = [
    pytest.mark.slow,
    pytest.mark.xdist_group("quickstart"),
    pytest.mark.skipif(SHAPE != "local", reason="quickstart's own database and queue server"),
]


@pytest.fixture
def stack(tmp_path):
    """Without the demonstration; whatever a test does to it, it is ended."""
    stacks = []

    def make(directory: Path, *options: str, port: int = 0, **environment: str) -> Stack:
        stacks.append(Stack(directory, "--no-demo", *options, port=port, environment=environment))
        return stacks[-1]

    yield make
    for each in stacks:
        each.end()


def refusal(stack: Stack) -> str:
    """What a start that fails says after its first line; it must be one line and no traceback."""
    stack.launch()
    assert stack.wait_ended(seconds=60) == 1
    said = stack.said()
    assert "Traceback" not in said
    return said.strip().splitlines()[-1]


def test_it_starts_in_a_long_path_with_odd_characters_and_ctrl_c_leaves_no_process(stack, tmp_path):
    running = stack(tmp_path / ("sp ace %41 #ä" + "y" * 90) / "data").start()

    assert running.get("/health/live")[0] == 200
    assert oct(running.data_dir.stat().st_mode & 0o777) == "0o700"
    assert (running.data_dir / "teleheme.sqlite3").stat().st_mode & 0o077 == 0

    running.ask_to_stop(signal.SIGINT)
    assert running.wait_ended() == 0
    assert "Everything is kept" in running.said()


def test_a_second_start_finds_its_data_again(stack, tmp_path):
    first = stack(tmp_path / "data").start()
    key = (first.data_dir / "secret_key").read_text()
    first.ask_to_stop(signal.SIGTERM)
    assert first.wait_ended() == 0
    with sqlite3.connect(first.data_dir / "teleheme.sqlite3") as database:
        database.execute(
            "INSERT INTO django_session (session_key, session_data, expire_date) "
            "VALUES ('kept', '', '2099-01-01')"
        )
    database.close()

    second = stack(tmp_path / "data").start()

    assert (second.data_dir / "secret_key").read_text() == key
    assert "unchanged" in second.said()  # the static files
    database = sqlite3.connect(second.data_dir / "teleheme.sqlite3")
    keys = database.execute("SELECT session_key FROM django_session").fetchall()
    database.close()
    assert keys == [("kept",)]


def test_a_killed_supervisor_takes_everything_with_it(stack, tmp_path):
    running = stack(tmp_path / "data").start()
    assert len(running.processes()) > 5

    os.kill(running.process.pid, signal.SIGKILL)

    assert running.wait_ended() == -signal.SIGKILL
    again = stack(tmp_path / "data").start()
    assert again.get("/health/live")[0] == 200


def test_programs_that_die_are_started_again(stack, tmp_path):
    running = stack(tmp_path / "data").start()
    for number, program in enumerate(("gunicorn", "worker", "valkey-server"), start=1):
        first = running.named(program)

        first.kill()
        wait_until(
            lambda number=number, program=program, first=first: (
                running.said().count("it starts again") >= number
                and [
                    p
                    for p in running.processes()
                    if program in " ".join(p.cmdline()) and p != first
                ]
            ),
            seconds=60,
            what=f"a new {program}",
        )

        wait_until(
            lambda: '"queue": "ok"' in running.get("/health/ready")[1],
            seconds=60,
            what="the web server answers, and reaches the queue",
        )


def test_a_second_instance_on_the_same_directory_is_refused_and_harms_nothing(stack, tmp_path):
    running = stack(tmp_path / "data").start()

    said = refusal(stack(tmp_path / "data"))

    assert said.startswith("TeleHeme already runs on the data directory")
    assert running.address in said
    assert running.get("/health/live")[0] == 200


def test_a_busy_port_is_said_in_one_sentence(stack, tmp_path):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = refusal(stack(tmp_path / "data", port=port))
    assert said.startswith(f"Port {port} is in use by another program.")


def test_a_port_that_does_not_exist_is_said(stack, tmp_path):
    assert refusal(stack(tmp_path / "data", port=99999)) == (
        "There is no port 99999: ports are 0 to 65535."
    )


def test_a_data_directory_that_is_a_file_is_said(stack, tmp_path):
    (tmp_path / "data").write_text("a letter to my mother")
    said = refusal(stack(tmp_path / "data"))
    assert "cannot be used: it, or a part of its path, is a file" in said
    assert (tmp_path / "data").read_text() == "a letter to my mother"


def test_a_data_directory_that_cannot_be_written_is_said(stack, tmp_path):
    read_only = Path("/proc/teleheme")  # nobody, not even root, makes a directory there
    unwritable = stack(read_only)
    unwritable.output = tmp_path / "output.txt"
    assert refusal(unwritable).startswith("The data directory /proc/teleheme cannot be used:")


def test_a_broken_database_is_said_and_left_alone(stack, tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "teleheme.sqlite3").write_bytes(b"not a database at all" * 100)
    said = refusal(stack(tmp_path / "data"))
    assert "file is not a database" in said
    assert "Restore it from a backup" in said
    assert (tmp_path / "data" / "teleheme.sqlite3").read_bytes().startswith(b"not a database")


def test_a_directory_with_other_peoples_files_keeps_its_permissions(stack, tmp_path):
    shared = tmp_path / "data"
    shared.mkdir(mode=0o755)
    (shared / "thesis.txt").write_text("chapter one")
    running = stack(shared).start()
    assert oct(shared.stat().st_mode & 0o777) == "0o755"
    assert (running.data_dir / "media").stat().st_mode & 0o077 == 0


def test_production_is_not_for_quickstart(stack, tmp_path):
    from tests.telemed.test_production import GOOD

    said = refusal(stack(tmp_path / "data", **GOOD))
    assert said.startswith("quickstart is for one machine")
