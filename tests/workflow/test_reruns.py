"""What reruns after a change, shown with Snakemake on the tiny case."""

import numpy as np
import pytest
import yaml

from explaind.config.experiment import EncoderExperimentSettings
from explaind.experiments.registry import SPECS
from explaind.paths import SEAL, Paths
from explaind.store import open_sealed

STORY = {"page_grokking": 1, "report": 1}
DRAWN = {"page_epk_validation": 1, **STORY}
MATRICES = {"influence_matrices": 1, "page_influence_matrices": 1, "report": 1}
WAVES = {"spectrum": 1, "page_spectrum": 1, **STORY}
MERGED = {
    "accumulate_kernel": 1,
    "page_training": 1,
    "page_influence_over_training": 1,
    **MATRICES,
    **WAVES,
    **DRAWN,
}
PREDICTED = {"plan_epk": 1, "predict_epk": 2, **MERGED}
VALIDATED = {"plan_epk": 1, "validate_epk": 1, **DRAWN}
OVER_TRAINING = {"influence_over_training": 1, "page_influence_over_training": 1, **STORY}
COMPARED = {"similarity": 1, "page_similarity": 1, **WAVES}
PRUNED = {"pruning": 1, "page_pruning": 1, "report": 1}
LEFT_OUT = {"leave_group_out": 1, "page_sanity": 1, "report": 1}
FLIPPED = {"label_noise": 1, "page_sanity": 1, "report": 1}
SWAPPED = {"swap": 1, "page_swap": 1, **STORY}
RETRAINED = {"retrain_part": 2, "retrain": 1, "page_retrain": 1, **STORY}
STUDY = {**OVER_TRAINING, **MATRICES, **COMPARED, **SWAPPED, **RETRAINED}
EXPERIMENTS = {**STUDY, **PRUNED, **LEFT_OUT, **FLIPPED}
WITHOUT_LABELS = {
    kind: 1
    for kind, spec in SPECS.items()
    if issubclass(spec.settings, EncoderExperimentSettings) and spec.computed
}
WITHOUT_LABELS |= {f"page_{kind}": 1 for kind in WITHOUT_LABELS}
WITHOUT_LABELS |= {"roar_part": 2, "page_labelfree": 1, "report": 1}
EVERYTHING = {**EXPERIMENTS, **WITHOUT_LABELS}
PAGES = {rule: 1 for rule in (*EVERYTHING, *MERGED, "report") if rule.startswith("page_")}
PAGES |= {"report": 1}
TRAINED = {"train": 1, **PREDICTED, **VALIDATED, **EXPERIMENTS}
ENCODED = {"train_encoder": 7, **WITHOUT_LABELS}
PREPARED = {"prepare_dataset": 1, **TRAINED}


def test_second_run_does_nothing(project):
    assert project.planned() == {}


def test_parsing_needs_no_torch(project):
    (project.root / "torch.py").write_text("raise ImportError('torch is slow')")
    assert project.planned() == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ("experiments={training: {smoothing: 3}}", {"page_training": 1, "report": 1}),
        (
            "runs={grokking: {epk: {quadrature: {subintervals: 2}}}}",
            {**PREDICTED, **VALIDATED, **EXPERIMENTS},
        ),
        ("experiments={influence_over_training: {samples: 3}}", OVER_TRAINING),
        ("experiments={influence_over_training: {block: 3}}", {"report": 1}),
        (
            "experiments={influence_over_training: {page: {smoothing: [1, 9]}}}",
            {"page_influence_over_training": 1, "report": 1},
        ),
        ("experiments={influence_matrices: {steps: [3]}}", MATRICES),
        ("experiments={grokking: {last: [decoder]}}", STORY),
        ("experiments={grokking: {swap: null}}", STORY),
        ("experiments={pruning: {seeds: [3, 4]}}", PRUNED),
        ("experiments={pruning: {block: 3}}", {"report": 1}),
        ("experiments={similarity: {intervals: 2}}", COMPARED),
        (
            "experiments={similarity: {page: {neighbours: 2}}}",
            {"page_similarity": 1, "report": 1},
        ),
        ("experiments={spectrum: {alpha: 0.1}}", WAVES),
        (
            "experiments={spectrum: {page: {key_share: 0.2}}}",
            {"page_spectrum": 1, "report": 1},
        ),
        ("experiments={label_noise: {share: 0.2}}", FLIPPED),
        ("experiments={swap: {every: 5}}", SWAPPED),
        ("experiments={retrain: {seeds: [2]}}", RETRAINED),
        # another source: its part, not the others
        ("experiments={retrain: {sources: [0.5, 1]}}", {**RETRAINED, "retrain_part": 1}),
        ("experiments={retrain: {page: {goal: 0.5}}}", {"page_retrain": 1, "report": 1}),
        ("experiments={leave_group_out: {draws: 3}}", LEFT_OUT),
        ("runs={grokking: {epk: {intervals: 2}}}", PREDICTED),
        ("runs={grokking: {epk: {shards: 3}}}", {**PREDICTED, "predict_epk": 3}),
        ("runs={grokking: {epk: {segments: 3}}}", {**PREDICTED, "predict_epk": 6}),
        ("runs={grokking: {epk: {device: cpu}}}", {"plan_epk": 1}),
        ("runs={grokking: {epk: {memory_gb: 3}}}", {"plan_epk": 1}),
        ("runs={grokking: {training: {max_steps: 20}}}", TRAINED),
        ("runs={grokking: {training: {optimizer: {kind: sgd}}}}", TRAINED),
        ("datasets={modulo: {seed: 1}}", PREPARED),
    ],
)
@pytest.mark.long
def test_a_changed_key_reruns_the_stages_that_use_it(project, change, expected):
    assert project.planned("--config", change) == expected


@pytest.mark.parametrize(
    ("module", "expected"),
    [
        ("experiments/epk_validation/page", {"page_epk_validation": 1, "report": 1}),
        ("experiments/epk_validation/tables", {"page_epk_validation": 1, "report": 1}),
        ("experiments/pruning/compute", PRUNED),
        ("experiments/pruning/page", {"page_pruning": 1, "report": 1}),
        ("experiments/pruning/pruned_model", PRUNED),
        ("experiments/label_noise/flipped_labels", FLIPPED),
        ("experiments/retrain/compute", RETRAINED),
        ("experiments/leave_group_out/groups", LEFT_OUT),
        ("experiments/job", EVERYTHING),
        ("experiments/drawing", PAGES),
        ("pipeline/accumulate", MERGED),
        ("pipeline/validate", VALIDATED),
        ("plan/choose", {"plan_epk": 1}),
        ("pipeline/predict", PREDICTED),
        # imported, not named by a rule
        ("kernel/query/quadrature", {**PREDICTED, **VALIDATED, **EVERYTHING}),
        ("training/train", {**TRAINED, **ENCODED}),
        ("pipeline/prepare", {**TRAINED, **ENCODED, "prepare_dataset": 2}),
        # what acts through values, inputs and outputs, which are seen by themselves
        ("config/schema", {}),
        ("experiments/registry", {}),
        ("experiments/pruning/settings", {}),
        ("experiments/pruning/__init__", {}),
    ],
)
@pytest.mark.long
def test_edited_code_reruns_what_depends_on_it(project, module, expected):
    project.append(f"explaind/{module}.py", "\nEDITED = True\n")
    assert project.planned() == expected


@pytest.mark.parametrize(
    "file",
    [
        "templates/page.html",
        *(pytest.param(file, marks=pytest.mark.long) for file in ("style.css", "page.js")),
    ],
)
def test_an_edited_template_or_style_draws_the_pages_again(project, file):
    path = project.root / "explaind" / "report" / file
    path.write_text(f"{path.read_text()}\n")
    assert project.planned().items() >= PAGES.items()


def test_a_new_title_draws_the_pages_again_that_link_to_it(project):
    project.replace("explaind/experiments/pruning/__init__.py", '"Pruning by', '"Pruned by')
    of_encoders = WITHOUT_LABELS.keys() - {"report"}
    assert project.planned() == dict.fromkeys(PAGES.keys() - of_encoders, 1)  # of the run


def test_comments_in_code_rerun_nothing(project):
    for file in (project.root / "explaind").rglob("*.py"):
        file.write_text(f"# a comment\n{file.read_text()}\n# another\n")
    assert project.planned() == {}


def test_comments_and_order_in_the_config_rerun_nothing(project):
    def turned(section):
        if isinstance(section, dict):
            return {key: turned(section[key]) for key in reversed(section)}
        return section

    for name in ("config.yaml", "tiny.yaml"):
        file = project.root / "config" / name
        before = file.read_text()
        text = yaml.safe_dump(turned(yaml.safe_load(before)), sort_keys=False)
        assert text != before
        file.write_text("# a comment\n" + text.replace("\n", " # why\n", 1))
    assert project.planned() == {}


def test_a_lost_shard_is_computed_again_alone(project):
    paths = Paths(project.root)
    before = open_sealed(paths.influence("grokking")).load()
    lost, kept = (paths.shard("grokking", f"{k}-of-2") / SEAL for k in range(2))
    kept_since = kept.stat().st_mtime_ns
    lost.unlink()

    assert project.planned() == {**MERGED, "predict_epk": 1}
    project.snakemake("all", "--until", "accumulate_kernel")

    assert lost.exists()
    assert kept.stat().st_mtime_ns == kept_since
    after = open_sealed(paths.influence("grokking")).load()
    np.testing.assert_array_equal(after["influence"], before["influence"])


def test_a_store_made_by_hand_is_noticed_if_it_differs(project):
    """Snakemake compares checksums of small files: two seals must differ where the stores do."""
    by_hand = ("predict-epk", "--run", "grokking", "--shard", "0/2", "--config")
    project.explaind(*by_hand, "results/config.json")
    assert project.planned() == {}
    project.append("other.yaml", "runs: {grokking: {epk: {functional: margin}}}")
    project.explaind(*by_hand, "results/config.json", "--config", "other.yaml")
    assert project.planned() == MERGED


def test_only_what_a_page_needs_is_made(project):
    project.snakemake("--delete-all-output", "all")
    output = project.snakemake("--dry-run", "results/figures/training.html")
    assert "page_training" in output
    assert "predict_epk" in output
    assert "validate_epk" not in output
