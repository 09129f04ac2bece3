"""Numbers as a reader wants to see them, and the paper that pages compare with."""

import math

from markupsafe import Markup

PAPER = Markup(
    'the <a href="https://arxiv.org/abs/2505.20076" title="ExPLAIND: Unifying Model, Data, and'
    ' Training Attribution to Study Model Behavior">ExPLAIND paper</a>'
)
"""Named at the end of every page, and where a page compares with it."""

MINUS, TIMES = "\N{MINUS SIGN}", "\N{MULTIPLICATION SIGN}"
SUPERSCRIPTS = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")
PLAIN_FROM, PLAIN_TO = 1e-3, 1e5  # sizes outside are written with a power of ten
SMALLEST_PERCENT = 0.01
SHORT = 10.0  # seconds below are written with a decimal


def number(value: float | None, digits: int = 3) -> str:
    """Return a number with `digits` significant digits, "n/a" for None and NaN."""
    if value is None or not math.isfinite(value):
        return "n/a"
    if value == 0 or PLAIN_FROM <= abs(value) < PLAIN_TO:
        short = abs(value) < 10**digits
        return (f"{value:.{digits}g}" if short else f"{value:,.0f}").replace("-", MINUS)
    mantissa, exponent = f"{value:.{digits - 1}e}".split("e")
    return f"{mantissa} {TIMES} 10{_superscript(int(exponent))}".replace("-", MINUS)


def signed(value: float | None, digits: int = 3) -> str:
    """Return a number with its sign always shown."""
    text = number(value, digits)
    return f"+{text}" if value is not None and math.isfinite(value) and value > 0 else text


def percent(share: float | None) -> str:
    """Return a share of 1 as a percentage with two decimals, "n/a" for None and NaN."""
    if share is None or not math.isfinite(share):
        return "n/a"
    if 0 < 100 * share < SMALLEST_PERCENT:
        return f"{number(100 * share, 2)} %"
    return f"{100 * share:.2f}".rstrip("0").rstrip(".") + " %"


def words(name: str) -> str:
    """Return a name of the stores as words: `gradient_step` as "gradient step"."""
    return name.replace("_", " ")


def measured(text: str, unit: str) -> str:
    """Return the text of a number with its unit, alone if it is a pure number (unit "1")."""
    return text if unit == "1" else f"{text} {unit}"


def axis_title(quantity: str, unit: str, per: str = "", *notes: str) -> str:
    """Return the title of an axis or colour bar.

    Args:
        quantity: what is drawn.
        unit: its unit, "1" of pure numbers.
        per: what it is counted by, "per step" say.
        notes: sign and scale.

    Returns:
        E.g. "change (nat per step, + = raised)".
    """
    counted = " ".join(text for text in ("" if unit == "1" else unit, per) if text)
    inside = ", ".join(text for text in (counted, *notes) if text)
    return f"{quantity} ({inside})" if inside else quantity


def step(value: int | None) -> str:
    """Return a step number, "not reached" for None."""
    return "not reached" if value is None else f"{value:,}"


def power_of_ten(power: int) -> str:
    """Return ten to a power as the label of a tick, plain where that is short."""
    plain = PLAIN_FROM <= 10.0**power < PLAIN_TO
    return f"{10.0**power:,g}" if plain else f"10{_superscript(power)}"


def duration(seconds: float) -> str:
    """Return a time in the two largest units it has, of hours, minutes and seconds."""
    if seconds < SHORT:
        return f"{seconds:.1f} s"
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours} h {minutes} min"
    return f"{minutes} min {rest} s" if minutes else f"{rest} s"


def _superscript(power: int) -> str:
    return str(power).translate(SUPERSCRIPTS)
