// Runs before the first paint, so it is a plain blocking script and does one thing:
// data-bs-theme on <html>. The choice made in this browser wins until the account's own changes.
(() => {
  const root = document.documentElement;
  const account = root.dataset.theme || ""; // empty while nobody is signed in
  const dark = window.matchMedia("(prefers-color-scheme: dark)");

  function stored() {
    try {
      const kept = JSON.parse(localStorage.getItem("teleheme.theme") || "null");
      return kept && (!account || kept.account === account) ? kept.choice : null;
    } catch {
      return null;
    }
  }

  function apply(choice) {
    const resolved = choice === "auto" ? (dark.matches ? "dark" : "light") : choice;
    root.setAttribute("data-bs-theme", resolved);
    root.dataset.choice = choice;
  }

  window.telehemeTheme = {
    choice: () => stored() || account || "auto",
    choose(choice) {
      try {
        localStorage.setItem("teleheme.theme", JSON.stringify({ account, choice }));
      } catch {
        // Private windows may refuse storage: the choice then lasts for this page.
      }
      apply(choice);
    },
  };
  // Paper is light.
  window.addEventListener("beforeprint", () => root.setAttribute("data-bs-theme", "light"));
  window.addEventListener("afterprint", () => apply(window.telehemeTheme.choice()));
  dark.addEventListener("change", () => apply(window.telehemeTheme.choice()));
  apply(window.telehemeTheme.choice());
})();
