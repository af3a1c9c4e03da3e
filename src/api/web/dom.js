// Elements are made one by one: text from a model only ever becomes a text node.

export function el(name, attributes = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const byId = (id) => document.getElementById(id);

export function percent(share) {
  return `${Math.round(share * 100)} %`;
}

export function bytes(count) {
  if (count === null || count === undefined) return "unknown";
  return count >= 2 ** 30 ? `${(count / 2 ** 30).toFixed(1)} GiB` : `${Math.round(count / 2 ** 20)} MiB`;
}

// Paragraphs and fenced code; all else of Markdown stays as it was written.
export function prose(text) {
  const made = el("div", { class: "said" });
  const parts = text.split(/^```[^\n]*\n?/m);
  parts.forEach((part, at) => {
    if (at % 2) made.append(el("pre", { tabindex: "0" }, el("code", {}, part.replace(/\n$/, ""))));
    else if (part.trim()) made.append(el("p", {}, part.trim()));
  });
  return made;
}

export function copyButton(text) {
  const button = el("button", { type: "button" }, "Copy");
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(text());
      button.textContent = "Copied";
    } catch {
      button.textContent = "Select it by hand";
    }
    setTimeout(() => { button.textContent = "Copy"; }, 1500);
  });
  return button;
}
