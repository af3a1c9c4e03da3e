// The verdict of a vote, and its ballots as cards.

import { el, percent } from "./dom.js";

const MEANING = {
  majority: "more than half agree",
  plurality: "the most agree, but not half",
  tie: "two answers are level",
  no_consensus: "no two agree",
  no_answer: "nobody gave a valid answer",
  escalate: "a call that changes something, without a majority",
};

export function verdict(swarm) {
  const made = el("div", { class: "vote" }, line(swarm));
  for (const round of swarm.rounds?.slice(1) ?? []) {
    const asked = Object.values(round.asked).reduce((sum, seats) => sum + seats, 0);
    made.append(el("p", { class: "verdict" }, `${asked} more were asked (${round.name}): ${MEANING[round.status]}`));
  }
  if (swarm.degraded) made.append(el("p", { class: "verdict" }, swarm.degraded));
  if (swarm.details?.length) {
    const cards = el("div", { class: "cards" }, ...ordered(swarm).map((ballot) => card(ballot, swarm)));
    made.append(el("details", {}, el("summary", {}, `Ballots (${swarm.details.length})`), cards));
  }
  return made;
}

function line(swarm) {
  const facts = [
    `${percent(swarm.share)} of the valid votes`,
    `${swarm.ballots} of ${swarm.seats} seats answered`,
    swarm.machines > 1 ? `on ${swarm.machines} machines` : null,
    swarm.cancelled ? `${swarm.cancelled} stopped early` : null,
    swarm.abstained ? `${swarm.abstained} abstained` : null,
    `strategy ${swarm.strategy}`,
    `${swarm.tokens.total} tokens`,
    `${swarm.seconds.toFixed(2)} s`,
  ].filter(Boolean);
  const status = el("b", {}, swarm.status.replace("_", " "));
  return el("p", { class: "verdict", title: MEANING[swarm.status] }, status, `: ${facts.join(", ")}`);
}

// The winner's group first, then the others in their order, abstentions last.
function ordered(swarm) {
  const place = (ballot) => {
    const at = swarm.groups.findIndex((group) => group.key === ballot.key);
    return at < 0 ? swarm.groups.length : at;
  };
  const won = (ballot) => (ballot.worker === swarm.winner?.worker ? 0 : 1);
  return [...swarm.details].sort((a, b) => place(a) - place(b) || won(a) - won(b));
}

function card(ballot, swarm) {
  const group = swarm.groups.findIndex((other) => other.key === ballot.key);
  const winner = ballot.worker === swarm.winner?.worker;
  const colour = group < 0 ? "" : ` g${group % 8}`;
  const sure = ballot.confidence === null ? null : `confidence ${ballot.confidence.toFixed(2)}`;
  const facts = [ballot.machine, sure, `${ballot.tokens} tokens`, `${ballot.seconds.toFixed(2)} s`];
  const calls = ballot.tool_calls.map((call) => `${call.function.name}(${call.function.arguments})`);
  const said = [ballot.text, ...calls].filter(Boolean).join("\n");
  return el("article", { class: `card${colour}${winner ? " winner" : ""}`, tabindex: "0" },
    el("div", {}, winner ? el("span", { class: "badge" }, "winner") : null, winner ? " " : null, ballot.worker),
    el("div", { class: "key" }, answer(ballot)),
    el("div", { class: "facts" }, facts.filter(Boolean).join(" · ")),
    el("div", { class: "text" }, said || "(empty)"));
}

function answer(ballot) {
  if (!ballot.key) return "abstains";
  const [kind, ...rest] = ballot.key.split(":");
  const value = rest.join(":");
  return value && value.length <= 60 ? value : `(${kind.replace("_", " ")})`;
}
