"""A report as a PDF to keep: tagged, fonts and pictures inside, the frozen content attached.

WeasyPrint draws with Pango, a library of the system. Where that is missing there is no PDF, and
everything else works.
"""

from functools import lru_cache
from pathlib import Path
from typing import Any

from django.conf import settings
from django.contrib.staticfiles import finders
from django.template.loader import render_to_string
from PIL import ImageFile

from patients.errors import DomainError
from review.models import Report
from review.reports.inks import hues
from review.reports.pictures import Cutter
from review.reports.reading import content_of
from review.reports.sheet import Sheet

NEEDED = "libpango-1.0-0 libpangoft2-1.0-0 libharfbuzz-subset0"  # Debian's packages
ATTACHED = "report.json"
_STYLES = ("css/report.css", "css/report-pdf.css")
_CELL = "cell:"


class PdfUnavailable(DomainError):
    """This machine cannot draw PDFs."""

    code = "no_pdf"

    def __init__(self) -> None:
        super().__init__(
            "This server cannot make PDFs: the library Pango is not installed (on Debian: "
            f"apt-get install {NEEDED}). Printing the report from the browser works."
        )


@lru_cache(maxsize=1)
def pdf_available() -> bool:
    try:
        import weasyprint  # noqa: F401 - loads Pango, and fails where there is none
    except (ImportError, OSError):
        return False
    finally:
        # It tells Pillow, for the whole process, that half a picture will do. Here it will not.
        ImageFile.LOAD_TRUNCATED_IMAGES = False
    return True


def draw(report: Report) -> bytes:
    """The PDF of a signed report, cell pictures cut from the verified files.

    Nothing is fetched: an address in the page is a cell of this report or an error. Raises
    PdfUnavailable, PictureDamaged, PictureMissing, StorageUnavailable.
    """
    if not pdf_available():
        raise PdfUnavailable
    from weasyprint import CSS, HTML, Attachment

    content = content_of(report)
    sheet = Sheet(content, report, picture=lambda cell: f"{_CELL}{cell['number']}")
    fetcher = _fetcher(_pictures(content, sheet))
    html = HTML(
        string=render_to_string("review/report_pdf.html", {"sheet": sheet, "report": report}),
        base_url=settings.BASE_URL,
        url_fetcher=fetcher,
    )
    attachment = Attachment(
        string=report.content,
        name=ATTACHED,
        description="What the signatures stand under (canonical JSON)",
        created=report.final_at,
        modified=report.final_at,
        relationship="Source",
        url_fetcher=fetcher,
    )
    return html.write_pdf(
        stylesheets=[
            CSS(string=style, url_fetcher=fetcher) for style in (*map(_style, _STYLES), hues())
        ],
        attachments=[attachment],
        pdf_variant="pdf/a-3a",
        pdf_identifier=sheet.code.encode(),  # in plain bytes: a changed file still says whose it was
    )


def _pictures(content: dict[str, Any], sheet: Sheet) -> dict[str, bytes]:
    """Address -> JPEG of every cell that the sheet shows, file by file."""
    cutter = Cutter(content)
    cells = [cell for group in sheet.groups for cell in group.cells]
    return {
        sheet.picture(cell): cutter.jpeg(cell)
        for cell in sorted(cells, key=lambda cell: cell["number"])
    }


def _fetcher(pictures: dict[str, bytes]) -> Any:
    from weasyprint.urls import URLFetcher, URLFetcherResponse

    class OwnCells(URLFetcher):
        def fetch(self, url: str, headers: Any = None) -> Any:
            if url not in pictures:
                raise ValueError("a report fetches nothing")
            return URLFetcherResponse(url, pictures[url], {"Content-Type": "image/jpeg"})

    return OwnCells()


def _style(name: str) -> str:
    found = finders.find(name)
    if found is None:
        raise RuntimeError(f"{name} is not where static files are")
    return Path(str(found)).read_text(encoding="utf-8")
