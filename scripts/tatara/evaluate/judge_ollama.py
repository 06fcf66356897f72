"""A judge that is a model of an Ollama server, its output held to the schema by `format`."""

from pathlib import Path

from tatara.evaluate.llm_judges import SCHEMA, Complete
from tatara.files.text import write_json
from tatara.ollama.client import Server


def load(server: Server, model: str, *, context: int, limit: int) -> Complete:
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


def write_identity(server: Server, model: str, context: int, output: Path) -> None:
    """Write which model the judge is: name, digest, parameters and quantization.

    Raises:
        InputError: no server, no such model in it, or a context beyond the model's own; the run ends here before
            anything is trained.
    """
    write_json(output, server.identity(model, context))
