"""The shape of production: compose file, image and proxy, as far as they can be read without an engine."""

import re
import subprocess
import sys
from pathlib import Path

import yaml

ROOT = Path(__file__).resolve().parents[2]
COMPOSE = yaml.safe_load((ROOT / "docker-compose.yml").read_text())
SERVICES = COMPOSE["services"]
OURS = ("migrate", "web", "worker", "training", "beat")


def test_every_part_of_production_is_there():
    assert set(SERVICES) == {
        *OURS,
        *("proxy", "postgres", "valkey", "store", "bucket"),
    }


def test_only_the_proxy_is_reached_from_outside():
    assert [name for name, service in SERVICES.items() if "ports" in service] == ["proxy"]
    assert COMPOSE["networks"]["inside"]["internal"] is True
    outside = {n for n, s in SERVICES.items() if "outside" in s.get("networks", ())}
    assert outside == {"proxy", "web", "training"}, "who trains fetches ImageNet's weights"


def test_no_secret_has_a_default():
    text = (ROOT / "docker-compose.yml").read_text()
    used = re.findall(r"\$\{([A-Z_0-9]+)([^}]*)\}", text)
    for name, rest in used:
        if name != "TELEHEME_VERSION":
            assert rest.startswith(":?"), f"{name} must be required"
    for service in SERVICES.values():
        for name, value in service.get("environment", {}).items():
            if re.search("PASSWORD|SECRET|ROOT_USER|ACCESS_KEY|AUTH$|_URL$|MC_HOST", name):
                assert "${" in value, f"{name} is written into the file"


def test_the_example_names_every_variable_and_no_value():
    text = (ROOT / "docker-compose.yml").read_text()
    required = set(re.findall(r"\$\{([A-Z_0-9]+):\?", text))
    lines = [line for line in (ROOT / ".env.example").read_text().splitlines() if line]
    example = dict(line.split("=", 1) for line in lines if not line.startswith("#"))
    assert set(example) == required
    assert set(example.values()) == {""}


def test_our_containers_are_not_root_and_cannot_write_their_own_code():
    for name in OURS:
        assert SERVICES[name]["read_only"] is True
        assert SERVICES[name]["cap_drop"] == ["ALL"]
        assert "no-new-privileges:true" in SERVICES[name]["security_opt"]
    instructions = (ROOT / "Dockerfile").read_text()
    assert re.findall(r"^USER (\S+)", instructions, re.M)[-1] == "10001:10001"


def test_nothing_starts_before_what_it_needs():
    for name in ("web", "worker", "training", "beat"):
        needs = SERVICES[name]["depends_on"]
        assert needs["migrate"]["condition"] == "service_completed_successfully"
        assert needs["valkey"]["condition"] == "service_healthy"
    assert SERVICES["migrate"]["depends_on"]["postgres"]["condition"] == "service_healthy"
    assert SERVICES["migrate"]["restart"] == "no"
    assert SERVICES["proxy"]["depends_on"]["web"]["condition"] == "service_healthy"
    for name in ("proxy", "postgres", "valkey", "store", "worker"):
        assert SERVICES[name]["healthcheck"]["test"]


def test_what_was_received_survives_a_restart():
    assert any(v.startswith("postgres:") for v in SERVICES["postgres"]["volumes"])
    assert any(v.startswith("pictures:") for v in SERVICES["store"]["volumes"])
    command = SERVICES["valkey"]["command"]
    options = dict(zip(command[1::2], command[2::2], strict=True))
    assert options["--appendonly"] == "yes"
    assert options["--maxmemory-policy"] == "noeviction"
    assert "--requirepass" in options


def test_the_worker_reads_every_queue_and_may_finish_a_task():
    from telemed.celery import CLASSIFY_QUEUES, HARD_LIMIT

    command = SERVICES["worker"]["command"]
    assert command[command.index("--queues") + 1].split(",") == list(CLASSIFY_QUEUES)
    assert int(SERVICES["worker"]["stop_grace_period"].rstrip("s")) > HARD_LIMIT


def test_the_worker_that_trains_is_started_only_where_it_is_wanted():
    from training.bell import QUEUE

    service = SERVICES["training"]
    assert service["profiles"] == ["training"]
    assert service["build"]["args"] == {"REQUIREMENTS": "requirements.txt"}
    assert service["environment"]["TELEHEME_TRAINING_WORKER"] == "1"
    command = service["command"]
    assert command[command.index("--queues") + 1] == QUEUE
    assert command[command.index("--pool") + 1] == "solo", "where no time limit holds"


def test_the_compose_environment_is_accepted_by_production_mode():
    values = {
        "TELEHEME_HOST": "heme.example.org",
        "TELEHEME_FILES_HOST": "files.example.org",
        "TELEHEME_SECRET_KEY": "Zk3-0123456789-ABCDEFGHIJKLMNOPQRSTUVWXYZ-abcdefghijklmnop",
    }
    environment = {
        name: re.sub(r"\$\{([A-Z_0-9]+)[^}]*\}", lambda m: values.get(m[1], "given"), str(value))
        for name, value in SERVICES["web"]["environment"].items()
    }
    done = subprocess.run(
        [sys.executable, "manage.py", "check", "--deploy", "--fail-level", "WARNING"],
        cwd=ROOT,
        env={"PATH": "/usr/bin:/bin", **environment},
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_the_image_installs_locked_wheels_without_tensorflow():
    instructions = (ROOT / "Dockerfile").read_text()
    assert "--require-hashes" in instructions
    locked = (ROOT / "requirements-serve.txt").read_text()
    assert not re.search(r"^(tensorflow|keras|torch)", locked, re.M)
    assert "collectstatic" in instructions
    assert "HEALTHCHECK" in instructions


def test_everything_the_image_copies_is_let_into_its_context():
    allowed = {
        line[1:].rstrip("/")
        for line in (ROOT / ".dockerignore").read_text().splitlines()
        if line.startswith("!")
    }
    copies = re.findall(r"^COPY (?!--)(\S+) \S+$", (ROOT / "Dockerfile").read_text(), re.M)
    assert len(copies) > 5
    for source in copies:
        assert source in allowed
        assert (ROOT / source).exists()


def test_the_linter_of_image_files_is_content():
    hadolint = Path(sys.executable).parent / "hadolint"
    done = subprocess.run(
        [hadolint, ROOT / "Dockerfile"], capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout
    bad = subprocess.run(
        [hadolint, "-"],
        input="FROM python\nRUN sudo x\n",
        capture_output=True,
        text=True,
        check=False,
    )
    assert bad.returncode != 0, "the linter finds nothing at all"


def test_the_proxy_takes_a_picture_and_logs_no_search():
    from django.conf import settings

    from patients.uploads import LARGEST_UPLOAD

    text = (ROOT / "deploy" / "proxy.conf.template").read_text()
    limit = int(re.search(r"client_max_body_size (\d+)m", text)[1]) * 1024 * 1024
    assert limit > LARGEST_UPLOAD
    of_sets = int(re.findall(r"client_max_body_size (\d+)m", text)[2]) * 1024 * 1024
    assert of_sets > settings.DATASET_UPLOAD_LIMIT
    of_models = int(re.findall(r"client_max_body_size (\d+)m", text)[1]) * 1024 * 1024
    assert of_models > settings.MODEL_UPLOAD_LIMIT
    log = re.search(r"log_format \w+ '(.+)';", text)[1]
    assert "$request " not in log
    assert '"$request_method $uri"' in log
    assert "$args" not in log
    assert "$http_" not in log
    assert text.count("{") == text.count("}")
