// Requests with the key of this tab, and server-sent events over fetch: EventSource cannot send a header.
const KEY = "oplake.key";

export const key = {
  get: () => sessionStorage.getItem(KEY) ?? "",
  set: (text) => sessionStorage.setItem(KEY, text),
  clear: () => sessionStorage.removeItem(KEY),
};

export class Problem extends Error {
  constructor(body) {
    super(body.detail);
    this.body = body;
  }
}

export async function ask(path, { method = "GET", body, signal, once } = {}) {
  const headers = {};
  if (key.get()) headers.Authorization = `Bearer ${key.get()}`;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  if (once) headers["Idempotency-Key"] = once;
  const answer = await fetch(`/api/v1${path}`, {
    method, headers, signal, cache: "no-store", body: body === undefined ? undefined : JSON.stringify(body),
  });
  if (answer.ok) return answer;
  let told;
  try {
    told = await answer.json();
  } catch {
    told = { status: answer.status, code: "http", detail: `the service answered ${answer.status}` };
  }
  throw new Problem(told);
}

export const read = async (path, options) => (await ask(path, options)).json();

// Calls `take(name, data)` for each event until the signal ends it; connects again when the stream breaks.
export async function listen(path, take, signal, told = () => {}) {
  for (let wait = 1000; !signal.aborted; wait = Math.min(wait * 2, 15000)) {
    try {
      const answer = await ask(path, { signal });
      told("live");
      wait = 1000;
      const last = await events(answer.body.pipeThrough(new TextDecoderStream()).getReader(), take);
      if (last === "job") return;
    } catch (error) {
      if (signal.aborted) return;
      if (error instanceof Problem && error.body.status < 500) throw error;
    }
    told("no connection; trying again");
    await new Promise((done) => setTimeout(done, wait));
  }
}

async function events(reader, take) {
  let held = "", last = "";
  for (;;) {
    const { value, done } = await reader.read();
    if (done) return last;
    held += value;
    const parts = held.split("\n\n");
    held = parts.pop();
    for (const part of parts) {
      const fields = Object.fromEntries(part.split("\n").map((line) => line.split(/: (.*)/s)));
      if (!fields.data) continue;
      last = fields.event;
      take(fields.event, JSON.parse(fields.data));
    }
  }
}
