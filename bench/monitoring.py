"""The monitoring page at a million predictions on PostgreSQL.

    python -m bench.monitoring [--cells 1000000]

Starts a throw-away PostgreSQL, fills it with so many read and signed cells of a year (one organisation
in twelve sends each case), counts them as the product does, and asks for the page. Beside it, in the
same run and on the same rows, stands what the page would cost if it grouped the predictions and
parsed the reports itself: the ratio says what counting by day is worth. Each time is the best of
some rounds, because other work on the machine only ever makes it slower.
"""

import argparse
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CELLS = 1_000_000
PER_CASE = 100
DAYS = 364
ORGANISATIONS = 12
ROUNDS = 5

# Times spread over a year up to yesterday; names and stains by organisation. Everything that a
# constraint asks for, and nothing else.
FILL = """
INSERT INTO patients_case (public_id, number, organisation_id, patient_id, created_by_id, status,
    priority, clinical_question, stain, device, site, creation_key, version, synthetic, created_at,
    updated_at, submitted_at)
SELECT gen_random_uuid(), 'B' || n, o.id, o.patient, o.person, 'signed', 'routine', '',
    (ARRAY['mgg', 'wright_giemsa', 'giemsa'])[1 + n %% 3], 'Scanner ' || n %% 4, 'Ward ' || n %% 3,
    '', 1, true, t.at, t.at, t.at
FROM generate_series(1, %(cases)s) n
JOIN (VALUES {organisations}) o(place, id, patient, person) ON o.place = n %% {count},
LATERAL (SELECT now() - interval '1 day' * (1 + (n * 7919) %% {days})
    - interval '1 second' * (n %% 80000) AS at) t;

INSERT INTO patients_smearimage (public_id, case_id, position, uploaded_by_id, original_name,
    original_format, original_sha256, upload_key, picture_key, thumbnail_key, sha256,
    thumbnail_sha256, bytes, width, height, warnings, created_at)
SELECT gen_random_uuid(), id, 1, created_by_id, '', 'PNG', md5(number), number, 'p/' || number,
    't/' || number, md5(number), '', 1, 1000, 1000, '[]', created_at
FROM patients_case WHERE number LIKE 'B%%';

INSERT INTO classifier_cell (public_id, image_id, index, x, y, width, height)
SELECT gen_random_uuid(), i.id, n, n, n, 80, 80
FROM patients_smearimage i, generate_series(1, {per_case}) n;

INSERT INTO classifier_prediction (public_id, cell_id, model_version_id, image_sha256, queue, state,
    attempt, last_error, created_at, finished_at, label, confidence, probabilities, in_distribution,
    abstained, reasons, model_sha256, precision)
SELECT gen_random_uuid(), c.id, %(version)s, i.sha256, 'routine', 'done', 1, '', i.created_at,
    i.created_at + interval '1 millisecond' * c.index,
    (ARRAY['neutrophil', 'neutrophil', 'neutrophil', 'lymphocyte', 'lymphocyte', 'monocyte',
        'eosinophil', 'basophil'])[1 + (c.id * 31) %% 8],
    1 - power(r.value, 8) / 2, '[0.2, 0.2, 0.2, 0.2, 0.2]', 0.2 + r.value / 2, r.value > 0.92, '[]',
    'f', 'f32'
FROM classifier_cell c JOIN patients_smearimage i ON i.id = c.image_id,
LATERAL (SELECT ((c.id * 7919) %% 10007) / 10007.0 AS value) r;

INSERT INTO review_report (public_id, case_id, version, state, reason, content, sha256, code,
    created_by_id, created_at, final_at, pdf_key, pdf_sha256)
SELECT gen_random_uuid(), k.id, 1, 'final', '', json_build_object('cells', json_agg(
        json_build_object('label', CASE WHEN p.id %% 29 = 0 THEN 'monocyte' ELSE p.label END,
            'model', json_build_object('id', '{model}', 'label', p.label, 'abstained', p.abstained,
                'confidence', p.confidence, 'reasons', '[]'::json, 'shown', '[0, 0, 80, 80]'::json,
                'sha256', p.model_sha256, 'precision', p.precision))))::text,
    md5(k.number), k.number, k.created_by_id, k.created_at, k.created_at + interval '1 hour', '', ''
FROM patients_case k JOIN patients_smearimage i ON i.case_id = k.id
JOIN classifier_cell c ON c.image_id = i.id JOIN classifier_prediction p ON p.cell_id = c.id
GROUP BY k.id;
"""


@dataclass(frozen=True)
class Figures:
    cells: int
    rows: int  # of counts
    counting: float  # s, everything
    page: float  # s
    queries: int
    empty: float  # s, the page before anything is counted
    direct: float  # s, the same figures from predictions and reports
    download: float  # s

    @property
    def ratio(self) -> float:
        return self.direct / self.page


@contextmanager
def fresh_postgres() -> Iterator[None]:
    from tests.servers.postgres import Postgres

    postgres = Postgres().start()
    directory = Path(tempfile.mkdtemp(prefix="teleheme-bench-"))
    os.environ |= {
        "TELEHEME_DATA_DIR": str(directory),
        "TELEHEME_LOG_LEVEL": "ERROR",
        "DJANGO_SETTINGS_MODULE": "telemed.settings",
        "DATABASE_URL": postgres.url(),
    }
    (directory / "static").mkdir()
    try:
        import django

        django.setup()
        from django.core.management import call_command

        call_command("migrate", interactive=False, verbosity=0)
        call_command("collectstatic", interactive=False, verbosity=0)
        yield
    finally:
        from django.db import connections

        connections.close_all()
        postgres.stop()
        shutil.rmtree(directory, ignore_errors=True)


def fill(cells: int) -> Any:
    """The rows, by the database itself; returns the administrator."""
    from django.db import connection

    from accounts.models import Organisation, Role
    from classifier.models import ModelVersion
    from tests import factories

    version = ModelVersion.objects.create(
        model_id="bench", manifest_sha256="f" * 64, precision="f32", manifest={}, state="active"
    )
    values = []
    for place in range(ORGANISATIONS):
        organisation = Organisation.objects.create(name=f"Clinic {place}")
        person = factories.make_user(Role.CLINICIAN, organisation)
        patient = factories.make_patient(organisation)
        values.append(f"({place}, {organisation.pk}, {patient.pk}, {person.pk})")
    statements = FILL.format(
        organisations=", ".join(values),
        count=ORGANISATIONS,
        days=DAYS,
        per_case=PER_CASE,
        model=version.model_id,
    )
    with connection.cursor() as cursor:
        cursor.execute(statements, {"cases": cells // PER_CASE, "version": version.pk})
        cursor.execute("VACUUM ANALYZE")
    return factories.make_user(Role.ADMINISTRATOR, organisation)


def count() -> tuple[int, float]:
    """Every day, as the nightly run would; how many rows of counts there are then, and seconds."""
    from django.db import connection
    from django.utils import timezone
    from tqdm import tqdm

    from monitoring.counting import day_count, days_to_count
    from monitoring.models import ReadCount, SignedCount

    begin = time.perf_counter()
    days = days_to_count(timezone.now())
    for day in tqdm(days, desc="days", disable=not sys.stderr.isatty()):
        day_count(day=day)
    seconds = time.perf_counter() - begin
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return ReadCount.objects.count() + SignedCount.objects.count(), seconds


def direct() -> None:
    """What the page's tables and charts would ask of predictions and reports themselves."""
    from django.db.models import Count, Q
    from django.db.models.functions import TruncWeek

    from classifier.models import Prediction
    from monitoring.bands import CONFIDENCE, SCORE
    from monitoring.counting import _FACTS, _band_counts, answers_of
    from review.models import Report

    read = Prediction.objects.filter(state="done").order_by()
    out = Count("pk", filter=Q(abstained=True))
    list(read.values(week=TruncWeek("finished_at")).annotate(read=Count("pk"), out=out))
    list(read.values(*_FACTS, "model_version").annotate(read=Count("pk"), out=out))
    bands = _band_counts("confidence", "confidence", CONFIDENCE)
    bands |= _band_counts("in_distribution", "score", SCORE)
    list(read.values("label").annotate(read=Count("pk"), out=out, **bands))
    pairs: Counter[tuple[Any, ...]] = Counter()
    for content in (
        Report.objects.filter(state="final").values_list("content", flat=True).iterator()
    ):
        pairs.update((a["label"], a["abstained"], a["signed"]) for a in answers_of(content))


def best(work: Callable[[], object], rounds: int) -> float:
    times = []
    for _ in range(rounds):
        begin = time.perf_counter()
        work()
        times.append(time.perf_counter() - begin)
    return min(times)


def measure(cells: int) -> Figures:
    from django.db import connection
    from django.test import Client
    from django.test.utils import CaptureQueriesContext

    with fresh_postgres():
        administrator = fill(cells)
        browser = Client()
        browser.force_login(administrator)

        def ask(address: str) -> bytes:
            response = browser.get(address)
            if response.status_code != 200:
                raise SystemExit(f"{address} answered {response.status_code}.")
            return response.getvalue()

        year = "/monitoring/?weeks=104"
        ask(year)
        empty = best(lambda: ask(year), ROUNDS)
        rows, counting = count()
        ask(year)
        with CaptureQueriesContext(connection) as captured:
            ask(year)
            queries = len(captured)
        return Figures(
            cells=cells,
            rows=rows,
            counting=counting,
            page=best(lambda: ask(year), ROUNDS),
            queries=queries,
            empty=empty,
            direct=best(direct, 1),
            download=best(lambda: ask("/monitoring/read.csv?weeks=104"), 1),
        )


def table(figures: Figures) -> str:
    return "\n".join(
        [
            f"{'cells read and signed, on PostgreSQL':<44}{figures.cells:>12,}",
            f"{'rows of counts by day':<44}{figures.rows:>12,}",
            f"{'counting all of them, once':<44}{figures.counting:>12.1f} s",
            f"{'monitoring page, all of it':<44}{figures.page:>12.3f} s",
            f"{'the page with nothing counted':<44}{figures.empty:>12.3f} s",
            f"{'queries of the page':<44}{figures.queries:>12}",
            f"{'the same figures from predictions and reports':<44}{figures.direct:>11.3f} s",
            f"{'ratio':<44}{figures.ratio:>12.1f}",
            f"{'all counts as CSV':<44}{figures.download:>12.3f} s",
        ]
    )


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m bench.monitoring", description=__doc__)
    parser.add_argument("--cells", type=int, default=CELLS)
    options = parser.parse_args()
    print(table(measure(options.cells)))


if __name__ == "__main__":
    main()
