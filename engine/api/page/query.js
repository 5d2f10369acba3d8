import { ask } from "./api.js";
import { el, problem, table } from "./dom.js";

const SHOWN = 500;

export async function query(content, world) {
  const names = (world.overview?.pipelines ?? []).map((one) => one.name);
  const text = el("textarea", { id: "sql", spellcheck: "false", autocapitalize: "off" });
  text.value = sessionStorage.getItem("oplake.sql") ?? (names.length ? `select * from ${names[0]} limit 20` : "show tables");
  const format = el("select", { id: "format" }, ...["csv", "json", "parquet"].map((one) => el("option", {}, one)));
  const result = el("div", { "aria-live": "polite" });
  const run = el("button", { class: "main" }, "Run");
  const submit = async (event) => {
    event?.preventDefault();
    sessionStorage.setItem("oplake.sql", text.value);
    run.disabled = true;
    result.replaceChildren(el("p", { class: "soft" }, "Running"));
    try {
      const rows = await (await ask("/queries", { method: "POST", body: { sql: text.value, max_rows: SHOWN } })).json();
      result.replaceChildren(shown(rows));
    } catch (error) { result.replaceChildren(problem(error)); }
    run.disabled = false;
  };
  const save = async () => {
    try {
      const body = { sql: text.value, format: format.value, max_rows: 1000000 };
      const blob = await (await ask("/queries", { method: "POST", body })).blob();
      const link = el("a", { href: URL.createObjectURL(blob), download: `result.${format.value}` });
      link.click();
      URL.revokeObjectURL(link.href);
    } catch (error) { result.replaceChildren(problem(error)); }
  };
  text.addEventListener("keydown", (event) => { if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) submit(event); });
  content.replaceChildren(el("h2", {}, "Query"),
    el("form", { onsubmit: submit },
      el("label", { for: "sql" }, "One SELECT over TABLE, TABLE__current, TABLE__changes or TABLE__history"), text,
      el("div", { class: "row" }, run, el("span", { class: "soft" }, "Ctrl+Enter"),
        el("label", { for: "format" }, "Export as"), format, el("button", { type: "button", onclick: save }, "Export"))),
    result);
  return null;
}

function shown(rows) {
  if (!rows.length) return el("p", {}, "No rows.");
  const names = Object.keys(rows[0]);
  const text = (value) => (value === null ? el("span", { class: "soft" }, "null")
    : typeof value === "object" ? JSON.stringify(value) : String(value));
  const headings = names.map((name) => [name, typeof rows[0][name] === "number" ? "number" : undefined]);
  const more = rows.length === SHOWN ? ", the first of perhaps more" : "";
  return table(`${rows.length} row${rows.length === 1 ? "" : "s"}${more}`, headings, rows.map((row) => names.map((name) => text(row[name]))));
}
