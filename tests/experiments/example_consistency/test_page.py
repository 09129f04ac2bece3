"""The page of planted numbers."""

from pathlib import Path

from explaind.experiments.example_consistency.page import draw
from explaind.experiments.example_consistency.tables import (
    ExampleConsistencyTables,
    mean_checks,
    mean_differences,
    mean_rates,
)
from explaind.report.page import About
from tests.experiments.example_consistency.test_tables import planted


def test_ceilings_are_drawn():
    rates, checks = planted()
    tables = ExampleConsistencyTables(
        mean_rates(rates), mean_differences(rates), mean_checks(checks)
    )
    files = {name: Path(f"{name}.csv") for name in tables.files()}
    page = draw(tables, About("mine", "Consistency", "encoders", files))
    figure = page.panels[0].plots[0].figure
    shown = {
        trace.name: trace for trace in figure.data if trace.visible and trace.showlegend is None
    }
    assert set(shown) == {
        "DKNN (nearest)",
        "TracIn",
        "chance",
        "largest possible (size of the classes)",
    }
    assert list(shown["chance"].y) == [0.2, 0.2]
    assert [fact.value for fact in page.facts] == ["65 %", "35 %"]
    assert "+0.55" in page.panels[1].extra
    assert "SimplEx: median residual" in page.panels[2].extra
