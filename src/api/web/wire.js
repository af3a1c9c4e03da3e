// The node's HTTP API, with the key where one is needed.

import { byId } from "./dom.js";

function headers(more = {}) {
  const key = sessionStorage.getItem("key");
  return key ? { ...more, Authorization: `Bearer ${key}` } : more;
}

function askKey() {
  const dialog = byId("key");
  return new Promise((resolve) => {
    dialog.addEventListener("close", () => {
      sessionStorage.setItem("key", byId("key-value").value);
      byId("key-value").value = "";
      resolve();
    }, { once: true });
    if (!dialog.open) dialog.showModal();
  });
}

async function problem(response) {
  try {
    return (await response.json()).error.message;
  } catch {
    return `The node answers ${response.status}.`;
  }
}

export async function get(path, { quiet = false } = {}) {
  const response = await fetch(path, { headers: headers() });
  if (response.status === 401 && !quiet) {
    await askKey();
    return get(path);
  }
  if (!response.ok) throw new Error(await problem(response));
  return response.json();
}

// Streams one answer. `on` hears progress(cast, seats, tokens), draft(text) and text(text).
// Returns the verdict; throws what the node says went wrong.
export async function ask(body, on, signal) {
  const response = await fetch("/v1/chat/completions", {
    method: "POST", signal,
    headers: headers({ "Content-Type": "application/json" }),
    body: JSON.stringify({ ...body, stream: true }),
  });
  if (response.status === 401) {
    await askKey();
    return ask(body, on, signal);
  }
  if (!response.ok) throw new Error(await problem(response));
  let verdict = null;
  for await (const line of lines(response.body)) {
    const step = /^: swarm (\d+)\/(\d+) ballots (\d+) tokens/.exec(line);
    if (step) on.progress(...step.slice(1).map(Number));
    if (!line.startsWith("data: {")) continue;
    const chunk = JSON.parse(line.slice(6));
    if (chunk.error) throw new Error(chunk.error.message);
    verdict = chunk.swarm ?? verdict;
    for (const { delta } of chunk.choices) {
      if (delta.reasoning_content) on.draft(delta.reasoning_content);
      if (delta.content) on.text(delta.content);
      for (const call of delta.tool_calls ?? []) {
        on.text(`${call.function.name ?? ""}(${call.function.arguments ?? ""})`);
      }
    }
  }
  if (!verdict) throw new Error("The node broke off in the middle of its answer. Ask again.");
  return verdict;
}

async function* lines(stream) {
  const reader = stream.pipeThrough(new TextDecoderStream()).getReader();
  let rest = "";
  for (;;) {
    const { done, value } = await reader.read();
    if (done) break;
    const parts = (rest + value).split("\n");
    rest = parts.pop();
    yield* parts;
  }
  if (rest) yield rest;
}
