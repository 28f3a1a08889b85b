
// Keys, buttons and the address: what moves the page from one state to the next.

const pause = () => {
  clearInterval(state.timer);
  state.timer = null;
  byId("play").setAttribute("aria-pressed", "false");
  byId("play").setAttribute("aria-label", "Play");
};

const play = () => {
  if (state.round >= Number(byId("round").max)) state.round = 0;
  clearInterval(state.timer);
  state.timer = setInterval(() => {
    state.round += 1;
    show();
    if (state.round >= Number(byId("round").max)) pause();
  }, 1000 / speeds[state.speed]);
  byId("play").setAttribute("aria-pressed", "true");
  byId("play").setAttribute("aria-label", "Pause");
  show();
};

const step = (count) => { pause(); state.round += count; show(); };
const move = (count) => { state.position += count; show(); };
const accelerate = (count) => {
  state.speed = clamp(state.speed + count, 0, speeds.length - 1);
  if (state.timer) play(); else show();
};
const part = () => {
  if (!shown.difference) return;
  pause();
  Object.assign(state, { round: shown.difference.frame, position: shown.difference.position });
  show();
};

const keys = {
  " ": () => state.timer ? pause() : play(), ArrowLeft: () => step(-1), h: () => step(-1), ArrowRight: () => step(1), l: () => step(1),
  g: () => step(-Infinity), Home: () => step(-Infinity), G: () => step(Infinity), End: () => step(Infinity),
  j: () => move(1), ArrowDown: () => move(1), k: () => move(-1), ArrowUp: () => move(-1), "[": () => accelerate(-1), "]": () => accelerate(1), d: part,
};

/** The round, position and sample that the address asks for. */
const readAddress = () => {
  const wanted = new URLSearchParams(location.hash.slice(1));
  const sample = data.samples.findIndex((sample) => sample.problem === wanted.get("sample"));
  if (shown === null || (sample >= 0 && sample !== state.sample)) open(Math.max(sample, 0));
  const start = shown.difference ? shown.difference : { frame: shown.sides[0].frames.length - 1, position: 0 };
  state.round = wanted.has("round") ? Number(wanted.get("round")) || 0 : start.frame;
  state.position = wanted.has("position") ? Number(wanted.get("position")) || 0 : start.position;
  show();
};

data.samples.forEach((sample, index) => byId("sample").append(new Option(sample.problem, index)));
byId("choose").hidden = data.samples.length < 2;
byId("sample").addEventListener("change", (event) => { pause(); open(Number(event.target.value)); state.round = 0; show(); });
byId("round").addEventListener("input", (event) => { pause(); state.round = Number(event.target.value); show(); });
byId("first").addEventListener("click", keys.g);
byId("back").addEventListener("click", keys.h);
byId("play").addEventListener("click", keys[" "]);
byId("forward").addEventListener("click", keys.l);
byId("last").addEventListener("click", keys.G);
byId("speed").addEventListener("click", () => { if (state.speed === speeds.length - 1) state.speed = -1; accelerate(1); });
byId("jump").addEventListener("click", part);
document.addEventListener("keydown", (event) => {
  // Controls keep their own keys: the slider its arrows, the list of samples its letters, buttons the space bar.
  const own = event.target.matches("select") || (event.target.matches("button") && event.key === " ") || (event.target.matches("input") && event.key !== " " && event.key.length > 1);
  if (own || event.ctrlKey || event.metaKey || event.altKey || !Object.hasOwn(keys, event.key)) return;
  event.preventDefault();
  keys[event.key]();
});
window.addEventListener("hashchange", readAddress);
window.addEventListener("resize", () => { drawCharts(); show(); });
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => { drawCharts(); show(); });
readAddress();
