// What to paste where, so that other programs use this node.

import { byId, copyButton, el } from "./dom.js";
import { get } from "./wire.js";

export async function show() {
  const panel = byId("connect");
  try {
    const { clients } = await get("/swarm/integrations");
    panel.replaceChildren(
      el("p", { class: "soft" }, "Any OpenAI client works with the address ",
        el("code", {}, `${location.origin}/v1`), " and any key. Or let ",
        el("code", {}, "local-swarm connect NAME"), " write the configuration."),
      ...clients.map(snippet));
  } catch (error) {
    panel.replaceChildren(el("p", { class: "error", role: "alert" }, error.message));
  }
}

function snippet(client) {
  return el("div", { class: "snippet" },
    el("header", {}, el("h3", {}, client.name), el("span", { class: "soft" }, client.where),
      copyButton(() => client.text)),
    el("pre", { tabindex: "0" }, el("code", {}, client.text)),
    client.note ? el("p", { class: "soft" }, client.note) : null);
}
