import { read } from "./api.js";
import { el, state, table, time } from "./dom.js";

export async function jobs(content, _world, signal) {
  const paint = async () => {
    const { items } = await read("/jobs", { signal });
    const rows = items.map((one) => [String(one.id), one.kind, state(one.status), one.asked_by, time(one.asked_at),
      one.error ? `${one.error.code}: ${one.error.what}` : one.progress.at(-1) ?? ""]);
    content.replaceChildren(el("h2", {}, "Jobs"), rows.length
      ? table("Newest first", [["Job"], ["Kind"], ["Status"], ["Asked by"], ["Age"], ["Last word"]], rows, true)
      : el("p", {}, "Nothing was asked for yet. Applies, snapshots, replays and reconciliations appear here."));
  };
  await paint();
  const timer = setInterval(() => paint().catch(() => {}), 2000);
  signal.addEventListener("abort", () => clearInterval(timer));
  return null;
}
