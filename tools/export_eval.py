"""Write the probe and the test set of a study as tasks for lm-evaluation-harness: lm_eval/ beside results/.

Usage: python tools/export_eval.py CONFIG FOLDER [--system-in question]   (`make export-eval`)

FOLDER holds the study's results/. docs/probe.md says what the tasks measure and how to run them.
"""

import argparse
import json
import shlex
import shutil
import sys
from collections import Counter
from pathlib import Path

import tatara_path
import yaml
from jinja2 import Environment, FileSystemLoader, StrictUndefined
from lm_eval_tasks import COMMON, PROBE, REFERENCE, TEST, VERSION, probe_tasks, test_set_tasks
from tatara.data.probe import KINDS
from tatara.data.questions import evaluated, with_reference
from tatara.files.config import read_config
from tatara.files.jsonl import read_numbered, write_jsonl
from tatara.files.text import write_text
from tatara.job.errors import InputError, raise_problems

FILES = Path(__file__).with_name("lm_eval_files")
OUTPUT = "lm_eval"


def _problem(row: dict) -> str | None:
    """Return what is wrong with an item of the probe, None where nothing is."""
    if row.get("kind") not in KINDS:
        return f"kind is {row.get('kind')!r}, expected one of {', '.join(KINDS)}"
    if not isinstance(row.get("taught"), bool):
        return f"taught is {row.get('taught')!r}, expected true or false"
    for key in ("id", "type", "node", "question"):
        if not isinstance(row.get(key), str) or not row[key]:
            return f"{key} is {row.get(key)!r}, expected a text"
    options, answer = row.get("options"), row.get("answer")
    if not isinstance(options, list) or len(options) < 2 or not all(isinstance(text, str) and text for text in options):
        return f"options is {options!r}, expected a list of two texts or more"
    if type(answer) is not int or not 0 <= answer < len(options):
        return f"answer is {answer!r}, expected the place of the right option, 0 to {len(options) - 1}"
    return None


def read_items(path: Path) -> list[dict]:
    """Return the items of the probe.

    Raises:
        InputError: every row that is no item (file and line).
    """
    numbered = list(read_numbered(path))
    raise_problems(
        f"{path}:{line}: {problem}; docs/files.md, probe/items.jsonl, has the fields"
        for line, row in numbered
        if (problem := _problem(row))
    )
    return [row for _, row in numbered]


def spoken(row: dict, system: str, in_question: bool) -> dict:
    """Return how a row is asked: its question, and the system prompt, or both in the question.

    Only the rows hold texts of the study. The YAML names fields of them, so that no text is taken for a template.
    """
    if system and in_question:
        return {"question": f"{system}\n\n{row['question']}"}
    return {"question": row["question"], **({"system": system} if system else {})}


def command(config: dict, model: dict[str, str], *tasks: str) -> str:
    """Return the command line that runs tasks on a model of the study, from the folder of lm_eval/ and results/.

    Args:
        model: the harness's arguments that name it, such as `pretrained`.
    """
    arguments = model | {"dtype": "float32", "add_bos_token": False}
    if options := config["chat"]["template_options"]:
        # Where a brace stands in it, the harness takes the whole for JSON.
        text = json.dumps(arguments | {"chat_template_args": options}, ensure_ascii=False)
    else:
        text = ",".join(f"{name}={value}" for name, value in arguments.items())
    return (
        f"lm_eval --model hf --model_args {shlex.quote(text)} \\\n  --tasks {','.join(tasks)} --include_path {OUTPUT} "
        "--apply_chat_template --batch_size 8"
    )


def _readme(config: dict, items: list[dict], questions: int, in_question: bool) -> str:
    environment = Environment(
        loader=FileSystemLoader(FILES),
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        autoescape=False,  # Markdown
    )
    counts = Counter((item["kind"], item["taught"]) for item in items)
    stage1, size = config["stage1"], max(config["subsets"]["sizes"])
    base = {"pretrained": f"results/base/{stage1['model']}"}
    adapter = {"peft": f"results/adapters/{stage1['model']}_n{size}_r{stage1['r']}_s{stage1['seeds'][0]}"}
    tasks = [*([PROBE] if items else []), TEST, REFERENCE]
    return environment.get_template("README.md").render(
        title=config["study"]["title"],
        commands={
            model: command(config, {"pretrained": f"results/merged/{model}"}, *tasks) for model in config["models"]
        },
        untuned=command(config, base, PROBE),
        adapter=command(config, base | adapter, PROBE),
        counts=[
            (kind, counts[kind, True], counts[kind, False])
            for kind in KINDS
            if counts[kind, True] + counts[kind, False]
        ],
        items=len(items),
        questions=questions,
        in_question=in_question,
        chat=config["chat"],
    )


def export(config: dict, results: Path, output: Path, in_question: bool = False) -> dict[str, int]:
    """Write the tasks of a study; tasks of an earlier export are replaced.

    Args:
        config: the complete configuration.
        results: the study's results folder, with probe/items.jsonl and testset/test_set_200.jsonl.
        output: the folder to write.
        in_question: put the system prompt before the question, for chat templates that refuse the system role.

    Returns:
        The number of `items` and of test `questions`.

    Raises:
        InputError: a file is missing, or a row is no item.
    """
    probe, testset = results / "probe" / "items.jsonl", results / "testset" / "test_set_200.jsonl"
    for path in (probe, testset):
        if not path.is_file():
            raise InputError(f"{path} is not there: `make export-eval` has it made first, as part of the study")
    items = read_items(probe)
    questions = evaluated(testset, config["testset"]["label"], config["testset"]["limit"])
    system = config["chat"]["system"]
    shared = {
        "test_split": "test",
        **({"description": "system"} if system and not in_question else {}),
        "doc_to_text": "question",
        "target_delimiter": "",
        "num_fewshot": 0,
        "metadata": {"version": VERSION},
    }
    output.mkdir(parents=True, exist_ok=True)
    for earlier in (output / COMMON, *output.glob("tatara_*.yaml")):
        earlier.unlink(missing_ok=True)
    tasks = [
        *(probe_tasks(items, shared) if items else ()),
        *test_set_tasks(shared, config["evaluate"]["max_new_tokens"], len(with_reference(questions))),
    ]
    for name, content in tasks:
        write_text(output / name, yaml.safe_dump(content, sort_keys=False, allow_unicode=True))
    write_jsonl(output / "probe.jsonl", (item | spoken(item, system, in_question) for item in items))
    fields = ("id", "category", "reference", "facts")
    write_jsonl(
        output / "test.jsonl",
        ({key: row[key] for key in fields} | spoken(row, system, in_question) for row in questions),
    )
    shutil.copyfile(FILES / "utils.py", output / "utils.py")
    write_text(output / "README.md", _readme(config, items, len(questions), in_question))
    return {"items": len(items), "questions": len(questions)}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("config", type=Path, metavar="CONFIG", help="the study file")
    parser.add_argument("folder", type=Path, metavar="FOLDER", help="the study's folder, which holds results/")
    parser.add_argument(
        "--system-in",
        choices=["system", "question"],
        default="system",
        help="where the system prompt stands; question: for chat templates that refuse the system role",
    )
    arguments = parser.parse_args()
    output = arguments.folder / OUTPUT
    try:
        config = read_config([arguments.config], tatara_path.REPOSITORY)
        counts = export(config, arguments.folder / "results", output, arguments.system_in == "question")
    except InputError as error:
        print(f"export-eval: {error}", file=sys.stderr)
        return 1
    print(json.dumps(counts), f"-> {output}; {output / 'README.md'} has the commands")
    return 0


if __name__ == "__main__":
    sys.exit(main())
