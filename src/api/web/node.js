// What the node is and does, asked again every two seconds while it is looked at.

import { byId, bytes, el } from "./dom.js";
import { get } from "./wire.js";

const EVERY = 2000;

export function begin() {
  const refresh = async () => {
    const state = byId("state");
    try {
      const status = await get("/swarm/status", { quiet: !document.hasFocus() });
      const models = [...new Set(status.engines.map((one) => one.model))].join(" + ") || "no engine";
      state.textContent = `${status.state}: ${models}, ${status.seats} seats`;
      state.className = status.state === "ok" ? "" : "bad";
      byId("seats").placeholder = String(status.seats);
      if (!byId("node").hidden) show(status);
    } catch (error) {
      state.textContent = error instanceof TypeError ? "the node does not answer" : error.message;
      state.className = "bad";
    }
    setTimeout(refresh, EVERY);
  };
  refresh();
}

function show(status) {
  byId("node").replaceChildren(
    el("h2", {}, "Node"),
    table([
      ["address", status.url],
      ["state", status.state],
      ["version", status.version],
      ["up", `${Math.round(status.uptime_s)} s`],
      ["requests", status.requests_total],
      ["seats", status.seats],
      ["context", `${status.context} tokens`],
      ["strategy", status.strategy],
    ]),
    el("h2", {}, "Why this model, and so many seats"),
    el("ul", {}, ...status.plan.map((line) => el("li", {}, line))),
    ...status.engines.flatMap(engine),
    el("h2", {}, "Peers"),
    peers(status.machines),
  );
}

function peers(machines) {
  if (!machines.length) {
    return el("p", { class: "soft" }, "This node works alone. `local-swarm invite` pairs another machine with it.");
  }
  return table(machines.map((one) => {
    const speed = one.tokens_per_s ? `, ${one.tokens_per_s.toFixed(0)} tokens/s` : "";
    return [one.name, `${one.state}: ${one.models.join(" + ") || "no model known"}, ${one.seats} seats${speed}`];
  }));
}

function engine(one) {
  const speed = one.tokens_per_second === null ? "unknown" : `${one.tokens_per_second.toFixed(1)} tokens/s`;
  return [
    el("h2", {}, `Engine: ${one.model}`),
    table([
      ["state", one.why ? `${one.state} (${one.why})` : one.state],
      ["seats busy", meter(one.slots_busy, one.slots)],
      ["KV cells reserved", meter(one.kv_reserved, one.kv_cells)],
      ["waiting requests", one.queue],
      ["speed of all seats", speed],
      ["tokens so far", one.tokens_total],
      ["memory", bytes(one.rss)],
      ["restarts", one.restarts],
    ]),
  ];
}

function meter(value, most) {
  return el("span", {}, el("progress", { max: Math.max(1, most), value, "aria-label": `${value} of ${most}` }),
    ` ${value} of ${most}`);
}

function table(rows) {
  const lines = rows.map(([name, value]) =>
    el("tr", {}, el("th", { scope: "row" }, name), el("td", {}, value instanceof Node ? value : String(value))));
  return el("div", { class: "scroll" }, el("table", {}, el("tbody", {}, ...lines)));
}
