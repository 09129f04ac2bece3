"""The page of planted numbers."""

from pathlib import Path

from explaind.experiments.feature_consistency.page import draw
from explaind.experiments.feature_consistency.tables import (
    FeatureConsistencyTables,
    mean_areas,
    mean_shifts,
)
from explaind.report.page import About
from tests.experiments.feature_consistency.test_tables import planted


def test_methods_are_drawn_beside_controls():
    table = planted()
    tables = FeatureConsistencyTables(mean_shifts(table), mean_areas(table))
    files = {name: Path(f"{name}.csv") for name in tables.files()}
    page = draw(tables, About("mine", "Consistency", "encoders", files))
    figure = page.panels[0].plots[0].figure
    shown = {trace.name for trace in figure.data if trace.visible and trace.mode == "lines"}
    assert shown == {"saliency", "control: brightest first"}
    assert page.facts[0].label == "Best: saliency"
    assert page.facts[0].value == "0.5"
    assert "+0.25" in page.panels[1].extra
    assert figure.layout.yaxis.title.text == "shift / shift with everything hidden"
