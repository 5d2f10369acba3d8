import { read } from "./api.js";
import { el, number, problem, table } from "./dom.js";
import { confirm, follow, may } from "./work.js";

const HEADINGS = [["Topic"], ["Partition", "number"], ["Offset", "number"], ["Code"], ["Detail"]];
const records = (count) => `${number(count)} record${count === 1 ? "" : "s"}`;

// Draws the letters that wait, and again when a job has changed them.
export async function deadLetters(place, world, name) {
  const path = `/pipelines/${name}/dead-letters`;
  const told = el("div", { "aria-live": "polite", tabindex: "-1" });
  const list = el("div");
  place.replaceChildren(list, told);
  const paint = async () => list.replaceChildren(...shown(await read(path)));
  const ask = async (verb, body, once) => {
    const job = await follow(`${path}/${verb}`, body, told, once);
    if (job?.status === "done") await paint();
  };
  const shown = (letters) => {
    if (!letters.items.length) return [el("p", { class: "soft" }, "None wait: every record could be decoded, was replayed, or was dropped.")];
    const replay = el("button", { type: "button", disabled: !may(world, "operator"), onclick: () => ask("replay") }, "Replay");
    const drop = el("button", { type: "button", id: "drop", disabled: !may(world, "admin"), onclick: () => confirm(told,
      `Delete ${records(letters.total)} for good? No table has them, and nothing brings them back once Kafka has forgotten them.`,
      "Drop", drop, (once) => ask("drop", { replayed_only: false }, once)) }, "Drop");
    return [table(`${records(letters.total)} could not be decoded`, HEADINGS, letters.items.map((one) =>
      [one.topic, number(one.partition), number(one.offset), one.code, one.detail]), true),
    el("div", { class: "row" }, replay, drop)];
  };
  try { await paint(); } catch (error) { list.replaceChildren(problem(error)); }
}
