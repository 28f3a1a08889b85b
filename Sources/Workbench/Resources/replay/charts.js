"use strict";

// The charts: confidence by position and round with the tokens of each round beside it, on one canvas that is drawn once per sample and width.

/** A colour of the page's scheme as [red, green, blue]. */
const color = (name) => {
  const text = getComputedStyle(document.documentElement).getPropertyValue(name).trim();
  return [1, 3, 5].map((start) => parseInt(text.slice(start, start + 2), 16));
};

const css = (rgb) => `rgb(${rgb.map(Math.round).join(",")})`;

/** A function from 0...1 to a colour through three stops. */
const ramp = (name) => {
  const stops = [0, 1, 2].map((stop) => color(`--${name}-${stop}`));
  return (value) => {
    const place = Math.min(Math.max(value, 0), 1) * 2;
    const from = Math.min(Math.floor(place), 1);
    return stops[from].map((part, index) => part + (stops[from + 1][index] - part) * (place - from));
  };
};

/** Where a probability stands on the scale of confidences, even in its odds: 0.1, 0.5, 0.9, 0.99 and 0.999 are equally far apart. */
const odds = (probability) => (Math.log10(probability / (1 - probability)) + 1) / 4;

/** Whether dark ink reads better than light ink on a colour. */
const isLight = ([red, green, blue]) => 0.299 * red + 0.587 * green + 0.114 * blue > 140;

const clamp = (value, low, high) => Math.min(Math.max(value, low), high);

/** Where things are on the chart, in pixels, for a width that it may take. */
const measure = (side, width) => {
  const rounds = side.frames.length - 1;
  const positions = Math.max(...side.frames.map((frame) => frame.cells.length), 1);
  const left = 30, bars = 110, gap = 18, top = 4, bottom = 18;
  const cellWidth = clamp((width - left - gap - bars) / positions, 2, 26);
  const cellHeight = clamp(420 / Math.max(rounds, 1), 2, 20);
  const right = left + cellWidth * positions;
  return { rounds, positions, left, top, cellWidth, cellHeight, right, bars: right + gap, barWidth: bars - 46, bottom: top + cellHeight * rounds,
    width: right + gap + bars, height: top + cellHeight * rounds + bottom };
};

/** The confidence shown at a position after a frame's round: the model's where it was masked then, else the decision's. */
const confidence = (side, frame, number, position) => {
  const guess = frame.guessAt.get(position);
  if (guess) return guess[2];
  const edit = side.edits[frame.cells[position].edit];
  return edit && edit[0] === number ? edit[3] : null;
};

const drawCells = (context, side, place) => {
  const heat = ramp("heat");
  const [settled, pinned, warn] = ["--settled", "--pin-cell", "--warn"].map((name) => css(color(name)));
  const inset = place.cellWidth >= 6 && place.cellHeight >= 6 ? 1 : 0;
  for (let number = 1; number <= place.rounds; number++) {
    const frame = side.frames[number];
    const y = place.top + (number - 1) * place.cellHeight;
    frame.cells.forEach((cell, position) => {
      const x = place.left + position * place.cellWidth;
      const value = confidence(side, frame, number, position);
      const shade = value === null ? null : heat(odds(value));
      if (shade) context.fillStyle = css(shade);
      else if (cell.state === 4) context.fillStyle = pinned;
      else if (cell.token >= 0) context.fillStyle = settled;
      else if (cell.state !== 3) return;
      if (shade || cell.state !== 3) context.fillRect(x, y, place.cellWidth - inset, place.cellHeight - inset);
      const size = Math.min(place.cellWidth, place.cellHeight);
      if (cell.state === 2) {
        // A dot where the round wrote the token: told apart from a guess without its colour.
        context.fillStyle = shade && !isLight(shade) ? "#fff" : "#111";
        context.beginPath();
        context.arc(x + (place.cellWidth - inset) / 2, y + (place.cellHeight - inset) / 2, clamp(size / 6, 0.8, 3), 0, 7);
        context.fill();
      } else if (cell.state === 3) {
        context.strokeStyle = warn;
        context.lineWidth = clamp(size / 8, 0.8, 2);
        const [dx, dy] = [place.cellWidth / 4, place.cellHeight / 4];
        context.beginPath();
        context.moveTo(x + dx, y + dy);
        context.lineTo(x + place.cellWidth - dx - inset, y + place.cellHeight - dy - inset);
        context.moveTo(x + place.cellWidth - dx - inset, y + dy);
        context.lineTo(x + dx, y + place.cellHeight - dy - inset);
        context.stroke();
      }
    });
  }
};

/** Tokens of each round as a strip of bars; end tokens, which are cheap to write, as an outline at their end. */
const drawBars = (context, side, place) => {
  const most = Math.max(...side.frames.map((frame) => frame.revealed), 1);
  const [accent, soft] = ["--accent", "--soft"].map((name) => css(color(name)));
  for (let number = 1; number <= place.rounds; number++) {
    const frame = side.frames[number];
    const y = place.top + (number - 1) * place.cellHeight;
    const height = Math.max(place.cellHeight - (place.cellHeight >= 6 ? 3 : 0.5), 1);
    const unit = place.barWidth / most;
    const tokens = (frame.revealed - frame.ends) * unit;
    context.fillStyle = accent;
    context.fillRect(place.bars, y, tokens, height);
    if (frame.ends) {
      context.strokeStyle = accent;
      context.lineWidth = 1;
      context.strokeRect(place.bars + tokens + 0.5, y + 0.5, frame.ends * unit - 1, Math.max(height - 1, 0.5));
    }
    if (place.cellHeight >= 11) {
      context.fillStyle = soft;
      context.textAlign = "left";
      context.fillText(`${frame.revealed}${frame.remasked ? ` −${frame.remasked}` : ""}`, place.bars + frame.revealed * unit + 5, y + height / 2);
    }
  }
};

const drawLabels = (context, side, place) => {
  const [soft, line] = ["--soft", "--line"].map((name) => css(color(name)));
  const step = Math.ceil(13 / place.cellHeight);
  context.fillStyle = soft;
  context.textAlign = "right";
  for (let number = 1; number <= place.rounds; number++) {
    if (number % step === 0 || number === 1) context.fillText(number, place.left - 6, place.top + (number - 0.5) * place.cellHeight);
  }
  context.textAlign = "left";
  let free = 0;
  const ends = side.frames[place.rounds].blocks;
  [0, ...ends.slice(0, -1)].forEach((start) => {
    const x = place.left + start * place.cellWidth;
    if (start > 0) {
      context.fillStyle = line;
      context.fillRect(x - 1, place.top, 1, place.bottom - place.top + 6);
    }
    context.fillStyle = soft;
    if (x >= free) context.fillText(start, x + 1, place.bottom + 11);
    free = Math.max(free, x + 26);
  });
  context.fillText("tokens", place.bars, place.bottom + 11);
};

/** Draws the chart of a side into its canvas and gives the places on it. */
const drawChart = (canvas, side, width) => {
  const place = measure(side, width);
  const scale = window.devicePixelRatio || 1;
  canvas.width = Math.round(place.width * scale);
  canvas.height = Math.round(place.height * scale);
  canvas.style.width = `${place.width}px`;
  canvas.style.height = `${place.height}px`;
  const context = canvas.getContext("2d");
  context.scale(scale, scale);
  context.font = `11px ${getComputedStyle(document.body).fontFamily}`;
  context.textBaseline = "middle";
  drawCells(context, side, place);
  drawBars(context, side, place);
  drawLabels(context, side, place);
  return place;
};
