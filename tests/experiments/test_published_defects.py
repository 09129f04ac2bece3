"""Defects E1 ... E36 of the published scripts of the grokking study, and the test of each.

The numbers are those of section 3.2 of the specification of the reference.
"""

import re

import pytest

from tests.workflow.project import REPOSITORY

DEFECTS = {
    2: "history/recording/test_recorder.py: test_theta_0_is_what_the_first_step_started_from",
    4: "experiments/influence_matrices/test_compute.py: test_steps_come_from_the_run",
    8: "experiments/grokking/test_tables.py: test_classes_are_results_not_model_outputs",
    9: "pipeline/test_validate.py: test_errors_are_those_of_all_outputs",
    10: "pipeline/test_merge_stores.py: test_no_more_than_a_chunk_is_read_at_a_time",
    11: "experiments/influence_over_training/test_compute.py: test_table_of_the_rule",
    12: "experiments/similarity/test_compute.py: "
    "test_vectors_add_up_to_the_data_part_of_each_sample",
    13: "experiments/test_drawing.py: test_every_plot_is_explained_and_every_axis_titled",
    15: "experiments/test_drawing.py: test_every_link_leads_to_a_file",
    16: "experiments/pruning/test_compute.py: test_rows_are_those_of_the_pruned_networks",
    17: "experiments/pruning/test_pruned_model.py: "
    "test_fraction_is_exact_where_all_scores_are_equal",
    18: "experiments/swap/test_compute.py: "
    "test_measures_are_those_of_networks_put_together_by_hand",
    19: "experiments/pruning/test_compute.py: test_splits_divide_the_samples_and_differ_by_seed",
    20: "experiments/pruning/test_tables.py: test_means_and_their_intervals",
    21: "experiments/pruning/test_pruned_model.py: test_magnitude_is_torchs_own_pruning",
    23: "experiments/similarity/test_neighbours.py: "
    "test_counts_are_those_of_each_sample_beside_chance",
    24: "experiments/similarity/test_cosines.py: test_single_tensors_are_told_apart",
    25: "experiments/similarity/test_samples.py: "
    "test_training_samples_are_those_of_the_training_split",
    26: "experiments/influence_over_training/test_compute.py: "
    "test_balance_of_two_parameters_is_its_definition",
    27: "experiments/swap/test_settings.py: test_the_sets_of_the_paper_are_swapped",
    28: "experiments/retrain/test_compute.py: "
    "test_a_seed_gives_the_same_bits_and_another_seed_others",
    29: "experiments/retrain/test_tables.py: "
    "test_a_training_that_ended_early_keeps_its_last_accuracy_in_the_mean",
    30: "experiments/influence_matrices/test_tables.py: "
    "test_net_is_the_sum_of_the_parts_and_gross_that_of_their_sizes",
    31: "experiments/influence_over_training/test_compute.py: "
    "test_sizes_are_those_worked_out_by_hand",
    32: "report/tables/test_steps.py: test_moving_average_equals_slow_loop_over_raw_values",
    33: "report/plots/test_curves.py: test_draws_the_numbers_of_the_table",
    34: "kernel/test_defects.py: test_d1_a_shuffled_full_batch_scrambled_the_train_axis",
    35: "experiments/spectrum/test_waves.py: test_planted_frequencies_are_found",
    36: "test_paths.py: test_paths_are_those_of_the_documentation",
}
CANNOT_COME_AGAIN = {
    1: "no script has variables of its own; a history is needed by the rule that reads it",
    3: "options are keys of a checked config",
    5: "nothing is pickled but for optimizer state, which is read with weights_only",
    6: "datasets are arrays; a subset is a number of training samples",
    7: "the device is a key; nothing is measured under autocast",
    14: "parts by interval do not depend on targets that are given",
    22: "one package, whose imports the type checker follows",
}


def test_every_defect_is_in_one_list():
    assert sorted([*DEFECTS, *CANNOT_COME_AGAIN]) == list(range(1, 37))


@pytest.mark.parametrize("asked", sorted(set(DEFECTS.values())))
def test_the_test_is_there(asked):
    file, name = asked.split(": ")
    text = (REPOSITORY / "tests" / file).read_text("utf-8")
    assert re.search(rf"^def {name}\(", text, re.MULTILINE)
