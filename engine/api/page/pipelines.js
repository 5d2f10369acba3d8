import { read } from "./api.js";
import { ago, el, number, problem, state, table, time } from "./dom.js";

const HEADINGS = [["Pipeline"], ["State"], ["Run"], ["Rows", "number"], ["Events/s", "number"], ["Behind", "number"],
  ["Last fold"], ["Rescued", "number"], ["Dead letters", "number"]];

export async function pipelines(content, world, signal) {
  const paint = (overview) => {
    const rows = overview.pipelines.map((one) => [
      el("a", { href: `#/pipelines/${one.name}` }, one.name), state(one.state), run(one), number(one.rows),
      number(one.events_per_s), ago(one.behind_s), time(one.last_fold), count(one.rescued_rows), count(one.dead_letters)]);
    const notes = [overview.unfinished, overview.source !== "answers" && `Source: ${overview.source}`].filter(Boolean);
    const focused = content.querySelector(":focus");
    content.replaceChildren(
      el("h2", {}, `Target ${overview.target}`),
      el("p", { class: "soft" }, overview.lake),
      ...notes.map((note) => problem(new Error(note))),
      rows.length ? table(`${rows.length} pipeline${rows.length === 1 ? "" : "s"}`, HEADINGS, rows, true)
        : el("p", {}, "No pipelines yet: a file in specs/pipelines makes one."));
    if (focused) content.querySelector(focused.href ? `a[href="${focused.getAttribute("href")}"]` : ".scroll")?.focus();
  };
  paint(world.overview ?? await read("/overview", { signal }));
  return paint;
}

const run = (one) => el("span", { title: one.run_detail }, state(one.wish === "none" ? "–" : one.run));
const count = (value) => el("span", { class: value ? "warn" : "" }, number(value));
