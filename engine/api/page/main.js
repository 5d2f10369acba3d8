import { Problem, key, listen, read } from "./api.js";
import { el, problem } from "./dom.js";
import { jobs } from "./jobs.js";
import { pipeline } from "./pipeline.js";
import { pipelines } from "./pipelines.js";
import { query } from "./query.js";

const content = document.getElementById("content");
const live = document.getElementById("live");
const leave = document.getElementById("leave");
const world = { overview: null, history: {}, me: null };
let view = null;
let place = new AbortController();

const ROUTES = [
  [/^#?\/?$/, pipelines, "Pipelines"],
  [/^#\/query$/, query, "Query"],
  [/^#\/jobs$/, jobs, "Jobs"],
  [/^#\/pipelines\/([a-z][a-z0-9_]*)$/, pipeline, "Pipeline"],
];

async function show() {
  place.abort();
  place = new AbortController();
  const found = ROUTES.map(([pattern, make, name]) => [location.hash.match(pattern), make, name]).find(([match]) => match);
  const [match, make, name] = found ?? [[""], pipelines, "Pipelines"];
  document.title = `${match[1] ?? name} · oplake`;
  for (const link of document.querySelectorAll("nav a")) {
    if (link.textContent === name) link.setAttribute("aria-current", "page");
    else link.removeAttribute("aria-current");
  }
  view = null;
  content.replaceChildren(el("p", { class: "soft" }, "Loading"));
  try {
    view = await make(content, world, place.signal, match[1]);
  } catch (error) {
    if (error.name !== "AbortError") fail(error);
  }
}

function fail(error) {
  if (error instanceof Problem && error.body.status === 401) return signIn(key.get() ? error : null);
  return content.replaceChildren(problem(error));
}

function signIn(error) {
  live.textContent = "signed out";
  leave.hidden = true;
  const input = el("input", { id: "key", type: "password", autocomplete: "off", required: true });
  const submit = async (event) => {
    event.preventDefault();
    key.set(input.value.trim());
    await begin();
  };
  content.replaceChildren(el("form", { class: "signin", onsubmit: submit },
    el("h2", {}, "Sign in"),
    error ? problem(error) : null,
    el("label", { for: "key" }, "API key"), input,
    el("p", { class: "soft" }, "It stays in this tab. ", el("code", {}, "oplake keys create NAME"), " makes one."),
    el("button", { class: "main" }, "Sign in")));
  input.focus();
}

function take(_name, overview) {
  world.overview = overview;
  for (const one of overview.pipelines) {
    const seen = (world.history[one.name] ??= []);
    seen.push(one.events_per_s ?? 0);
    if (seen.length > 120) seen.shift();
  }
  view?.(overview);
}

async function begin() {
  try {
    world.me = await read("/me");
  } catch (error) {
    return fail(error);
  }
  leave.hidden = !key.get();
  await show();
  try {
    await listen("/events", take, new AbortController().signal, (text) => {
      live.textContent = text === "live" ? `live · ${world.me.actor} · ${world.me.role}` : text;
    });
  } catch (error) {
    fail(error);
  }
  return undefined;
}

leave.addEventListener("click", () => { key.clear(); location.reload(); });
window.addEventListener("hashchange", async () => { await show(); content.focus(); });
begin();
