"""How varied the pairs of each template generation are: distinct-2 and self-BLEU.

Both are over characters, since Japanese has no spaces.
"""

import random
from pathlib import Path

from sacrebleu.metrics import BLEU

from tatara.files.text import write_csv

COLUMNS = ("version", "part", "pairs", "distinct_2", "self_bleu", "sample")


def distinct_2(texts: list[str]) -> float:
    """Return the number of different character bigrams over the number of all (Li et al. 2016); 0 without a bigram."""
    bigrams = [text[i : i + 2] for text in texts for i in range(len(text) - 1)]
    return len(set(bigrams)) / len(bigrams) if bigrams else 0.0


def self_bleu(texts: list[str]) -> float:
    """Return the mean BLEU-4, 0 to 1, of each text against all the others as references (Zhu et al. 2018).

    Fewer than two texts give 0.
    """
    metric = BLEU(tokenize="char", effective_order=True)
    scores = [
        metric.sentence_score(text, texts[:i] + texts[i + 1 :]).score for i, text in enumerate(texts) if len(texts) > 1
    ]
    return sum(scores) / (100 * len(scores)) if scores else 0.0


def write_diversity(pairs: list[dict], sample: int, seed: int, output: Path | str) -> None:
    """Write distinct-2 and self-BLEU of the questions and answers of each version, and of all versions.

    Args:
        sample: at most so many pairs of a version are compared with each other, chosen by the seed; the time of
            self-BLEU grows with its square.
        output: CSV with COLUMNS.
    """
    versions = {
        version: [pair for pair in pairs if pair["version"] == version]
        for version in sorted({pair["version"] for pair in pairs})
    }
    table = []
    for version, rows in {**versions, "all": pairs}.items():
        chosen = random.Random(f"{seed} {version}").sample(rows, min(sample, len(rows)))
        for part in ("question", "answer"):
            texts, sampled = ([row[part] for row in some] for some in (rows, chosen))
            table.append(
                [version, part, len(rows), round(distinct_2(texts), 6), round(self_bleu(sampled), 6), len(sampled)]
            )
    write_csv(output, COLUMNS, table)
