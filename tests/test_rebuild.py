"""What a change makes again, and what it must not: the table in docs/architecture.md, held by runs of the smoke study.

Where a dry run says it all, a dry run is asked. A change before the selection of the size cannot be told by one, since
the size is not known before it is selected again: those are real runs.
"""

import re
from contextlib import ExitStack
from pathlib import Path

import pytest
from pipeline_copy import Copy, edited

MODELS = {"train_scale", "train_selected", "merge", "convert", "convert_base", "quantize", "imatrix", "base_scratch"}
DATA = ("subsets", "testset")  # made first, as `make run` does it
SELECTED = "results/scale/selected.json"  # selected next
ANSWERS = {"answers_gguf", "answers_nf4", "answers_base", "answers_gguf_graph"}
LIKELIHOODS = {"nll_scale", "nll_nf4", "nll_gguf", "nll_merge", "nll_scale_base", "nll_base"}
STARTED = re.compile(r"^(?:local)?(?:rule|checkpoint) (\w+):", re.MULTILINE)


def more_code(text: str) -> str:
    """A change that does nothing but that a digest has to see."""
    return text + "\nCHANGED = True\n"


def ran(study: Copy, *arguments: str) -> set[str]:
    """Run snakemake and return the rules that ran."""
    done = study.snakemake(*arguments, "--cores", "2", "--resources", "gpu=2")
    assert done.returncode == 0, done.stdout[-4000:]
    return set(STARTED.findall(done.stdout))


@pytest.fixture(scope="module")
def study(finished: Copy, tmp_path_factory) -> Copy:
    """The finished smoke study once more; each test leaves it finished and as it was."""
    return finished.copy_to(tmp_path_factory.mktemp("rebuild") / "run")


def package(study: Copy, name: str) -> Path:
    return study.folder / "scripts/tatara" / name


def test_words_and_limits_make_nothing_again(study):
    """Progress, log lines, messages of errors, limits of the machine, comments: nothing at all is to be done."""
    changes = {
        "job/progress.py": more_code,
        "job/gpu_layers.py": more_code,
        "job/machine.py": more_code,
        "train/samples.py": lambda text: text.replace("it is not cut silently", "nothing is cut silently"),
        "models/loading.py": lambda text: text + "\n# a comment\n",
        "llama/tools.py": lambda text: text.replace('"%s: %s", what, lines[-1]', '"%s says: %s", what, lines[-1]'),
        "evaluate/nll.py": lambda text: text.replace('f"nll {name}"', 'f"likelihood {name}"'),
    }
    with ExitStack() as stack:
        for name, change in changes.items():
            stack.enter_context(edited(package(study, name), change))
        assert study.planned("all") == {}


def test_the_training_code_trains_again_and_no_base_is_made(study):
    with edited(package(study, "train/qlora.py"), more_code):
        planned = study.planned("all")
    assert {"train_scale", "train_selected", "merge", "convert", "answers_gguf"} <= planned.keys()
    assert planned["answers_gguf"] == 2 and planned["answers_gguf_graph"] == 1  # not those of the untuned model
    assert not planned.keys() & {"base_scratch", "qa_pairs", "testset", "convert_base", "answers_base", "at_hand"}


def test_the_judge_scores_again_and_nothing_answers(study):
    with edited(package(study, "evaluate/rubric.py"), more_code):
        planned = study.planned("all")
    assert {"judge_rubric", "judge", "table3", "fig09_category_scores", "report"} <= planned.keys()
    assert not planned.keys() & {*MODELS, *ANSWERS, *LIKELIHOODS, "scale", "parity", "ladder"}


def test_a_wording_of_a_refusal_judges_again_and_nothing_answers(study):
    with edited(study.folder / "resources/harm/refusals.yaml", lambda text: text + "  - that is a mistake\n"):
        planned = study.planned("all")
    assert {"harm_refusals", "harm_table", "report"} <= planned.keys()
    assert not planned.keys() & {*MODELS, *ANSWERS, *LIKELIHOODS, "harm_sets", "harm_gguf", "harm_adapter"}


def test_the_layout_of_a_table_writes_tables_figures_and_the_report_again(study):
    with edited(package(study, "report/text_table.py"), more_code):
        planned = study.planned("all")
    assert {"table2", "table5", "report"} <= planned.keys()
    assert not planned.keys() & {*MODELS, *ANSWERS, *LIKELIHOODS, "scale", "parity", "ladder", "judge_rubric"}


def test_a_figure_is_drawn_again_and_nothing_is_measured(study):
    with edited(package(study, "report/figures/style.py"), more_code):
        planned = study.planned("all")
    assert {"fig05_training_loss", "fig08_score_distribution"} <= planned.keys()
    assert not planned.keys() & {*MODELS, *ANSWERS, *LIKELIHOODS, "scale", "judge", "table3"}


def test_the_likelihood_measures_again_and_the_same_size_retrains_nothing(study):
    """A real run: likelihoods, selection and what is shown of them; what comes of the selected size stays."""
    asked = ["results/tables/table2.csv", "results/gguf/llama-q4.gguf", "results/answers/llama_q4.jsonl"]
    with edited(package(study, "evaluate/nll.py"), more_code):
        assert ran(study, SELECTED) == {"nll_scale", "scale"}
        assert ran(study, *asked) <= {"table2", "nll_scale_base"}  # the same figures again: not even the table
    ran(study, SELECTED)
    ran(study, *asked)
    assert not study.planned(*asked)


def test_the_code_of_the_data_stage_trains_nothing_while_the_data_stay(study):
    """A real run of the data stage: it writes the same pairs, and nothing that was trained on them is made again."""
    with edited(package(study, "data/pairs.py"), more_code), edited(package(study, "data/graph.py"), more_code):
        assert {"train_scale", "base_scratch"} <= study.planned("all").keys()  # all that one run could tell
        assert {"graph", "qa_pairs", "pool", "subsets", "testset"} <= ran(study, *DATA)
        assert not ran(study, SELECTED) & MODELS
        assert not study.planned("all").keys() & {*MODELS, *LIKELIHOODS, "answers_gguf", "answers_nf4", "answers_base"}
    ran(study, *DATA)
    ran(study, SELECTED)
    assert study.planned("all") == {}


def test_a_reworded_question_trains_nothing_while_the_size_stays(disturbed):
    """A real run to the selection of the size: test set and likelihoods. From there on a dry run says it all."""
    questions = disturbed.folder / "resources/testset/test_set_200.jsonl"
    first = (disturbed.folder / "results/answers/llama_q4.jsonl").read_text(encoding="utf-8").split('"question": "')[1]
    wording = first.split('"')[0]
    text = questions.read_text(encoding="utf-8")
    assert wording in text
    questions.write_text(text.replace(wording, wording + "手順も述べてください。"), encoding="utf-8")
    done = ran(disturbed, SELECTED)
    assert {"testset", "nll_scale", "scale"} <= done
    planned = disturbed.planned("all").keys()
    assert {"judge_rubric", "table2", "table5", "report", *ANSWERS} <= planned
    assert planned | done >= LIKELIHOODS
    assert not (planned | done) & MODELS
