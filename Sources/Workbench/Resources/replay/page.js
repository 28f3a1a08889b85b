
// The page: one state (sample, round, position), shown again whenever it changes. Every text is set as text.

const data = JSON.parse(document.getElementById("data").textContent);
const byId = (id) => document.getElementById(id);
const states = ["masked", "revealed", "fresh", "remasked", "pinned"];
const kinds = ["revealed", "replaced", "taken back", "inserted", "deleted"];
const speeds = [1, 2, 4, 8, 16, 32];
const state = { sample: 0, round: 0, position: 0, speed: 2, timer: null };
let shown = null;

const element = (name, className, ...children) => {
  const made = document.createElement(name);
  if (className) made.className = className;
  made.append(...children);
  return made;
};

const plural = (count, noun) => `${count} ${noun}${count === 1 ? "" : "s"}`;
const share = (value) => value === null ? "not known" : value > 0.9999 && value < 1 ? value.toFixed(6) : value.toFixed(4);
const cellText = (token) => token < 0 ? "" : data.texts[token][0];
const fullText = (token) => token < 0 ? "a mask" : data.texts[token][1];
const isEnd = (token) => cellText(token) === "∎";

/** Columns of a text in a font of one width. */
const columns = (text) => Array.from(text).reduce((sum, letter) => {
  const code = letter.codePointAt(0);
  return sum + (code >= 0x1100 && (code < 0x2000 || code > 0x2bff) ? 2 : 1);
}, 0);

/** Frames as they are stored hold what changed; here each gets all its cells, its blocks, and its guesses by position. */
const expand = (side) => {
  let cells = [];
  let blocks = [];
  side.widths = [];
  side.frames.forEach((frame) => {
    cells = frame.count === cells.length ? cells.slice() : new Array(frame.count);
    for (const [position, token, state, edit] of frame.cells) {
      cells[position] = { token, state, edit };
      side.widths[position] = Math.max(side.widths[position] || 1, columns(cellText(token)));
    }
    frame.cells = cells;
    frame.blocks = blocks = frame.blocks || blocks;
    frame.guessAt = new Map((frame.guesses || []).map((guess) => [guess[0], guess]));
  });
};

const frameOf = (side) => side.frames[Math.min(state.round, side.frames.length - 1)];

/** Whether the two sides hold different tokens at a position now. */
const differs = (position) => {
  if (shown.sides.length < 2) return false;
  const [left, right] = shown.sides.map((side) => frameOf(side).cells[position]);
  return !left || !right || left.token !== right.token;
};

/** Boxes of cells, one per block. */
const blocksOf = (frame, cellAt) => {
  let start = 0;
  return frame.blocks.map((end) => {
    const block = element("div", "block");
    block.dataset.range = end - start > 1 ? `${start}–${end - 1}` : `${start}`;
    if (frame.window[0] < end && frame.window[1] > start) block.dataset.current = "";
    for (let position = start; position < end; position++) block.append(cellAt(position));
    start = end;
    return block;
  });
};

const history = (side, cell) => {
  const edit = side.edits[cell.edit];
  if (!edit) return cell.state === 4 ? "given with the problem" : cell.token < 0 ? "not decided yet" : "there from the start";
  return `${kinds[edit[1]]} in round ${edit[0]} by ${data.authors[edit[6]]}`;
};

const drawCanvas = (side, frame, view) => {
  view.querySelector(".canvas").replaceChildren(...blocksOf(frame, (position) => {
    const cell = frame.cells[position];
    const made = element("span", "cell", cell.state === 3 ? "×" : cellText(cell.token));
    made.setAttribute("role", "listitem");
    made.dataset.position = position;
    made.dataset.state = states[cell.state];
    if (isEnd(cell.token)) made.dataset.end = "";
    if (differs(position)) made.dataset.differs = "";
    if (position === state.position) made.dataset.cursor = "";
    made.style.minWidth = `calc(${side.widths[position]}ch + 10px)`;
    const words = cell.token < 0 ? states[cell.state] : `${fullText(cell.token)}, ${history(side, cell)}`;
    made.setAttribute("aria-label", `position ${position}: ${words}${differs(position) ? ", differs" : ""}`);
    made.title = made.getAttribute("aria-label");
    return made;
  }));
};

const describeRound = (side, frame) => {
  const rounds = side.frames.length - 1;
  if (state.round === 0) return `Before the first round: ${frame.masked} of ${frame.count} positions are masked.`;
  const ended = state.round > rounds ? `Ended after ${plural(rounds, "round")}. Its last round: ` : "";
  const authors = frame.authors.map(([name, count]) => `${name} ${count}`).join(", ");
  const parts = [`${frame.revealed} revealed${frame.ends ? ` (${plural(frame.ends, "end token")})` : ""}`];
  if (frame.remasked) parts.push(`${frame.remasked} taken back`);
  if (frame.kind === 1) parts.push("passed on purpose");
  if (frame.kind === 2) parts.push("cache refreshed");
  if (frame.tried) parts.push(`${plural(frame.tried, "edit")} tried in drafts`);
  const rate = (frame.tokens / Math.min(state.round, rounds)).toFixed(2);
  return `${ended}${parts.join(", ")}${authors ? ` — ${authors}` : ""}. ${frame.masked} still masked; ${rate} tokens per round so far.`;
};

const describeCell = (side, frame, view) => {
  const cell = frame.cells[state.position];
  const detail = view.querySelector(".detail");
  if (!cell) return detail.replaceChildren(`No position ${state.position} in this response.`);
  const edit = side.edits[cell.edit];
  const lines = [element("span", "", element("b", "", `position ${state.position}`), ` ${fullText(cell.token)}, ${history(side, cell)}`)];
  if (edit) lines.push(element("span", "", `decided at confidence ${share(edit[3])}, margin ${share(edit[4])}, entropy ${share(edit[5])}`));
  const number = side.frames.indexOf(frame);
  const source = [number, edit && edit[0]].find((round) => round && side.frames[round].guessAt.has(state.position));
  if (source) {
    const [, best, first, second, next] = side.frames[source].guessAt.get(state.position);
    lines.push(element("span", "", `model in round ${source}: ${fullText(best)} ${share(first)}` + (second < 0 ? "" : `, runner-up ${fullText(second)} ${share(next)}`)));
  } else if (!side.hasBeliefs) lines.push(element("span", "", "the trace holds no beliefs, so no runner-up (record with trace: beliefs)"));
  detail.replaceChildren(...lines);
};

/** Outlines of the current round and position on the chart. */
const placeMarks = (side, view) => {
  const { left, top, cellWidth, cellHeight, right, bottom, rounds } = side.place;
  const round = Math.min(state.round, rounds);
  const [row, column] = [view.querySelector(".row"), view.querySelector(".column")];
  row.hidden = round === 0;
  Object.assign(row.style, { left: `${left - 2}px`, top: `${top + (round - 1) * cellHeight - 2}px`, width: `${right - left + 3}px`, height: `${cellHeight + 3}px` });
  const x = left + state.position * cellWidth;
  Object.assign(column.style, { left: `${x - 1}px`, top: `${top}px`, width: `${cellWidth + 1}px`, height: `${bottom - top}px` });
};

const show = () => {
  const last = Math.max(...shown.sides.map((side) => side.frames.length)) - 1;
  state.round = Math.round(clamp(state.round, 0, last));
  state.position = Math.round(clamp(state.position, 0, Math.max(...shown.sides.map((side) => frameOf(side).count)) - 1));
  shown.sides.forEach((side) => {
    const frame = frameOf(side);
    drawCanvas(side, frame, side.view);
    side.view.querySelector(".now").textContent = describeRound(side, frame);
    describeCell(side, frame, side.view);
    placeMarks(side, side.view);
  });
  const where = state.round === 0 ? `start of ${last}` : `round ${state.round} of ${last}`;
  byId("round").value = state.round;
  byId("round").setAttribute("aria-valuetext", where);
  byId("where").textContent = where;
  byId("speed").textContent = `${speeds[state.speed]}/s`;
  const sample = data.samples.length > 1 ? `&sample=${encodeURIComponent(data.samples[state.sample].problem)}` : "";
  // Not while playing: browsers take only so many new addresses in a while.
  if (!state.timer) window.history.replaceState(null, "", `#round=${state.round}&position=${state.position}${sample}`);
};

const drawOrder = (side) => {
  const shade = ramp("order");
  const last = side.frames[side.frames.length - 1];
  const rounds = Math.max(side.frames.length - 1, 1);
  side.view.querySelector(".blocks").replaceChildren(...blocksOf({ ...last, window: [0, 0] }, (position) => {
    const order = side.order[position];
    const made = element("span", "cell", cellText(last.cells[position].token), element("sup", "", order ? `${order}` : ""));
    made.setAttribute("role", "listitem");
    made.dataset.position = position;
    made.setAttribute("aria-label", `position ${position}: ${order ? `round ${order}` : "from the start"}`);
    if (last.cells[position].state === 4) made.dataset.state = "pinned";
    if (order) {
      const background = shade(rounds > 1 ? (order - 1) / (rounds - 1) : 1);
      Object.assign(made.style, { background: css(background), color: isLight(background) ? "#15181d" : "#ffffff" });
    }
    return made;
  }));
};

const drawCharts = () => shown.sides.forEach((side) => {
  side.place = drawChart(side.view.querySelector(".plot canvas"), side, side.view.querySelector(".plot").clientWidth);
  drawOrder(side);
});

/** A side's section: what does not change with the round. */
const makeView = (side, source) => {
  const view = byId("side").content.cloneNode(true).querySelector("section");
  const rounds = side.frames.length - 1;
  const verdict = ["", "wrong", "correct"][side.correct + 1];
  const rate = rounds ? `${(side.answerTokens / rounds).toFixed(2)} tokens per round` : "";
  const rules = source.rules.length ? source.rules : [["replay", ""]];
  view.querySelector("h2").replaceChildren(...rules.flatMap(([name, settings], index) =>
    [index ? " + " : "", name, settings && element("small", "", `: ${settings}`)]));
  view.querySelector("h2").title = `run ${source.run}, model ${source.model}`;
  view.querySelector(".facts").textContent = [plural(rounds, "round"), plural(side.answerTokens, "token"), rate, verdict].filter(Boolean).join(" · ");
  view.querySelector(".heat figcaption").replaceChildren(
    "Confidence by position and round ",
    element("small", "", side.hasBeliefs ? "the model's best guess while masked; a dot writes it, a cross takes it back" : "of each decision; a cross takes it back"));
  view.querySelector(".plot canvas").setAttribute("aria-label", `Confidence of ${side.frames[0].count} positions over ${plural(rounds, "round")}`);
  view.querySelector(".canvas").setAttribute("aria-label", `Response of ${source.strategy || "the trace"}`);
  view.addEventListener("click", (event) => choose(event, side));
  return view;
};

/** A click on a cell or on the chart moves the cursor there. */
const choose = (event, side) => {
  const cell = event.target.closest(".cell");
  if (cell) state.position = Number(cell.dataset.position);
  else if (event.target.matches("canvas")) {
    const { left, top, cellWidth, cellHeight, positions } = side.place;
    state.position = clamp(Math.floor((event.offsetX - left) / cellWidth), 0, positions - 1);
    state.round = Math.floor((event.offsetY - top) / cellHeight) + 1;
  } else return;
  show();
};

const open = (sample) => {
  state.sample = clamp(sample, 0, data.samples.length - 1);
  shown = data.samples[state.sample];
  if (!shown.isExpanded) shown.sides.forEach(expand);
  shown.isExpanded = true;
  byId("problem").textContent = shown.problem;
  byId("prompt").textContent = shown.prompt;
  byId("sample").value = state.sample;
  byId("sides").className = shown.sides.length > 1 ? "two" : "";
  byId("legend-differs").hidden = shown.sides.length < 2;
  shown.sides.forEach((side, index) => { side.view = makeView(side, data.sources[index]); });
  byId("sides").replaceChildren(...shown.sides.map((side) => side.view));
  const last = Math.max(...shown.sides.map((side) => side.frames.length)) - 1;
  byId("round").max = last;
  const parting = shown.difference;
  byId("difference").hidden = shown.sides.length < 2;
  byId("jump").hidden = byId("mark").hidden = !parting;
  byId("difference").firstElementChild.textContent = !parting ? "The canvases are the same after every round."
    : `First difference: ${parting.frame ? `round ${parting.frame}` : "before the first round"}, position ${parting.position}.`;
  byId("answers").textContent = parting && shown.answers ? `In the end ${shown.answers}.` : "";
  if (parting) Object.assign(byId("difference").dataset, { round: parting.frame, position: parting.position });
  if (parting) byId("mark").style.left = `calc(8px + (100% - 16px) * ${parting.frame / Math.max(last, 1)})`;
  drawCharts();
};
