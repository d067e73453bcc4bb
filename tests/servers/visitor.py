"""One person's browser, which remembers everything that a developer would see in its console."""

from playwright.sync_api import BrowserContext, ConsoleMessage, Response

from telemed import demo

FLAGS = (
    *("--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync"),
    *("--disable-background-networking", "--disable-component-update", "--disable-dev-shm-usage"),
)
_WATCH_POLICY = """
document.addEventListener("securitypolicyviolation", (event) => {
  console.error(`content policy: ${event.violatedDirective} refused ${event.blockedURI} ${event.sourceFile}:${event.lineNumber}`);
});
"""


class Visitor:
    """``page`` is Playwright's page; ``expect_complaint`` names what a test provokes on purpose."""

    def __init__(self, context: BrowserContext) -> None:
        self.context = context
        context.set_default_timeout(15_000)
        context.add_init_script(_WATCH_POLICY)
        self._complaints: list[str] = []
        self._expected: list[str] = []
        context.on("console", self._console)
        context.on("weberror", lambda error: self._complaints.append(f"script: {error.error}"))
        context.on("response", self._response)
        self.page = context.new_page()

    def sign_in(self, email: str, password: str = demo.PASSWORD) -> None:
        """Through the sign-in page; returns on the person's first page."""
        self.page.goto("/account/login/")
        self.page.locator("input[name=login]").fill(email)
        self.page.locator("input[name=password]").fill(password)
        self.page.locator("form:has(input[name=password]) [type=submit]").click()
        self.page.wait_for_url(lambda address: "/account/login" not in address)

    def expect_complaint(self, words: str) -> None:
        self._expected.append(words)

    def complaints(self) -> list[str]:
        return [
            line for line in self._complaints if not any(words in line for words in self._expected)
        ]

    def close(self) -> None:
        self.context.close()

    def _console(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"}:
            where = message.location.get("url", "")
            self._complaints.append(f"{message.type}: {message.text} ({where})")

    def _response(self, response: Response) -> None:
        if response.status >= 500:
            self._complaints.append(f"answer {response.status}: {response.url}")
