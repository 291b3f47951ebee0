// What the pages do besides showing: none of it is needed to read them.
"use strict";

// Airflow keeps the theme that somebody chose in it; without one, the system's is taken.
try {
  const theme = localStorage.getItem("theme");
  if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
} catch { /* A browser may keep nothing. */ }

// Airflow shows these pages in a frame. A link to Airflow's own pages is followed by the page around it.
document.addEventListener("click", (event) => {
  const link = event.target.closest("a[data-airflow]");
  if (!link || window.parent === window || event.button || event.ctrlKey || event.metaKey || event.shiftKey) return;
  try {
    const outside = window.parent.document.createElement("a");
    outside.href = link.href.baseVal ?? link.href;
    window.parent.document.body.append(outside);
    outside.click();
    outside.remove();
    event.preventDefault();
  } catch { /* Another site's frame: the link is followed inside it. */ }
});

// Copy a text.
for (const button of document.querySelectorAll("button[data-copy]")) {
  button.addEventListener("click", async () => {
    const source = document.getElementById(button.dataset.copy);
    try {
      await navigator.clipboard.writeText(source.textContent);
      button.textContent = "Copied";
    } catch {
      getSelection().selectAllChildren(source);
      button.textContent = "Selected";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 2000);
  });
}

// What is sent once is not sent twice by two clicks.
for (const form of document.querySelectorAll("form[method=post]:not([data-check])")) {
  form.addEventListener("submit", () => { for (const button of form.querySelectorAll("button")) button.disabled = true; });
}
// Whoever comes back to the page can send it again.
window.addEventListener("pageshow", () => { for (const button of document.querySelectorAll("button:disabled")) button.disabled = false; });

// Put a value that is chosen into the expression, where the cursor is.
const expression = document.querySelector("textarea[name=expression]");
for (const button of document.querySelectorAll("button[data-insert]")) {
  button.addEventListener("click", () => {
    expression.setRangeText(button.dataset.insert, expression.selectionStart, expression.selectionEnd, "end");
    expression.focus();
    expression.dispatchEvent(new Event("input"));
  });
}

// Say what an expression gives, or what is wrong with it, while it is typed.
const trying = document.querySelector("form[data-check]");
if (trying && expression) {
  const output = document.getElementById("checked");
  const evaluated = document.getElementById("evaluated");
  const post = (url, body) => fetch(url, { method: "POST", body: new URLSearchParams(body) });
  const show = (html, chosen) => {
    const page = new DOMParser().parseFromString(html, "text/html");
    evaluated.replaceChildren(...chosen(page).children);
  };
  let waiting, asked = 0, isUnderWay = false, isWanted = false;
  // One at a time: what was typed meanwhile is asked for when that is answered.
  const evaluate = async () => {
    isWanted = true;
    if (isUnderWay || !trying.dataset.value) return;
    isUnderWay = true;
    while (isWanted) {
      isWanted = false;
      const number = asked;
      const answer = await post(trying.dataset.value, new FormData(trying)).catch(() => null);
      if (answer?.ok && number === asked) show(await answer.text(), (page) => page.body);
    }
    isUnderWay = false;
  };
  // The process that evaluates takes a while to start.
  expression.addEventListener("focus", () => { if (!expression.value.trim()) evaluate(); }, { once: true });
  expression.addEventListener("input", () => {
    clearTimeout(waiting);
    const number = ++asked;
    waiting = setTimeout(async () => {
      const answer = await post(trying.dataset.check, { expression: expression.value });
      if (number !== asked) return;
      output.textContent = answer.ok ? await answer.text() : "";
      if (output.textContent) evaluated.replaceChildren();
      else evaluate();
    }, 300);
  });
  trying.addEventListener("submit", async (event) => {
    const button = event.submitter;
    button?.classList.add("busy");
    // The values stay where they are while expressions over them are evaluated one after the other.
    if (button?.value !== "eval" || !document.querySelector(".tree")) return;
    event.preventDefault();
    asked++;
    const answer = await post(trying.getAttribute("action"), new FormData(trying, button));
    show(await answer.text(), (page) => page.getElementById("result") ?? page.querySelector("main"));
    button.classList.remove("busy");
  });
}

// Look again while something is under way, unless somebody reads or writes just now.
const refresh = document.querySelector("[data-refresh]");
if (refresh) {
  setTimeout(() => { if (!document.hidden) location.reload(); }, 1000 * Number(refresh.dataset.refresh));
}
