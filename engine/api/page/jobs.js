import { ask, read } from "./api.js";
import { el, problem, state, table, time } from "./dom.js";

export async function jobs(content, _world, signal) {
  const list = el("div");
  const told = el("div", { "aria-live": "polite" });
  const paint = async () => {
    const { items } = await read("/jobs", { signal });
    const focused = list.querySelector(":focus");
    const rows = items.map((one) => [String(one.id), one.kind, state(one.status), one.asked_by, time(one.asked_at),
      one.error ? `${one.error.code}: ${one.error.what}` : one.progress.at(-1) ?? "", reported(one, told)]);
    list.replaceChildren(rows.length
      ? table("Newest first", [["Job"], ["Kind"], ["Status"], ["Asked by"], ["Age"], ["Last word"], ["Result"]], rows, true)
      : el("p", {}, "Nothing was asked for yet. Applies, snapshots, replays and reconciliations appear here."));
    if (focused) list.querySelector(focused.id ? `#${focused.id}` : ".scroll")?.focus();
  };
  await paint();
  content.replaceChildren(el("h2", {}, "Jobs"), list, told);
  const timer = setInterval(() => paint().catch(() => {}), 2000);
  signal.addEventListener("abort", () => clearInterval(timer));
  return null;
}

function reported(job, told) {
  if (job.kind !== "reconcile" || job.status !== "done") return "–";
  return el("button", { type: "button", id: `report-${job.id}`, "aria-label": `Report of job ${job.id}`,
    onclick: () => open(job.id, told) }, "Report");
}

async function open(id, told) {
  try {
    const text = await (await ask(`/jobs/${id}/report?form=md`)).text();
    const heading = el("h3", { tabindex: "-1" }, `Report of job ${id}`);
    const save = ["html", "md", "json"].map((form) => el("button", { type: "button",
      onclick: () => download(id, form, told) }, `Save as ${form}`));
    told.replaceChildren(heading, el("div", { class: "row" }, ...save),
      el("pre", { tabindex: "0", role: "region", "aria-label": `Report of job ${id}` }, text));
    heading.focus();
  } catch (error) { told.replaceChildren(problem(error)); }
}

async function download(id, form, told) {
  try {
    const blob = await (await ask(`/jobs/${id}/report?form=${form}`)).blob();
    const link = el("a", { href: URL.createObjectURL(blob), download: `reconciliation-${id}.${form}` });
    link.click();
    URL.revokeObjectURL(link.href);
  } catch (error) { told.append(problem(error)); }
}
