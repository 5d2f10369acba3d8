import { ask, read } from "./api.js";
import { el, problem, state, table, time } from "./dom.js";
import { confirm, may } from "./work.js";

const CANCELLED = { queued: "It never begins.", apply: "It stops before its next step; another apply carries on with it.",
  reconcile: "It stops within seconds, and what it has found is not kept." };

export async function jobs(content, world, signal) {
  const list = el("div");
  const told = el("div", { "aria-live": "polite", tabindex: "-1" });
  const paint = async () => {
    const { items } = await read("/jobs", { signal });
    const focused = list.querySelector(":focus");
    const rows = items.map((one) => [String(one.id), one.kind, state(one.status), one.asked_by, time(one.asked_at),
      one.error ? `${one.error.code}: ${one.error.what}` : one.progress.at(-1) ?? "", control(one, world, told, paint)]);
    list.replaceChildren(rows.length
      ? table("Newest first", [["Job"], ["Kind"], ["Status"], ["Asked by"], ["Age"], ["Last word"], ["Action"]], rows, true)
      : el("p", {}, "Nothing was asked for yet. Applies, snapshots, replays and reconciliations appear here."));
    if (focused) list.querySelector(focused.id ? `#${focused.id}` : ".scroll")?.focus();
  };
  await paint();
  content.replaceChildren(el("h2", {}, "Jobs"), list, told);
  const timer = setInterval(() => paint().catch(() => {}), 2000);
  signal.addEventListener("abort", () => clearInterval(timer));
  return null;
}

function control(job, world, told, paint) {
  if (["queued", "running"].includes(job.status)) return cancel(job, world, told, paint);
  if (job.kind !== "reconcile" || job.status !== "done") return "–";
  return el("button", { type: "button", id: `report-${job.id}`, "aria-label": `Report of job ${job.id}`,
    onclick: () => open(job.id, told) }, "Report");
}

function cancel(job, world, told, paint) {
  if (job.cancel) return el("span", { class: "soft" }, "cancelling");
  const means = CANCELLED[job.status] ?? CANCELLED[job.kind];
  if (!means) return el("span", { class: "soft" }, "cannot be stopped");
  const stop = async () => {
    const now = await read(`/jobs/${job.id}/cancel`, { method: "POST" });
    told.replaceChildren(el("p", { class: "soft" }, `Job ${now.id}: ${now.status === "running" ? "asked to stop" : now.status}.`));
    told.focus();
    await paint();
  };
  const button = el("button", { type: "button", id: `cancel-${job.id}`, "aria-label": `Cancel job ${job.id}`,
    disabled: !may(world, "operator"),
    onclick: () => confirm(told, `Cancel job ${job.id} (${job.kind})? ${means}`, "Cancel the job", button, stop) }, "Cancel");
  return button;
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
