"""A language model beside the rules: it is asked of every passage, and its rows join those of the draft."""

from dataclasses import dataclass
from pathlib import Path

from tatara.draft.graph_rows import Places
from tatara.draft.outline import Outline
from tatara.draft.proposal_rows import add_proposals
from tatara.draft.proposals import Passage, Proposal, propose
from tatara.draft.rules import Rules
from tatara.draft.table import Row
from tatara.files.text import read_text, write_json
from tatara.llm.chat import ChatServer

SEED = 42
UNFINISHED = "proposals.partial.jsonl"  # in OUT/draft, until every passage was asked about


@dataclass(frozen=True)
class LanguageModel:
    """A model that proposes relations and facts.

    Attributes:
        server: where it is.
        name: what the server calls it.
        parallel: passages asked at once.
    """

    server: ChatServer
    name: str
    parallel: int = 1

    def add_to(
        self,
        tables: dict[str, list[Row]],
        outlines: list[Outline],
        structure: Places,
        rules: Rules,
        prompt: Path,
        folder: Path,
    ) -> None:
        """Add what the model proposes to the tables; write draft/proposals.json, what became of its rows.

        Raises:
            InputError: no server, no such model, a prompt that does not fit. What was answered by then is kept, and is
                not asked for again.
        """
        reasons: dict[str, int] = {}

        def ask(passages: list[Passage], types: list[str]) -> list[Proposal]:
            kept, counted = propose(
                passages,
                self.server,
                model=self.name,
                template=read_text(prompt),
                where=prompt,
                types=types,
                seed=SEED,
                finished=folder / "draft" / UNFINISHED,
                parallel=self.parallel,
            )
            reasons.update(counted)
            return kept

        added = add_proposals(tables, outlines, structure, rules, ask)
        content = {"model": self.server.identity(self.name), "proposed": reasons, "kept": added}
        write_json(folder / "draft" / "proposals.json", content)
