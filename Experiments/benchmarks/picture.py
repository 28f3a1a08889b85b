"""Draws results/benchmarks/report.json: ratios beside their goals, and how the seconds of a pass grow.

    python picture.py REPORT.json PICTURE.svg

needs vl-convert, which `make plots` installs.
"""
import json
import sys
from pathlib import Path

import vl_convert

COLOURS = {"kept": "#2166ac", "missed": "#b2182b"}


def ratios(parts):
    """Figures that are to be large, as shares of their goals."""
    rows = [
        {"part": part["name"], "label": f'{part["name"]}: {row["label"]}', "goal": row["bound"]["at_least"], "verdict": "kept" if row["isMet"] else "missed",
         **{end: row["ratio"][end] / row["bound"]["at_least"] for end in ("low", "median", "high")},
         "text": f'{row["ratio"]["median"]:.2f} (goal {row["bound"]["at_least"]:g})'}
        for part in parts for row in part["rows"] if "at_least" in (row.get("bound") or {})]
    if not rows:
        return None
    base = {"y": {"field": "label", "type": "nominal", "sort": None, "title": None, "axis": {"labelLimit": 460, "ticks": False, "domain": False}}}
    colour = {"field": "verdict", "type": "nominal", "scale": {"domain": list(COLOURS), "range": list(COLOURS.values())}, "legend": None}
    largest = max(row["high"] for row in rows)
    axis = {"type": "quantitative", "scale": {"type": "log", "domain": [min(0.5, *(row["low"] for row in rows)) * 0.95, largest * 1.6]}}
    return {
        "title": {"text": "Ratios over their goals, with quartiles; right of the line the goal is kept", "anchor": "start"},
        "data": {"values": rows}, "width": 460, "height": {"step": 17},
        "layer": [
            {"mark": {"type": "rule", "strokeWidth": 1.5, "color": "#888"}, "encoding": {"x": {"datum": 1, **axis}}},
            {"mark": {"type": "rule", "strokeWidth": 2}, "encoding": {
                **base, "x": {"field": "low", **axis, "title": "ratio over its goal"}, "x2": {"field": "high"}, "color": colour}},
            {"mark": {"type": "point", "filled": True, "size": 50, "opacity": 1}, "encoding": {**base, "x": {"field": "median", **axis}, "color": colour}},
            {"mark": {"type": "text", "align": "left", "dx": 8, "fontSize": 10, "color": "#444"}, "encoding": {
                **base, "x": {"field": "high", **axis}, "text": {"field": "text"}}},
        ]}


def curve(line):
    """Measured passes as points, the fitted model as a line."""
    points = [{**point, "ms": point["seconds"] * 1000, "model": point["predicted"] * 1000, "kind": "fitted" if point["isFitted"] else "predicted"}
              for point in line["points"]]
    x = {"field": "x", "type": "quantitative", "scale": {"type": "log", "nice": False, "padding": 6}, "title": line["axis"], "axis": {"tickCount": 5}}
    y = {"type": "quantitative", "scale": {"type": "log", "padding": 6}, "title": "ms a pass", "axis": {"tickCount": 4}}
    return {
        "title": {"text": line["name"], "fontSize": 11, "anchor": "start", "limit": 330}, "data": {"values": points}, "width": 270, "height": 150,
        "layer": [
            {"mark": {"type": "line", "color": "#888"}, "encoding": {"x": x, "y": {"field": "model", **y}}},
            {"mark": {"type": "point", "size": 45, "strokeWidth": 1.5, "color": COLOURS["kept"], "opacity": 1}, "encoding": {
                "x": x, "y": {"field": "ms", **y},
                "fill": {"field": "kind", "type": "nominal", "legend": None, "scale": {"domain": ["fitted", "predicted"], "range": [COLOURS["kept"], "white"]}}}},
        ]}


def main(report, picture):
    report = json.loads(Path(report).read_text())
    parts = report["parts"]
    curves = [curve(line) for part in parts for line in part["curves"]]
    blocks = [block for block in [ratios(parts)] if block]
    if curves:
        blocks.append({
            "title": {"text": "Seconds of a pass: filled points were fitted, hollow ones predicted; the line is the fitted model", "anchor": "start"},
            "concat": curves, "columns": 3, "spacing": 25})
    machine = report["machine"]
    specification = {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json", "background": "white", "padding": 12, "vconcat": blocks, "spacing": 30,
        "title": {"text": f'{machine["processor"]}, {machine["cores"]} processors, kernels {machine["kernels"]}; `{report["command"]}`',
                  "anchor": "start", "fontSize": 11, "fontWeight": "normal", "color": "#666"},
        "config": {"view": {"stroke": None}, "font": "DejaVu Sans"}}
    Path(picture).parent.mkdir(parents=True, exist_ok=True)
    Path(picture).write_text(vl_convert.vegalite_to_svg(specification) + "\n")
    print(picture)


main(*sys.argv[1:])
