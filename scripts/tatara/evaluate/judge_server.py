"""A judge that is a model of a server, its output held to the schema by the server."""

from pathlib import Path

from tatara.evaluate.llm_judges import SCHEMA, Complete
from tatara.files.text import write_json
from tatara.job.errors import InputError
from tatara.llm.chat import ChatServer


def load(server: ChatServer, model: str, *, context: int, limit: int) -> Complete:
    """Return a judge; its model is loaded by the server at the first prompt.

    Args:
        limit: most tokens of an output.
        context: tokens of prompt and output together.
    """

    def complete(prompt: str, seed: int, temperature: float) -> str:
        messages = [{"role": "user", "content": prompt}]
        options = {"limit": limit, "context": context, "seed": seed, "temperature": temperature}
        return server.chat(model, messages, **options, schema=SCHEMA).text

    return complete


def write_identity(server: ChatServer, model: str, context: int, output: Path) -> None:
    """Write which model the judge is: what the server tells of it.

    Raises:
        InputError: no server, no such model in it, or a context beyond the model's own; the run ends here before
            anything is trained.
    """
    write_json(output, server.identity(model, context))


def check_same(server: ChatServer, model: str, identity: dict, where: Path) -> None:
    """Check that the server still has the model that the judge was when the study began; a server of one model may have
    been started with another, and takes any name for it.

    Args:
        identity: what `write_identity` wrote into the file `where`.

    Raises:
        InputError: it has another.
    """
    if server.identity(model) != identity:
        raise InputError(
            f"the server has another model than when this study began, under the name {model} ({where}): start it "
            f"with that model again, or delete {where}, so that all answers are scored by the new one"
        )
