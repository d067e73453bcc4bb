"""``manage.py quickstart``: the whole of TeleHeme on this machine, under one supervisor."""

import http.client
import io
import json
import os
import sys
import time
from argparse import ArgumentParser
from collections.abc import Callable
from contextlib import closing, suppress
from importlib.util import find_spec
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.auth import get_user_model
from django.contrib.staticfiles.finders import get_finders
from django.core.management import call_command
from django.core.management.base import BaseCommand
from django.db import DatabaseError, connections

from telemed import demo, health, local
from telemed.environment import flag
from telemed.supervisor import ProgramFailed, Supervisor

READY_WITHIN = 60.0  # seconds


class Stopped(Exception):
    """Somebody asked to stop while the programs were still starting."""


class Command(BaseCommand):
    help = "Run web server, workers, timer and queue server on this machine until Ctrl-C."
    requires_system_checks = ()  # a broken database is said in our words

    greeted = False

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--port", type=int, default=8000, help="0 takes a free one")
        parser.add_argument("--host", default="127.0.0.1", help="address to listen on")
        # Read by manage.py before the settings; listed here for --help.
        parser.add_argument("--data-dir", help="where everything is kept (default: var/)")
        parser.add_argument("--no-demo", action="store_true", help="no demonstration cases")

    def handle(self, *args: Any, **options: Any) -> None:
        os.umask(0o077)
        supervisor = self.supervisor = Supervisor(self.say)
        try:
            self.start(supervisor, options)
            supervisor.run()
        except Stopped:
            pass
        except (local.CannotStart, ProgramFailed) as reason:
            self.stderr.write(str(reason))
            sys.exit(1)
        except KeyboardInterrupt:
            self.stderr.write("Stopped before it had started.")
            sys.exit(130)
        finally:
            if supervisor.programs:
                self.say("Stopping: the cell images being read are finished first ...")
                supervisor.stop()
                self.say("Stopped. Everything is kept; the next start finds it again.")

    def say(self, text: str) -> None:
        with suppress(OSError, ValueError):  # the terminal may be gone; the programs are not
            self.stdout.write(text)
            self.stdout.flush()

    def start(self, supervisor: Supervisor, options: dict[str, Any]) -> None:
        if settings.PRODUCTION:
            raise local.CannotStart(
                "quickstart is for one machine without TELEHEME_MODE=production; "
                "docs/operations.md says how to run production."
            )
        directory: Path = settings.DATA_DIR
        self.say(f"TeleHeme starts; its data is in {directory}")
        local.prepare_directory(directory)
        self.lock = local.lock_directory(directory)
        # Kept for as long as we run: every new web server inherits it.
        self.listener = listener = local.listen(options["host"], options["port"])
        port = listener.getsockname()[1]
        host = "localhost" if options["host"] in {"127.0.0.1", "0.0.0.0", "::"} else options["host"]  # noqa: S104
        address = f"http://{host}:{port}"
        local.sign_lock(self.lock, address=address)
        local.set_long_logs_aside(directory)
        environment = local.environment(directory, host=options["host"], address=address)

        self.step("database", self.migrate)
        self.step("static files", self.collect_static)
        supervisor.listen()
        if not os.environ.get("TELEHEME_BROKER_URL"):
            keep = self.lock.fileno()
            supervisor.start(local.queue_server(directory, environment, keep=keep))
            self.step("queue server", lambda: self.wait_for_queue(supervisor))
        self.step("model", self.register_model)
        connections.close_all()
        supervisor.start(local.worker(directory, environment))
        if trains():
            supervisor.start(local.training_worker(directory, environment))
        supervisor.start(local.beat(directory, environment))
        if not options["no_demo"]:
            supervisor.run_once(local.seeding(directory, environment), self.seeded)
        supervisor.start(local.web(directory, environment, listener=listener.fileno()))
        self.step("web server", lambda: self.wait_for_web(supervisor, listener.getsockname()))
        if not options["no_demo"]:
            self.step("demonstration", lambda: self.wait_for_people(supervisor))
        self.greet(address, directory, demo_users=not options["no_demo"])

    def step(self, name: str, action: Callable[[], str | None]) -> None:
        begun = time.monotonic()
        note = action()
        if self.supervisor.stops:
            raise Stopped
        self.say(f"  {name:<14} {note or 'ready':<28} {time.monotonic() - begun:5.1f} s")

    def migrate(self) -> str:
        try:
            call_command("migrate", interactive=False, verbosity=0, stdout=io.StringIO())
        except (DatabaseError, OSError) as error:
            database = settings.DATABASES["default"]
            name = database["NAME"]
            if database["ENGINE"].endswith("sqlite3"):
                raise local.CannotStart(
                    f"The database {name} cannot be used: {error}. Restore it from a backup, "
                    "or move it away to start with an empty one; nothing was changed."
                ) from None
            raise local.CannotStart(
                f"The database {name} of DATABASE_URL cannot be used: {str(error).strip()}"
            ) from None
        return "ready" if database_is_local() else "ready (DATABASE_URL)"

    def collect_static(self) -> str:
        found: dict[str, Path] = {}
        for finder in get_finders():
            for path, storage in finder.list([]):
                found.setdefault(path, Path(storage.path(path)))
        fingerprint = local.static_fingerprint(found)
        stamp = settings.STATIC_ROOT.with_suffix(".stamp")
        if stamp.is_file() and stamp.read_text() == fingerprint and settings.STATIC_ROOT.is_dir():
            return "unchanged"
        stamp.unlink(missing_ok=True)
        call_command("collectstatic", interactive=False, clear=True, verbosity=0)
        stamp.write_text(fingerprint)
        return f"{len(found)} files"

    def wait_for_queue(self, supervisor: Supervisor) -> None:
        import redis

        path = str(local.local_socket(settings.DATA_DIR))
        with closing(redis.Redis(unix_socket_path=path, socket_timeout=2)) as client:

            def answers() -> bool:
                with suppress(redis.RedisError):
                    return bool(client.ping())
                return False

            if not supervisor.wait(answers, seconds=READY_WITHIN) and not supervisor.stops:
                raise local.CannotStart(
                    f"The queue server does not answer. Its log: {supervisor.programs[0].log}"
                )

    def register_model(self) -> str:
        from classifier.services import ensure_shipped_model

        version = ensure_shipped_model()
        return version.model_id if version else "none shipped"

    def wait_for_people(self, supervisor: Supervisor) -> str:
        """The demonstration's people are there to sign in; its cases may follow."""
        emails = [person.email for person in demo.PEOPLE]

        def there() -> bool:
            if not supervisor.errands:
                return True
            return get_user_model().objects.filter(email__in=emails).count() == len(emails)

        supervisor.wait(there, seconds=READY_WITHIN)
        # Where everything is made already, the errand ends in a moment; else it goes on beside us.
        supervisor.wait(lambda: not supervisor.errands, seconds=10)
        connections.close_all()
        return "being made" if supervisor.errands else "ready"

    def seeded(self, status: int) -> None:
        if status:
            log = settings.DATA_DIR / "logs" / "seed.log"
            self.say(
                f"The demonstration's cases could not all be made; everything else works. See {log}"
            )
        elif self.greeted:
            self.say("The demonstration's cases are all there.")

    def wait_for_web(self, supervisor: Supervisor, address: tuple) -> str:
        answer: dict[str, Any] = {}

        def answers() -> bool:
            with suppress(OSError, ValueError, http.client.HTTPException):
                host, port = reachable(address)[:2]
                client = http.client.HTTPConnection(host, port, timeout=5)
                with closing(client):
                    client.request("GET", "/health/ready", headers={"Host": "localhost"})
                    answer.update(json.loads(client.getresponse().read()))
            return bool(answer) and not failing() - {"model"}

        def failing() -> set[str]:
            states = answer.get("checks", {})
            return {name for name, state in states.items() if state != "ok"} - health.ADVISORY

        if not supervisor.wait(answers, seconds=READY_WITHIN) and not supervisor.stops:
            raise local.CannotStart(
                "The web server did not become ready"
                + (f": {', '.join(sorted(failing()))} failed." if failing() else ".")
                + f" Its log: {supervisor.programs[-1].log}"
            )
        return "no model: pictures will wait" if failing() else "ready"

    def greet(self, address: str, directory: Path, *, demo_users: bool) -> None:
        self.greeted = True
        self.say(f"\nTeleHeme is ready: {address}\n")
        if demo_users:
            for person in demo.PEOPLE:
                self.say(f"  {person.role:<14} {person.email}")
            self.say(f"  password       {demo.PASSWORD}   (the same for each)\n")
        else:
            self.say("  Make the first administrator with: manage.py createsuperuser\n")
        self.say(f"Logs are in {directory / 'logs'}. Stop with Ctrl-C.")


def trains() -> bool:
    """Whether this machine can train, and nobody said that it shall not."""
    return flag("TELEHEME_TRAINING_WORKER", default=True) and bool(find_spec("tensorflow"))


def database_is_local() -> bool:
    return settings.DATABASES["default"]["ENGINE"].endswith("sqlite3")


def reachable(address: tuple) -> tuple:
    """Where to ask a socket that listens on every address."""
    return ({"0.0.0.0": "127.0.0.1", "::": "::1"}.get(address[0], address[0]), *address[1:])  # noqa: S104
