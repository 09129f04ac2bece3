"""Pages of kind `unit_visualisation`: the images that units look for."""

from explaind.experiments.unit_visualisation.tables import UnitTables
from explaind.report.html import render
from explaind.report.page import About, Page, Panel
from explaind.report.pictures import picture
from explaind.report.text import signed

EXTREMES = ("largest", "smallest")


def draw(tables: UnitTables, about: About) -> Page:
    """Put the page together.

    Args:
        tables: what it shows.
        about: what the page is about.

    Returns:
        The page.
    """
    names = tables.units["encoder"].unique()
    return Page(
        about,
        lead=(
            "For each unit of an encoder an image is searched that makes it as large as possible, "
            "and one that makes it as small as possible: from noise, coarse shapes first. No image "
            "of the dataset is used, and it is the trained network itself that is searched. A unit "
            "whose images are noise looks for nothing."
        ),
        panels=[_panel(tables, about, str(name)) for name in names],
    )


def _panel(tables: UnitTables, about: About, name: str) -> Panel:
    images = tables.images.sel(encoder=name)
    rows = []
    for row in tables.units[tables.units["encoder"] == name].to_dict("records"):
        pictures = [
            picture(
                images.sel(direction=extreme).to_numpy()[row["unit"]],
                f"unit {row['unit']}, {extreme}",
                signed(row[extreme]),
            )
            for extreme in EXTREMES
        ]
        rows.append([row["unit"], *pictures, f"{signed(row['low'])} to {signed(row['high'])}"])
    return Panel(
        title=f"Units of {name}",
        caption=(
            "Below each image is the value of the unit, beside them the values between which 90 % "
            "of the test inputs lie. Grey levels of each image are stretched to its own range."
        ),
        extra=render(
            "columns.html",
            caption="",
            label=f"Units of {name}",
            titles=("Unit", "Largest", "Smallest", "On test inputs"),
            rows=rows,
        ),
        tables=(about.files["units"],),
    )
