"""axe-core in the page: what keeps people from using it."""

from pathlib import Path

from playwright.sync_api import Page

SOURCE = Path(__file__).resolve().parents[1] / "vendor" / "axe.min.js"
GRAVE = ("serious", "critical")
RUN = """async ([grave, preload]) => {
  const { violations } = await axe.run(document, { resultTypes: ["violations"], preload });
  return violations
    .filter((rule) => grave.includes(rule.impact))
    .flatMap((rule) => rule.nodes.map((node) =>
      `${rule.impact} ${rule.id}: ${node.html.slice(0, 200)} (${(node.any[0] || node.all[0] || node.none[0])?.message})`));
}"""


def violations(page: Page, *, preload: bool = True) -> list[str]:
    """The serious and critical ones on the page as it is now, each with the element.

    ``preload`` reads the stylesheets as well, for the one rule on turned phones that needs it.
    """
    # Evaluated by the developer tools, so the page's content policy need not allow it.
    if not page.evaluate("typeof axe === 'object'"):
        page.evaluate(SOURCE.read_text(encoding="utf-8"))
    return list(page.evaluate(RUN, [list(GRAVE), preload]))


def in_both_themes(page: Page) -> list[str]:
    """In light and in dark; each named with its theme."""
    page.emulate_media(reduced_motion="reduce")  # no colour is measured on its way to another
    found = []
    for theme in ("light", "dark"):
        page.evaluate("theme => window.telehemeTheme.choose(theme)", theme)
        found += [f"{theme}: {line}" for line in violations(page)]
    return found
