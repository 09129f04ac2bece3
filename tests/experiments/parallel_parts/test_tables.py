"""Parallel parts: planted translations are found, nothing else is, and crops are told apart."""

import json

import numpy as np
import pytest
import xarray as xr

from explaind.config.dataset import TextDataset
from explaind.config.load import load_config
from explaind.data.load import load_dataset
from explaind.errors import ConfigError
from explaind.experiments.job import compute_experiment
from explaind.experiments.parallel_parts.page import draw, verdict
from explaind.experiments.parallel_parts.settings import ParallelPartsSettings
from explaind.experiments.parallel_parts.tables import excess_by_part, judge, read
from explaind.paths import Paths
from explaind.pipeline.load_kernel import load_kernel
from explaind.pipeline.prepare import prepare_dataset
from explaind.pipeline.train import train
from explaind.report.html import write_page
from explaind.report.page import About
from explaind.report.sources import Sources
from explaind.store import open_sealed

LANGUAGES, PARTS = ["Català", "Español", "العربية"], 6
SETTINGS = ParallelPartsSettings(run="run", page={"permutations": 500})


def planted(effect, seed=0):
    """Influence of noise, of easy parts, of crops that help all, and `effect`."""
    generator = np.random.default_rng(seed)
    easy, helpful = generator.normal(size=(2, 3, PARTS))
    noise = generator.normal(size=(3, PARTS, 3, PARTS)) / 10
    influence = noise + easy[:, :, None, None] + helpful + effect * np.eye(PARTS)[:, None]
    return influence.transpose(0, 2, 1, 3)


def test_the_excess_is_that_of_the_diagonal_over_all_other_cells():
    influence = planted(0.5)[0, 1]
    others = influence[~np.eye(PARTS, dtype=bool)]
    expected = np.diag(influence).mean() - others.mean()
    assert excess_by_part(influence).mean() == pytest.approx(expected)
    shifted = influence + np.arange(PARTS)[:, None] - 3 * np.arange(PARTS)
    np.testing.assert_allclose(excess_by_part(shifted), excess_by_part(influence))


def test_planted_translations_are_found():
    found = judge(planted(0.5), 500)
    assert found.low < 0.5 < found.high
    assert found.low > 0
    assert found.p_value < 0.01
    assert found.own == pytest.approx(0.5, abs=0.2)
    assert verdict(found, "nat").startswith("Yes (+0.")


def test_nothing_is_found_where_nothing_is():
    found = [judge(planted(0, seed), 200) for seed in range(20)]
    assert 0.2 < np.mean([one.p_value for one in found]) < 0.8
    assert sum(verdict(one, "nat").startswith("Yes") for one in found) <= 2
    assert verdict(judge(planted(-0.5), 200), "nat").startswith("No: less")


class Planted(Sources):
    """Sources with a planted store."""

    def store(self, key):
        assert key == "parallel_parts"
        dims = ("explained", "trained", "explained_part", "trained_part")
        values = (dims, planted(0.5), {"units": "nat"})
        names = dict.fromkeys(dims[:2], LANGUAGES)
        numbers = {name: [str(part) for part in range(PARTS)] for name in dims[2:]}
        return xr.Dataset({"influence": values}, coords=names | numbers)


def test_the_page_shows_every_pair_of_different_languages(tmp_path):
    tables = read(Planted(Paths("unused"), "parts", "run", "text", TextDataset()), SETTINGS)
    others = tables.pairs.query("explained != trained")
    assert others["excess"].mean() == pytest.approx(tables.finding.excess)
    assert tables.parts["excess"].mean() == pytest.approx(tables.finding.excess)
    files = {name: tmp_path / name for name in ("pairs", "parts")}
    page = draw(tables, About("parts", "Parallel parts", "run", files))
    write_page(page, {"parts": "Parallel parts"}, tmp_path / "parts.html")
    assert "Yes (" in page.lead
    drawn = json.loads(page.panels[0].plots[0].figure.to_json())["data"][0]
    assert drawn["x"] == LANGUAGES


CONFIG = {
    "datasets": {
        "text": {
            "kind": "text",
            "path": "text.jsonl",
            "context": 8,
            "crops": 9,
            "held_out_parts": 1,
            "passages": 1,
        }
    },
    "runs": {
        "small": {
            "dataset": "text",
            "model": {"kind": "gpt", "layers": 1, "width": 8, "heads": 2},
            "training": {
                "loss": "token_cross_entropy",
                "batch_size": 3,
                "max_steps": 9,
                "stop_at_accuracy": None,
            },
            "epk": {"functional": "mean_logprob", "precision": "float64"},
        }
    },
    "experiments": {"parallel_parts": {"run": "small", "parts": 2, "languages": LANGUAGES[::2]}},
}


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """The config, and where text in three languages was trained on."""
    root = tmp_path_factory.mktemp("parallel")
    lines = [
        {"language": language, "part": part, "text": f"{part} {language} " * 9}
        for language in LANGUAGES
        for part in range(4)
    ]
    (root / "text.jsonl").write_text("\n".join(map(json.dumps, lines)), encoding="utf-8")
    config, paths = load_config(CONFIG), Paths(root)
    prepare_dataset(config, paths, "text")
    train(config, paths, "small")
    return config, paths


def test_influence_is_the_mean_over_the_crops_of_a_part(trained):
    config, paths = trained
    compute_experiment(config, paths, "parallel_parts")
    store = open_sealed(paths.experiment("small", "parallel_parts", "zarr")).load()
    assert store["explained"].values.tolist() == LANGUAGES[::2]
    assert store.sizes["explained_part"] == 2
    data, opened = load_dataset(config, paths, "text"), load_kernel(config, paths, "small")
    of_crop = [(data.groups[row % 3], str(part)) for row, part in enumerate(data.parts)]
    for language in LANGUAGES[::2]:
        for part in store["explained_part"].values.tolist():
            row = of_crop.index((language, part))
            x, y = data.x_train[[row]], data.y_train[[row]]
            single = opened.kernel.explain(x, y, "mean_logprob", keep=["influence"])["influence"]
            cell = store["influence"].sel(explained=language, explained_part=part)
            for trained_on in LANGUAGES[::2]:
                for number in store["trained_part"].values.tolist():
                    rows = [k for k, at in enumerate(of_crop) if at == (trained_on, number)]
                    expected = single[0, 0, rows].mean()
                    found = cell.sel(trained=trained_on, trained_part=number)
                    np.testing.assert_allclose(found, expected, rtol=1e-6, atol=1e-12)


def test_more_parts_than_there_are_and_unknown_languages_are_named(trained):
    for changed, message in (
        ({"parts": 5}, r"parallel_parts\.parts: expected at most \d"),
        ({"languages": ["Español", "Klingon"]}, r"languages: expected some of .*got \['Klingon'\]"),
    ):
        asked = {"experiments": {"parallel_parts": changed}}
        with pytest.raises(ConfigError, match=message):
            compute_experiment(load_config(CONFIG, asked), trained[1], "parallel_parts")
