"""The panels of the grokking page: plots, captions and controls."""

from collections.abc import Mapping
from html import escape
from pathlib import Path

from explaind.experiments.grokking.tables import GrokkingTables
from explaind.report.page import Panel, Plot, keep_html, table_html
from explaind.report.plots import curves, parts
from explaind.report.plots.agreement import scatter_figure
from explaind.report.plots.phase_marks import HELD
from explaind.report.statistics import closure_rows, statistics_rows
from explaind.report.text import step

OUTSIDE = "Very large values, as in the first steps, may lie outside: double-click to see all."

Files = Mapping[str, Path]


def learning_panel(tables: GrokkingTables, files: Files) -> Panel:
    """Loss and accuracy of both splits."""
    phases = tables.phases
    return Panel(
        letter="a",
        title="Loss and accuracy",
        caption=(
            "Mean loss and share of correct answers after every training step. "
            f"<em>Memorised</em> ({step(phases.memorisation)}) and <em>generalised</em> "
            f"({step(phases.generalisation)}) are the first steps from which training and "
            f"validation accuracy stay at {HELD}; validation data are never trained on."
        ),
        plots=(
            Plot("loss", curves.loss_figure(tables.metrics, phases), "Loss"),
            Plot("accuracy", curves.accuracy_figure(tables.metrics, phases), "Accuracy"),
        ),
        tables=(files["curves"],),
    )


def norm_panel(tables: GrokkingTables, files: Files) -> Panel:
    """Norm of the parameters, in total and per component."""
    phases = tables.phases
    return Panel(
        letter="b",
        title="Size of the parameters",
        caption=(
            "Euclidean length of the vector of all parameters (left) and of each component's "
            "parameters (right), without unit. Training pushes it up and weight decay pulls it "
            "down; where it falls while the loss stays low, the network is replacing a large "
            "solution by a smaller one."
        ),
        plots=(
            Plot("norm", curves.norm_figure(tables.metrics, phases), "All parameters"),
            Plot(
                "component-norm",
                curves.component_norm_figure(tables.metrics, phases),
                "By component",
            ),
        ),
        tables=(files["curves"],),
    )


def component_panel(run: str, tables: GrokkingTables, files: Files, smoothing: int) -> Panel:
    """Influence of the training data per component and step."""
    title = "Through which components did the training data act, and when?"
    if tables.components.empty:
        return Panel(title, letter="c", extra=keep_html(run, "step_component", "absolute"))
    phases, unit = tables.phases, tables.unit
    absolute = parts.absolute_influence_figure(tables.components, smoothing, unit, phases)
    net = parts.net_influence_figure(tables.components, smoothing, unit, phases)
    return Panel(
        letter="c",
        title=title,
        caption=(
            f"Influence of the training data on {escape(tables.output)}, per step and component, "
            "mean over the explained validation samples. Left: Ψ, the sizes of all training "
            "samples' influences added up, whatever their sign; right: the same with sign, so "
            "that opposite influences cancel (positive = pushed the output up). "
            f"{OUTSIDE}"
        ),
        controls=_swap_control("influence-absolute influence-net", smoothing),
        plots=(
            Plot("influence-absolute", absolute, "Total activity Ψ"),
            Plot("influence-net", net, "Net effect"),
        ),
        tables=(files["components"],),
    )


def part_panel(tables: GrokkingTables, files: Files, smoothing: int) -> Panel:
    """Data part against decay part."""
    phases, unit = tables.phases, tables.unit
    return Panel(
        letter="d",
        title="Training data against weight decay",
        caption=(
            f"Change of {escape(tables.output)} per step (left) and added up since step 0 "
            "(right), split into what the training data did and what weight decay did; mean over "
            "the explained validation samples, positive = raised the output. The dotted line is "
            "the change that really happened; on the right, data, decay and residual add up to "
            f"it. {OUTSIDE}"
        ),
        controls=_swap_control("parts-step", smoothing),
        plots=(
            Plot(
                "parts-step", parts.parts_figure(tables.parts, smoothing, unit, phases), "Per step"
            ),
            Plot(
                "parts-cumulative",
                parts.cumulative_parts_figure(tables.parts, unit, phases),
                "Added up since step 0",
            ),
        ),
        tables=(files["parts"],),
    )


def agreement_panel(tables: GrokkingTables, files: Files) -> Panel:
    """Reformulated against true outputs, with the validation numbers."""
    rows = table_html(statistics_rows(tables.statistics))
    return Panel(
        letter="f",
        title="Does the explanation reproduce the network?",
        caption=(
            "Every point is one output of one validation sample: the log-probability by the "
            "network (horizontal) and by its reformulation, initial + data + decay without the "
            "residual (vertical). On the thin line they are equal."
        ),
        plots=(Plot("agreement", scatter_figure(tables.outputs), "Reformulated against true"),),
        side=rows,
        tables=(files["agreement"],),
    )


def residual_panel(tables: GrokkingTables, files: Files) -> Panel:
    """Residual and quadrature subintervals per step."""
    phases, unit = tables.phases, tables.unit
    return Panel(
        letter="g",
        title="What the explanation left over",
        caption=(
            "Left: size of the residual of each step beside the size of the true change, mean of "
            "absolute values over the explained validation samples; the further the grey line "
            "lies below, the better. Right: into how many pieces a step was cut to integrate it. "
            "Below: the residual of the whole training, and how much of it is rounding, of the "
            "parameters when the network was trained and of this computation."
        ),
        plots=(
            Plot("residual", parts.residual_figure(tables.parts, unit, phases), "Residual"),
            Plot("subintervals", parts.subinterval_figure(tables.parts, phases), "Subintervals"),
        ),
        extra=table_html(closure_rows(tables.closure, unit)),
        tables=(files["parts"], files["closure"]),
    )


def _swap_control(plots: str, smoothing: int) -> str:
    if smoothing <= 1:
        return ""
    steps = 2 * (smoothing // 2) + 1
    return f"""<div class="controls">
<label><input type="checkbox" data-swap="{plots}"> show single steps instead of the moving average
over {steps} steps</label>
</div>
"""
