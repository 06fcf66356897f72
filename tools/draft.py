"""Draft a domain from documents: Markdown, HTML, DOCX, PDF with text, plain text.

Usage: python tools/draft.py OUT DOCUMENT … [--language ja|en] [--rules FILE] [--model NAME [--server URL]]
(`make draft DOCS='manuals/*' OUT=domains/NAME` calls it)

OUT gets draft/*.csv, every row with its evidence and a status, draft/review.html to review them in a browser, the texts
that the evidence's spans are counted in, and the files of a domain that hold what was accepted: at first the table of
contents alone. docs/new-domain.md goes on from there.
"""

import argparse
import logging
import sys
from pathlib import Path

import tatara_path
from tatara.draft.build import draft_domain
from tatara.draft.language_model import LanguageModel
from tatara.job.errors import InputError

TIMEOUT = 600  # seconds of one request


def language_model(arguments: argparse.Namespace) -> LanguageModel | None:
    """Return the language model that the command line names, None where it names none.

    Raises:
        InputError: a server or a key without a model.
    """
    if not arguments.model:
        if arguments.server or arguments.key_env:
            raise InputError("--server and --key-env (SERVER, KEY_ENV) belong to a model: name it by --model (MODEL)")
        return None
    from tatara.llm import ollama, openai  # what asks no model needs no client

    if arguments.server:
        server = openai.Server(arguments.server, TIMEOUT, arguments.key_env)
    else:
        server = ollama.Server(None, TIMEOUT)
    return LanguageModel(server, arguments.model, arguments.parallel)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the domain; its name is the study's")
    parser.add_argument("documents", nargs="+", metavar="DOCUMENT", help="files, or patterns of files in quotes")
    parser.add_argument("--language", help="ja or en; found from the text where it is not given")
    parser.add_argument("--rules", type=Path, help="rules of a language, in place of resources/draft/LANGUAGE.yaml")
    parser.add_argument("--model", help="a language model that proposes more relations and facts, on an Ollama server")
    parser.add_argument(
        "--server", help="address of an OpenAI-compatible server in place of Ollama: http://HOST:PORT/v1"
    )
    parser.add_argument("--key-env", help="environment variable that holds the server's key")
    parser.add_argument("--parallel", type=int, default=1, help="passages that the model is asked about at once (1)")
    arguments = parser.parse_args()
    logging.basicConfig(level=logging.INFO, format="%(message)s", stream=sys.stderr)
    for noisy in ("fontTools", "httpx"):
        logging.getLogger(noisy).setLevel(logging.WARNING)
    try:
        counts = draft_domain(
            arguments.documents,
            arguments.out,
            tatara_path.REPOSITORY,
            arguments.language,
            arguments.rules,
            language_model(arguments),
        )
    except InputError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.out}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    print(
        f"review it in a browser: {arguments.out}/draft/review.html, which saves review.csv; then: make accept "
        f"OUT={arguments.out} REVIEW=path/to/review.csv"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
