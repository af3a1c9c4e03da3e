// One conversation with the swarm; kept in this page only.

import { verdict } from "./ballots.js";
import { byId, el, prose } from "./dom.js";
import { ask } from "./wire.js";

let history = [];
let running = null;

export function begin() {
  const welcome = [...byId("talk").children];
  const box = byId("question");
  byId("ask").addEventListener("submit", (event) => {
    event.preventDefault();
    send(box.value);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
      event.preventDefault();
      send(box.value);
    }
  });
  document.addEventListener("keydown", (event) => {
    if (event.key === "Escape") running?.abort();
  });
  byId("stop").addEventListener("click", () => running?.abort());
  byId("clear").addEventListener("click", () => {
    running?.abort();
    history = [];
    byId("talk").replaceChildren(...welcome);
    box.focus();
  });
  for (const example of document.querySelectorAll(".example")) {
    example.addEventListener("click", () => send(example.textContent));
  }
}

async function send(question) {
  if (running || !question.trim()) return;
  if (!history.length) byId("talk").replaceChildren();
  byId("question").value = "";
  const turn = new Turn(question);
  const messages = [...history, { role: "user", content: question }];
  running = new AbortController();
  busy(true);
  try {
    const swarm = await ask({ messages, swarm: options() }, turn, running.signal);
    turn.done(swarm);
    history = [...messages, { role: "assistant", content: turn.said }];
  } catch (error) {
    turn.failed(error.name === "AbortError" ? "Stopped." : error.message);
    byId("question").value ||= error.name === "AbortError" ? "" : question;
  } finally {
    running = null;
    busy(false);
  }
}

function options() {
  const seats = Number.parseInt(byId("seats").value, 10);
  return {
    strategy: byId("strategy").value,
    draft: byId("draft").checked,
    include_ballots: true,
    ...(seats > 0 ? { seats } : {}),
  };
}

function busy(on) {
  byId("stop").hidden = !on;
  byId("send").hidden = on;
  byId("talk").setAttribute("aria-busy", String(on));
  if (!on) byId("question").focus();
}

class Turn {
  constructor(question) {
    this.said = "";
    this.waiting = el("p", { class: "verdict waiting" }, "asking the workers");
    this.drafted = null;
    this.answer = el("div", {});
    this.root = el("article", { class: "turn" },
      el("div", { class: "asked" }, question), this.waiting, this.answer);
    byId("talk").append(this.root);
    this.show();
  }

  progress(cast, seats, tokens) {
    if (seats < 2) return;
    const bar = el("progress", { max: seats, value: cast, "aria-label": "ballots" });
    this.waiting.replaceChildren(bar, ` ${cast} of ${seats} ballots, ${tokens} tokens`);
  }

  draft(text) {
    if (!this.drafted) {
      this.drafted = el("p", { class: "draft" });
      this.answer.before(this.drafted);
    }
    this.drafted.append(text);
    this.show();
  }

  text(text) {
    this.drafted?.remove();
    this.said += text;
    this.answer.replaceChildren(prose(this.said));
    this.show();
  }

  done(swarm) {
    this.waiting.remove();
    if (!this.said) this.answer.replaceChildren(el("p", { class: "soft" }, "(an empty answer)"));
    this.root.append(verdict(swarm));
    this.show();
  }

  failed(message) {
    this.waiting.remove();
    this.root.append(el("p", { class: "error", role: "alert" }, message));
    this.show();
  }

  show() {
    const talk = byId("talk");
    talk.scrollTop = talk.scrollHeight;
  }
}
