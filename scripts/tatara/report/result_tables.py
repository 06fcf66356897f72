"""Tables of results that stand in the report alone: parity of the GGUF files, and scores by category."""

from tatara.files.formats import label_of
from tatara.measure.results import LARGEST_SD, by_model_and_format, read_json, read_judge
from tatara.report.numbers import DASH, number, percent, size, small
from tatara.report.text_table import TextTable

PARITY_HEADINGS = [
    *("Model", "File", "Token ids equal", "Lines", "Tokens", "KL", "Top-1"),
    *("Largest logit difference", "Size", "Result"),
]
PARITY_WORDS = {"Model", "File", "Token ids equal", "Result"}
PARITY_NOTE = (
    "Against the merged transformers model on Japanese text: token ids line by line; mean KL(transformers ‖ GGUF) in "
    "nats per token; share of positions with the same most likely token. An F16 file that fails stops the build; a "
    "quantized file is meant to differ in its logits."
)


def parity_table(parity: list[str], names: dict[str, str]) -> TextTable:
    """Return what each GGUF file showed against the transformers model, and why a model has none."""
    contents = {content["model"]: content for content in map(read_json, parity)}
    rows = []
    for model in sorted(contents, key=list(names).index):
        content = contents[model]
        rows += [
            [
                names[model],
                label_of(fmt),
                "yes" if entry["token_ids_equal"] else "no",
                f"{entry['lines']:,}",
                f"{entry['tokens']:,}",
                small(entry["mean_kl"]),
                percent(entry["top1_agreement"], 1),
                small(entry["max_logit_difference"]),
                size(entry["bytes"]),
                "passed" if entry["passed"] else "failed",
            ]
            for fmt, entry in content["formats"].items()
        ]
        if not content["gguf"]:
            rows.append([names[model], "no GGUF", *[DASH] * 7, content["reason"]])
    numeric = [heading not in PARITY_WORDS for heading in PARITY_HEADINGS]
    return TextTable("Parity of the GGUF files", PARITY_NOTE, PARITY_HEADINGS, rows, numeric, "No parity files.")


def category_table(judge: list[str], names: dict[str, str]) -> TextTable:
    """Return each model's and format's mean score by category, and the SD of all its scores (figures 9 and 10)."""
    files = {key: read_judge(path) for key, path in by_model_and_format(judge, names).items()}
    categories = list(dict.fromkeys(category for rows in files.values() for category in rows["category"]))
    lines = []
    for (model, fmt), rows in files.items():
        means = rows.groupby("category")["score"].mean().reindex(categories)
        sd = float(rows["score"].std(ddof=0))
        cells = [*(number(value) for value in means), number(sd, 3), number(1 - sd / LARGEST_SD, 3)]
        lines.append([names[model], label_of(fmt), *cells])
    note = "Stability, as in figure 10: 1 − SD / 1.5. Intervals stand in the figures."
    headings = ["Model", "Format", *categories, "SD of the scores", "Stability"]
    numeric = [False, False] + [True] * (len(categories) + 2)
    return TextTable("Mean score by category", note, headings, lines, numeric, "No scores.")
