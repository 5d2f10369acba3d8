// Elements from calls. Text is always text: nothing that was read is ever taken for markup.
export function el(name, given = {}, ...children) {
  const made = document.createElement(name);
  for (const [key, value] of Object.entries(given)) {
    if (key.startsWith("on")) made.addEventListener(key.slice(2), value);
    else if (value !== false && value !== null && value !== undefined) made.setAttribute(key, value === true ? "" : value);
  }
  made.append(...children.filter((child) => child !== null && child !== undefined));
  return made;
}

export const number = (value) => (value === null || value === undefined ? "–" : value.toLocaleString("en"));

export function time(text) {
  if (!text) return "–";
  return el("time", { datetime: text, title: text }, `${ago((Date.now() - Date.parse(text)) / 1000)} ago`);
}

export function ago(seconds) {
  if (seconds === null || seconds === undefined) return "–";
  if (seconds < 90) return `${Math.max(0, Math.round(seconds))} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${Math.round(seconds / 3600)} h`;
  return `${Math.round(seconds / 86400)} days`;
}

export function bytes(value) {
  if (value === null || value === undefined) return "–";
  const units = ["B", "KiB", "MiB", "GiB", "TiB"];
  let step = 0;
  while (value >= 1024 && step < units.length - 1) { value /= 1024; step += 1; }
  return `${value.toFixed(value < 10 && step ? 1 : 0)} ${units[step]}`;
}

const TONES = { ok: "good", running: "good", done: "good", pending: "warn", drift: "warn", stopping: "warn",
  "half-applied": "warn", unreadable: "bad", failed: "bad" };
export const state = (text) => el("span", { class: TONES[text] ?? "soft" }, text);

export function table(caption, headings, rows, cards = false) {
  const head = headings.map(([name, kind]) => el("th", { scope: "col", class: kind }, name));
  const body = rows.map((row) => el("tr", {}, ...row.map((cell, place) => {
    const [name, kind] = headings[place];
    const given = { class: kind, "data-name": name };
    return place === 0 ? el("th", { ...given, scope: "row" }, cell) : el("td", given, cell);
  })));
  return el("div", { class: cards ? "scroll cards" : "scroll", tabindex: "0", role: "region", "aria-label": caption },
    el("table", {}, el("caption", {}, caption), el("thead", {}, el("tr", {}, ...head)), el("tbody", {}, ...body)));
}

export function problem(error) {
  const told = error.body ?? {};
  const lines = [error.message, told.where && `where: ${told.where}`, told.remedy && `help: ${told.remedy}`];
  return el("div", { class: "problem", role: "alert" },
    el("strong", { class: "bad" }, `${told.code ?? "error"}: `), lines.filter(Boolean).join("\n"));
}

export function facts(pairs) {
  return el("dl", { class: "facts" }, ...pairs.map(([name, value]) => el("div", {}, el("dt", {}, name), el("dd", {}, value))));
}

export function chart(label, values) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  const top = Math.max(...values, 1);
  const points = values.map((value, place) => `${(place / Math.max(1, values.length - 1)) * 100} ${38 - (value / top) * 36}`);
  for (const [name, value] of Object.entries({ viewBox: "0 0 100 40", preserveAspectRatio: "none", class: "chart",
    role: "img", "aria-label": `${label}: ${number(values.at(-1) ?? 0)} now, ${number(top)} at most` })) svg.setAttribute(name, value);
  const path = document.createElementNS(svg.namespaceURI, "path");
  path.setAttribute("d", points.length > 1 ? `M${points.join("L")}` : "M0 38L100 38");
  svg.append(path);
  return svg;
}
