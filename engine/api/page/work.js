// Long work: who may ask for it, asking once more before what cannot be undone, and following it.
import { listen, read } from "./api.js";
import { el, problem } from "./dom.js";

const ROLES = ["viewer", "operator", "admin"];
export const may = (world, role) => ROLES.indexOf(world.me?.role) >= ROLES.indexOf(role);

// Asks in `place`; `opener` gets the focus back. The key is made when the question is: however often the answer is
// sent, one job comes of it.
export function confirm(place, question, verb, opener, act) {
  const once = crypto.randomUUID();
  const close = () => { place.replaceChildren(); (opener.isConnected ? opener : document.getElementById(opener.id) ?? place).focus(); };
  const keep = el("button", { type: "button", onclick: close }, "Keep");
  const yes = el("button", { class: "danger", type: "button", onclick: async () => {
    yes.disabled = true;
    try { await act(once); } catch (error) { place.append(problem(error)); yes.disabled = false; }
  } }, verb);
  place.replaceChildren(el("div", { class: "confirm", role: "group", "aria-label": question,
    onkeydown: (event) => { if (event.key === "Escape") close(); } },
    el("p", {}, question), el("div", { class: "row" }, yes, keep)));
  keep.focus();
}

// Asks for a job and shows how it goes; gives it back when it has ended.
export async function follow(path, body, told, once = crypto.randomUUID()) {
  const line = el("pre", { tabindex: "0", role: "region", "aria-label": "Job" });
  let last = null;
  try {
    const job = await read(path, { method: "POST", body, once });
    told.replaceChildren(line);
    line.textContent = `job ${job.id}: ${job.status}`;
    await listen(`/jobs/${job.id}/events`, (_, now) => {
      last = now;
      line.textContent = [`job ${now.id}: ${now.status}`, ...now.progress].join("\n");
      if (now.error) told.append(problem(Object.assign(new Error(now.error.what), { body: now.error })));
    }, new AbortController().signal);
  } catch (error) { told.replaceChildren(problem(error)); }
  return last;
}
