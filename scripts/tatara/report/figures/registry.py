"""Every figure by the name of its rule and its files, and what draws it."""

from collections.abc import Callable

from matplotlib.figure import Figure

from tatara.report.figures import (
    data01_relation_types,
    data02_lengths,
    data03_categories,
    data04_overlap,
    data05_graph,
    fig01_pipeline,
    fig02_relation_distribution,
    fig03_answer_length,
    fig04_subset_quality,
    fig05_training_loss,
    fig06_scale_nll,
    fig07_model_comparison,
    fig08_score_distribution,
    fig09_category_scores,
    fig10_model_profile,
    fig11_question_scores,
    hand01_two_by_two,
    quant01_ladder,
)

FIGURES: dict[str, Callable[..., Figure]] = {
    "fig01_pipeline": fig01_pipeline.draw,
    "fig02_relation_distribution": fig02_relation_distribution.draw,
    "fig03_answer_length": fig03_answer_length.draw,
    "fig04_subset_quality": fig04_subset_quality.draw,
    "fig05_training_loss": fig05_training_loss.draw,
    "fig06_scale_nll": fig06_scale_nll.draw,
    "fig07_model_comparison": fig07_model_comparison.draw,
    "fig08_score_distribution": fig08_score_distribution.draw,
    "fig09_category_scores": fig09_category_scores.draw,
    "fig10_model_profile": fig10_model_profile.draw,
    "fig11_question_scores": fig11_question_scores.draw,
    "hand01_two_by_two": hand01_two_by_two.draw,
    "quant01_ladder": quant01_ladder.draw,
    "data01_relation_types": data01_relation_types.draw,
    "data02_lengths": data02_lengths.draw,
    "data03_categories": data03_categories.draw,
    "data04_overlap": data04_overlap.draw,
    "data05_graph": data05_graph.draw,
}
