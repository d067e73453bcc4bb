"""Tasks that misbehave in the child, on request. Loaded by the zygote in place of the decoder."""

import ctypes
import os
import resource
import signal
import socket
import threading
import time
from pathlib import Path
from typing import Any

from patients.images.packing import Message


def run(head: dict[str, Any], blocks: list[bytes]) -> Message:
    return globals()[f"_{head['do']}"](head, blocks)


def _echo(head: dict[str, Any], blocks: list[bytes]) -> Message:
    return {"pid": os.getpid(), "zygote": os.getppid(), **head}, blocks


def _environment(head: dict[str, Any], blocks: list[bytes]) -> Message:
    numbers = _open_descriptors()
    return {"environment": dict(os.environ), "open": len(numbers), "highest": max(numbers)}, []


def _open_descriptors() -> list[int]:
    found = []
    for number in range(256):
        try:
            os.fstat(number)
        except OSError:
            continue
        found.append(number)
    return found


def _memory(head: dict[str, Any], blocks: list[bytes]) -> Message:
    hoard = []
    while True:
        hoard.append(bytearray(64 * 2**20))


def _spin(head: dict[str, Any], blocks: list[bytes]) -> Message:
    while True:
        pass


def _sleep(head: dict[str, Any], blocks: list[bytes]) -> Message:
    time.sleep(head.get("seconds", 3600))
    return {"slept": True}, []


def _deaf(head: dict[str, Any], blocks: list[bytes]) -> Message:
    signal.signal(signal.SIGALRM, signal.SIG_IGN)
    while True:
        time.sleep(1)


def _crash(head: dict[str, Any], blocks: list[bytes]) -> Message:
    ctypes.string_at(0)
    return {}, []


def _raise(head: dict[str, Any], blocks: list[bytes]) -> Message:
    raise RuntimeError("unexpected")


def _flood(head: dict[str, Any], blocks: list[bytes]) -> Message:
    return {}, [bytes(8 * 2**20)]


def _attempts(head: dict[str, Any], blocks: list[bytes]) -> Message:
    """Which forbidden things work in here."""
    done = []
    tries = {
        "socket": lambda: socket.socket(),
        "open": lambda: Path("/etc/hostname").read_bytes(),
        "fork": lambda: os._exit(0) if os.fork() == 0 else None,
        "program": lambda: os.execv("/bin/true", ["true"]),
        "kill": lambda: os.kill(os.getppid(), 0),
        "thread": lambda: threading.Thread(target=int).start(),
        "limits": lambda: resource.setrlimit(resource.RLIMIT_AS, (-1, -1)),
    }
    for name, attempt in tries.items():
        try:
            attempt()
        except (OSError, RuntimeError, ValueError):
            continue
        done.append(name)
    return {"done": done}, []


def nonsense(head: dict[str, Any], blocks: list[bytes]) -> Message:
    """What a child that was taken over might answer."""
    answers: dict[str, Message] = {
        "no blocks": ({"width": 96, "height": 96, "warnings": []}, []),
        "not a picture": ({"width": 96, "height": 96, "warnings": []}, [b"<html>", b"<html>"]),
        "wrong keys": ({"hello": 1}, blocks),
        "the original": ({"width": 128, "height": 96, "warnings": []}, [blocks[0], blocks[0]]),
        "odd refusal": ({"refused": ["x"], "message": None}, []),
    }
    kinds = list(answers)
    return answers[kinds[len(blocks[0]) % len(kinds)]]
