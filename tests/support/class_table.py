"""The table of model classes in docs/models.md, which `make test-models` writes and the tests hold true."""

import json
import re
from pathlib import Path

from model_classes import CASES, Case
from pipeline_copy import REPOSITORY


class ClassTable:
    """The table of docs/models.md: a row a class; the mean KL alone may differ from machine to machine."""

    PAGE = REPOSITORY / "docs/models.md"
    HEAD = "| class | tokenizer | the adapter covers | GGUF, F16 against transformers | verdict |\n"
    HEAD += "| --- | --- | ---: | --- | --- |\n"

    def __init__(self):
        self.rows: dict[str, str] = {}

    def add(self, name: str, case: Case, base: Path, parity: dict | None) -> None:
        """Take up what has come of a case; `parity` is the F16 entry of its parity file, None where it has no GGUF."""
        kind = json.loads((base / "config.json").read_text(encoding="utf-8"))["architectures"][0]
        own = f"{case.tokenizer.removeprefix('small-')}, small" if case.tokenizer.startswith("small-") else None
        named = "".join(f", `{pattern}`" for pattern in case.target_modules or [])
        tied = ", tied" if case.config.get("tie_word_embeddings") else ""
        cells = [f"{kind}{tied}", own or case.tokenizer, f"{100 * case.share:.1f} %{named}"]
        if parity is None:
            cells += ["–", f"NF4 alone: {case.refusal}"]
        else:
            unknown = sum(parity["characters_without_token"].values())
            rest = f", {unknown} characters without a token" if unknown else ""
            cells += [f"ids equal{rest}, KL {parity['mean_kl']:.0e}", "taken"]
        if case.vision:
            cells[-1] += ": its text part"
        self.rows[name] = f"| {' | '.join(cells)} |\n"

    def written(self) -> str:
        return self.PAGE.read_text(encoding="utf-8").partition(self.HEAD)[2]

    def write(self) -> None:
        """Write all rows into the page."""
        before = self.PAGE.read_text(encoding="utf-8").partition(self.HEAD)[0]
        self.PAGE.write_text(before + self.HEAD + "".join(self.rows[name] for name in CASES), encoding="utf-8")

    def differing(self) -> list[str]:
        """Return the rows that the page does not have."""

        def without_kl(text: str) -> str:
            return re.sub(r"KL \S+", "KL", text)

        written = without_kl(self.written())
        return [row for row in self.rows.values() if without_kl(row) not in written]
