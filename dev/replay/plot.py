"""The picture of a recording: the angles of a MoveSpec's criteria, its phases, the repetitions.

Needs matplotlib, which only development installs.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import replace
from io import StringIO
from itertools import count, cycle
from math import nan
from pathlib import Path

from matplotlib import rc_context
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from detection import SEGMENT_LANDMARKS, DetectionEvent, Measure, MoveSpec, Phase
from dev.poses.recordings import Recording
from dev.replay.engine_run import LEFT, PAIR, RIGHT, EngineRun, measures_of, stays
from dev.replay.event_lines import COMPLETED, INTERRUPTED, count_completed, count_interrupted

WIDTH_INCHES, PANEL_INCHES, DPI = 14.0, 3.6, 110
# The colours of Okabe and Ito, which people who see fewer colours can tell apart.
PHASE_COLOURS = ("#0072B2", "#E69F00", "#009E73", "#CC79A7", "#56B4E9", "#D55E00", "#F0E442")
CURVES = {
    LEFT: {"color": "#7a7a7a", "linewidth": 0.9, "label": "left"},
    RIGHT: {"color": "#7a7a7a", "linewidth": 0.9, "linestyle": "dashed", "label": "right"},
    PAIR: {"color": "black", "linewidth": 1.6, "label": "both sides as one"},
}
REPETITION_COLOUR, INTERRUPTION_COLOUR = "#1a7f37", "#b3261e"
OUTCOMES = {COMPLETED: (REPETITION_COLOUR, "solid"), INTERRUPTED: (INTERRUPTION_COLOUR, "dotted")}
INTERRUPTION_MARK = "\N{MULTIPLICATION SIGN}"
BAND_ALPHA, STAY_ALPHA = 0.12, 0.35
MAX_DEGREES = 180
# In the dark scheme light and dark change places, and hues stay.
DARK = "@media (prefers-color-scheme: dark) {svg {filter: invert(0.92) hue-rotate(180deg)}}"


def draw(
    path: Path,
    spec: MoveSpec,
    recording: Recording,
    run: EngineRun,
    only: Collection[str] = (),
) -> None:
    """Write the picture to `path`, as SVG if it is named so, else as a PNG.

    It has a panel for each angle of the phases, or of `only`. A phase's band is the angles that it
    allows, and is darker while the phase held. Raises OSError when the file cannot be written.
    """
    events, seconds = run.events, run.seconds
    # Where each side is judged for itself, a criterion is one of both.
    criteria = [
        replace(criterion, side="both")
        if spec.counts_each_side and criterion.side is None and criterion.measure != "trunk"
        else criterion
        for phase in spec.phases
        for criterion in phase.criteria
    ]
    measures = {m: curves for m, curves in measures_of(criteria).items() if not only or m in only}
    figure = Figure(figsize=(WIDTH_INCHES, PANEL_INCHES * len(measures)), layout="constrained")
    panels = figure.subplots(len(measures), 1, sharex=True, squeeze=False)[:, 0]
    # A pose that a clock loses is lost after the last frame.
    ends = max(seconds[-1], seconds[0] + 0.1, *(event.ts_ms / 1000 for event in events))
    for panel, (measure, curves) in zip(panels, measures.items(), strict=True):
        draw_bands(panel, spec, measure, run)
        for name in curves:
            degrees = [known.get((measure, name), nan) for known in run.angles]
            panel.plot(seconds, degrees, **CURVES[name])
        mark_outcomes(panel, events, is_numbered=panel is panels[0])
        of = f"lean of the {measure.replace('_', ' ')}" if measure in SEGMENT_LANDMARKS else measure
        panel.set_ylabel(f"{of}, degrees")
        panel.set_ylim(0, MAX_DEGREES)
        panel.set_yticks(range(0, MAX_DEGREES + 1, 30))
        panel.set_xlim(seconds[0], ends)
        panel.margins(x=0)
    panels[-1].set_xlabel("seconds")
    handles = [
        *(
            Patch(color=colour, alpha=STAY_ALPHA, label=phase.name)
            for phase, colour in coloured(spec)
        ),
        *panels[0].get_legend_handles_labels()[0],
        Patch(color=REPETITION_COLOUR, label="repetition completed"),
        Patch(color=INTERRUPTION_COLOUR, label=f"interrupted ({INTERRUPTION_MARK})"),
    ]
    panels[0].legend(handles=handles, loc="upper left", bbox_to_anchor=(1.0, 1.0))
    by_people = "" if recording.count is None else f", recorded {recording.count}"
    figure.suptitle(
        f"{spec.name}: {count_completed(events).total()} repetitions{by_people}, "
        f"{count_interrupted(events)} interrupted"
    )
    if path.suffix == ".svg":
        # The same text each time.
        text = StringIO()
        with rc_context({"svg.hashsalt": "replay"}):
            figure.savefig(text, format="svg", metadata={"Date": None})
        svg = text.getvalue().replace("</style>", f"{DARK}</style>", 1)
        path.write_text(svg, encoding="utf-8")
    else:
        figure.savefig(path, format="png", dpi=DPI)


def draw_bands(panel: Axes, spec: MoveSpec, measure: Measure, run: EngineRun) -> None:
    for phase, colour in coloured(spec):
        bands = {(c.minimum, c.maximum) for c in phase.criteria if c.measure == measure}
        for low, high in sorted(bands):
            panel.axhspan(low, high, color=colour, alpha=BAND_ALPHA, linewidth=0)
            for stay in stays(phase.name, run):
                panel.fill_between(stay, low, high, color=colour, alpha=STAY_ALPHA, linewidth=0)


def mark_outcomes(panel: Axes, events: Sequence[DetectionEvent], *, is_numbered: bool) -> None:
    """A line for each outcome, with a repetition's number or an interruption's cross above."""
    numbers = count(1)
    for event in events:
        if event.type not in OUTCOMES:
            continue
        colour, style = OUTCOMES[event.type]
        second = event.ts_ms / 1000
        panel.axvline(second, color=colour, linewidth=1.3, linestyle=style)
        if is_numbered:
            panel.annotate(
                str(next(numbers)) if event.type == COMPLETED else INTERRUPTION_MARK,
                (second, 1.0), xycoords=("data", "axes fraction"),
                xytext=(0, 2), textcoords="offset points",
                ha="center", va="bottom", color=colour, fontsize="small",
            )  # fmt: skip


def coloured(spec: MoveSpec) -> Iterator[tuple[Phase, str]]:
    return zip(spec.phases, cycle(PHASE_COLOURS), strict=False)
