"""The tables of the page with the sanity checks."""

import pandas as pd

from explaind.experiments.drawing import draw_page
from explaind.experiments.label_noise.tables import detection_aucs
from explaind.experiments.leave_group_out.tables import group_means
from tests.experiments.sanity.measured import CONFIG, noise_table, removal_table, write_results


def test_files_hold_the_numbers_of_the_experiments(tmp_path):
    paths = write_results(tmp_path)
    draw_page(CONFIG, paths, "sanity")
    aucs = pd.read_csv(paths.table("sanity", "aucs"))
    pd.testing.assert_frame_equal(aucs, detection_aucs(noise_table()), rtol=1e-6)
    groups = pd.read_csv(paths.table("sanity", "groups"))
    pd.testing.assert_frame_equal(groups, group_means(removal_table()), rtol=1e-6)
    targets = pd.read_parquet(paths.table("sanity", "targets", "parquet"))
    pd.testing.assert_frame_equal(targets, removal_table())
