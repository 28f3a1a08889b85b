"""How the notebooks look: figures of the same bytes whenever they are drawn, tables as Markdown, colours that everybody tells apart."""
import re

import matplotlib.pyplot as plt
import pandas as pd
from IPython import get_ipython
from IPython.display import Markdown, display

# Okabe and Ito's palette, darkest first; each strategy has a marker too, so that nothing hangs on colour alone.
COLOURS = ["#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000"]
MARKERS = ["o", "s", "^", "D", "v", "P", "X"]


def setup():
    """Vector figures without dates or random names, sized for a column of text."""
    shell = get_ipython()
    shell.run_line_magic("config", "InlineBackend.figure_formats = ['svg']")
    shell.run_line_magic("config", "InlineBackend.print_figure_kwargs = {'metadata': {'Date': None}, 'bbox_inches': 'tight'}")
    shell.display_formatter.formatters["text/html"].for_type(pd.DataFrame, lambda frame: None)
    shell.display_formatter.formatters["text/markdown"].for_type(pd.DataFrame, frame_lines)
    plt.rcParams.update({"svg.hashsalt": "unmask", "svg.fonttype": "none", "font.size": 9, "axes.titlesize": 9, "axes.spines.top": False,
                         "axes.spines.right": False, "legend.frameon": False, "lines.linewidth": 1.2, "lines.markersize": 4})


def style(names):
    """A colour and a marker for each name; from the eighth on open markers and dashed lines."""
    further = {"markerfacecolor": "white", "linestyle": "--"}
    return {name: {"color": COLOURS[place % len(COLOURS)], "marker": MARKERS[(place + place // len(COLOURS)) % len(MARKERS)]}
            | (further if place >= len(COLOURS) else {}) for place, name in enumerate(names)}


def lines(rows, header, are_text):
    """A table; cells that are text go left, others right."""
    cell = lambda value: str(value).replace("|", "\\|").replace("\n", "⏎")
    head = ["| " + " | ".join(map(cell, header)) + " |", "|" + "".join(" --- |" if text else " ---: |" for text in are_text)]
    return "\n".join(head + ["| " + " | ".join(map(cell, row)) + " |" for row in rows])


def frame_lines(frame):
    """A frame, its index in front unless that only counts."""
    shown = frame if isinstance(frame.index, pd.RangeIndex) else frame.reset_index(names=None if any(frame.index.names) else "")
    # Whole numbers among numbers with decimals stay whole.
    columns = [[f"{value:g}" if isinstance(value, float) else value for value in shown[column]] for column in shown]
    return lines(list(zip(*columns)), shown.columns, [not pd.api.types.is_numeric_dtype(shown[column]) for column in shown])


def show(rows, header):
    """A table; cells that are text go left, others right."""
    display(Markdown(lines(rows, header, [bool(re.search("[A-Za-z]{3}", str(value))) for value in (rows[0] if rows else header)])))


def say(text):
    """A sentence with figures in it."""
    display(Markdown(text))
