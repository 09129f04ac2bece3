"""The page of planted numbers."""

from pathlib import Path

import pandas as pd

from explaind.experiments.example_consistency.page import draw
from explaind.experiments.example_consistency.tables import (
    COMPLETENESS,
    ExampleConsistencyTables,
    mean_checks,
    mean_differences,
    mean_rates,
)
from explaind.report.page import About
from explaind.report.text import number
from tests.experiments.example_consistency.test_tables import planted


def test_ceilings_are_drawn():
    rates, checks = planted()
    complete = {"check": COMPLETENESS, "rate": [1e-6, 2e-3]}
    checks = pd.concat([checks, checks.assign(**complete)])
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
    solved = page.panels[2].extra
    assert "SimplEx: median residual" in solved
    assert f'{number(5e-4, 1)} <strong class="badge unfaithful">exceeded</strong>' in solved
    assert solved.count("badge") == 1
