import { read } from "./api.js";
import { deadLetters } from "./dead_letters.js";
import { ago, bytes, chart, el, facts, number, problem, state, table, time } from "./dom.js";
import { follow, may } from "./work.js";

export async function pipeline(content, world, signal, name) {
  const letters = el("div");
  const [whole, plan, tables] = await Promise.all([
    read(`/pipelines/${name}`, { signal }), read(`/pipelines/${name}/plan`, { signal }).catch((error) => error),
    read("/tables?limit=500", { signal }), deadLetters(letters, world, name)]);
  const own = tables.items.filter((one) => one.pipeline === name);
  const told = el("div", { "aria-live": "polite" });
  const glance = el("div");
  const paint = (overview) => {
    const one = overview.pipelines.find((found) => found.name === name);
    if (one) glance.replaceChildren(status(one), el("p", { class: "soft label" }, "Events a second, since this page was opened"),
      chart("Events a second", world.history[name] ?? []));
  };
  content.replaceChildren(
    el("h2", {}, name), glance, steer(world, name, told), told,
    el("h3", {}, "Plan"), ...diff(plan, world, told),
    el("h3", {}, "Tables"),
    table("Delta tables", [["Table"], ["State"], ["Rows", "number"], ["Version", "number"], ["Size", "number"], ["Last commit"]],
      own.map((one) => [one.name, state(one.state), number(one.rows), number(one.version), bytes(one.size_bytes),
        time(one.last_commit)]), true),
    ...own.map((one) => schema(one)),
    el("h3", {}, "Dead letters"), letters,
    el("h3", {}, "Reconciliation"), reconciling(world, name, told),
    el("h3", {}, "Spec"), el("pre", { tabindex: "0", role: "region", "aria-label": "Spec" }, whole.spec));
  paint(world.overview ?? { pipelines: [whole.status].filter(Boolean) });
  return paint;
}

const status = (one) => facts([["State", state(one.state)], ["Run", state(one.wish === "none" ? "not asked for" : one.run)],
  ["Rows", number(one.rows)], ["Events/s", number(one.events_per_s)], ["Behind", ago(one.behind_s)],
  ["Last fold", time(one.last_fold)], ["Not folded yet", number(one.unfolded_rows)], ["Rescued", number(one.rescued_rows)],
  ["Dead letters", number(one.dead_letters)]]);

function steer(world, name, told) {
  const button = (verb) => el("button", { type: "button", disabled: !may(world, "operator"), onclick: async () => {
    try {
      const wish = await read(`/pipelines/${name}/${verb}`, { method: "POST" });
      told.replaceChildren(el("p", { class: "soft" }, `Asked for: ${wish.wish}.`));
    } catch (error) { told.replaceChildren(problem(error)); }
  } }, verb[0].toUpperCase() + verb.slice(1));
  return el("div", { class: "row", role: "group", "aria-label": "Run" }, ...["start", "pause", "restart", "stop"].map(button));
}

function diff(plan, world, told) {
  if (plan instanceof Error) return [problem(plan)];
  const pending = plan.changes.filter((one) => one.action !== "no-op");
  if (!pending.length) return [el("p", { class: "good" }, "Nothing to do: the world is as the specs say.")];
  const text = pending.map((one) => [`${one.action} ${one.title}${one.reason ? `: ${one.reason}` : ""}`,
    ...one.paths.map((path) => `    ${path.path}: ${JSON.stringify(path.before)} → ${JSON.stringify(path.after)}`),
    ...one.consequence.map((line) => `    ${line}`)].join("\n")).join("\n");
  const button = el("button", { class: "main", type: "button", disabled: !may(world, "admin"),
    onclick: () => follow("/applies", { digest: plan.digest, allow_replace: false }, told) }, "Apply the target's plan");
  const loses = pending.some((one) => ["replace", "delete"].includes(one.action));
  const hint = loses ? el("p", { class: "soft" }, "What holds data is replaced or deleted by ", el("code", {},
    "oplake apply --allow-replace"), " alone: here such a plan is refused.") : "";
  return [el("pre", { tabindex: "0", role: "region", "aria-label": "Plan" }, text), hint, el("div", { class: "row" }, button)];
}

function schema(one) {
  const made = el("details", { ontoggle: async () => {
    if (!made.open || made.dataset.read) return;
    made.dataset.read = "yes";
    try {
      const past = await read(`/tables/${one.name}/schema`);
      const rows = past.items.map((change) => [String(change.version), time(change.at), [
        ...Object.entries(change.added).map(([name, kind]) => `+ ${name} ${type(kind)}`),
        ...Object.keys(change.removed).map((name) => `− ${name}`),
        ...Object.entries(change.retyped).map(([name, [was, is]]) => `${name}: ${type(was)} → ${type(is)}`)].join(", ")]);
      made.append(table(`Columns of ${one.name}`, [["Version"], ["When"], ["Change"]], rows));
    } catch (error) { made.append(problem(error)); }
  } }, el("summary", {}, `Schema history of ${one.name}`));
  return made;
}

const type = (kind) => (typeof kind === "string" ? kind : kind.type);

function reconciling(world, name, told) {
  const mode = el("select", { id: "mode" }, ...["full", "incremental", "sampled"].map((one) => el("option", {}, one)));
  return el("div", { class: "row" }, el("label", { for: "mode" }, "Compare with the source"), mode,
    el("button", { type: "button", disabled: !may(world, "operator"),
      onclick: () => follow("/reconciliations", { pipelines: [name], mode: mode.value }, told) }, "Reconcile"),
    el("a", { href: "#/jobs" }, "Reports are with the jobs"));
}
