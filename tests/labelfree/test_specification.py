"""What the specification of the label-free reference asks for, and the test of each.

`DEFECTS` are those of the published code that could come again (D1 ... of section 4), `ACCEPTANCE`
the tests that section 5.1 suggests.
"""

import re

import pytest

from tests.workflow.project import REPOSITORY

DEFECTS = {
    1: "labelfree/test_feature_importance.py: test_a_sample_is_attributed_as_if_it_were_alone",
    2: "experiments/pretext_examples/test_compute.py: test_distances_are_correlated_as_by_hand",
    3: "experiments/test_drawing.py: test_table_holds_the_numbers_of_the_store",
    4: "experiments/roar/test_compute.py: test_every_image_loses_its_own_pixels",
    5: "experiments/roar/test_compute.py: test_every_method_explains_the_original_encoder",
    6: "pipeline/test_load_encoder.py: test_the_network_is_the_one_that_was_stored",
    7: "models/test_simclr.py: test_in_evaluation_mode_an_image_does_not_see_its_batch",
    8: "labelfree/test_influence_functions.py: test_linear_regression_is_its_closed_form",
    9: "labelfree/test_tracin.py: test_scores_are_gradient_products_at_checkpoints",
    10: "labelfree/test_tracin.py: test_scores_are_gradient_products_at_checkpoints",
    11: "labelfree/test_tracin.py: test_scores_are_gradient_products_at_checkpoints",
    12: "labelfree/test_loss_gradients.py: "
    "test_gradients_are_those_of_the_encoder_in_evaluation_mode",
    13: "training/test_pretext.py: test_a_classifier_is_trained_on_its_logits",
    14: "experiments/example_consistency/test_compute.py: "
    "test_samples_are_those_of_the_training_as_the_network_saw_them",
    15: "data/test_download.py: test_images_and_labels_are_those_of_the_files",
    16: "models/encoders/test_registry.py: "
    "test_parameters_follow_the_seed_and_leave_the_global_one",
    17: "training/test_encoder.py: test_a_rate_falls_along_a_cosine_from_its_full_value",
    18: "labelfree/test_feature_importance.py: "
    "test_gradient_shap_compares_every_sample_with_its_own_baseline",
    19: "training/test_encoder.py: test_the_test_set_is_never_seen",
    20: "training/test_encoder.py: test_samples_are_shuffled_anew_in_every_epoch",
    21: "experiments/test_repeatable.py: test_the_same_command_twice_writes_the_same_bytes",
    22: "experiments/linear_probe/test_compute.py: test_only_what_is_there_is_read_off",
    23: "labelfree/test_influence_functions.py: test_scores_are_those_of_the_dense_curvature",
    24: "labelfree/test_simplex.py: test_weights_are_those_of_a_general_solver",
    25: "labelfree/test_simplex.py: test_a_sample_is_mixed_as_if_it_were_alone",
    26: "labelfree/test_representations.py: test_scores_are_those_of_the_representations",
    29: "data/test_download.py: test_a_changed_file_is_not_read",
    30: "models/test_vae.py: test_the_encoder_gives_the_means_of_the_posterior",
    31: "labelfree/test_masking.py: test_channels_share_a_mask",
    34: "labelfree/units/test_activation_maximisation.py: "
    "test_images_are_the_templates_and_their_negatives",
    35: "pipeline/test_load_encoder.py: test_weights_of_another_network_are_refused",
    36: "experiments/test_repeatable.py: test_the_same_command_twice_writes_the_same_bytes",
    37: "labelfree/units/test_maps.py: test_opposite_colours_do_not_cancel",
    38: "experiments/test_drawing.py: test_pages_of_one_kind_are_named_apart",
    39: "experiments/encoder_and_model/test_tables.py: test_intervals_are_those_of_students_t",
    40: "training/test_vae_losses.py: test_terms_equal_the_loop_over_pairs",
    41: "data/test_series.py: test_both_parts_of_a_file_are_merged_and_normal_is_class_0",
    42: "labelfree/test_feature_importance.py: test_memory_changes_nothing",
}
CANNOT_COME_AGAIN = {
    27: "networks are built from settings by name, never by place",
    28: "functions that pandas and numpy have removed",
    32: "its own queue of tasks; here that is Snakemake",
    33: "a recursion that kept its graph; here every product is taken without one",
}
ACCEPTANCE = {
    "1, completeness": "labelfree/test_feature_importance.py: test_integrated_gradients_add_up",
    "1, invariance": "labelfree/test_feature_importance.py: "
    "test_an_orthogonal_map_of_the_representation_changes_nothing",
    "1, GradientShap": "labelfree/test_random_importance.py: "
    "test_gradient_shap_with_many_points_is_integrated_gradients",
    "2": "labelfree/test_feature_importance.py: test_a_sample_is_attributed_as_if_it_were_alone",
    "3, class prior": "labelfree/test_similarity_rate.py: "
    "test_everything_selected_is_the_share_of_the_class_exactly",
    "3, ceiling": "experiments/example_consistency/test_compute.py: "
    "test_every_method_ends_at_the_share_of_the_class",
    "4, order": "experiments/feature_consistency/test_compute.py: "
    "test_methods_find_the_pixels_and_controls_do_not",
    "4, everything hidden": "experiments/feature_consistency/test_compute.py: "
    "test_everything_hidden_is_the_same_for_all",
    "5, scale": "experiments/example_consistency/test_compute.py: "
    "test_samples_are_those_of_the_training_as_the_network_saw_them",
    "5, log-distance": "experiments/pretext_examples/test_compute.py: "
    "test_distances_are_correlated_as_by_hand",
    "6, known correlation": "labelfree/units/test_overlap.py: test_a_known_correlation_is_found",
    "6, streaming": "labelfree/units/test_streaming_correlation.py: "
    "test_equals_the_dense_correlation_however_it_is_cut",
    "6, active units": "experiments/disentanglement/test_tables.py: "
    "test_collapsed_units_are_counted",
    "7": "labelfree/units/test_map_agreement.py: "
    "test_a_head_of_orthonormal_columns_changes_nothing",
    "8, own mask": "experiments/roar/test_compute.py: test_every_image_loses_its_own_pixels",
    "8, encoder": "experiments/roar/test_compute.py: "
    "test_every_method_explains_the_original_encoder",
    "9, closed form": "labelfree/test_influence_functions.py: "
    "test_linear_regression_is_its_closed_form",
    "9, cosine": "labelfree/test_influence_functions.py: test_what_is_reported_is_so",
    "10": "experiments/test_repeatable.py: test_the_same_command_twice_writes_the_same_bytes",
}


def test_every_defect_is_in_one_list():
    assert sorted([*DEFECTS, *CANNOT_COME_AGAIN]) == list(range(1, 43))


@pytest.mark.parametrize("asked", sorted({*DEFECTS.values(), *ACCEPTANCE.values()}))
def test_the_test_is_there(asked):
    file, name = asked.split(": ")
    text = (REPOSITORY / "tests" / file).read_text("utf-8")
    assert re.search(rf"^def {name}\(", text, re.MULTILINE)
