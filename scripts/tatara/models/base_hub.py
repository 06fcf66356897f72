"""A base model of the Hugging Face hub: its weights at the commit of its description, and its record."""

import hashlib
import json
import logging
import os
import shutil
from pathlib import Path
from urllib.parse import urlsplit

from huggingface_hub import get_hf_file_metadata, hf_hub_url, try_to_load_from_cache
from huggingface_hub.file_download import http_get
from huggingface_hub.utils import build_hf_headers

from tatara.job.errors import InputError
from tatara.models import model_files, tokenizer_files
from tatara.models.base_record import write_record
from tatara.models.hub_errors import SECONDS, explained

logger = logging.getLogger("tatara")


def _check_room(record: dict, names: list[str], unfinished: Path, key: str) -> None:
    """Compare what is still to be fetched with the room on the disk."""
    have = sum(path.stat().st_size for path in unfinished.rglob("*") if path.is_file())
    needed = sum(record["weights"][name]["bytes"] or 0 for name in names) - have
    free = shutil.disk_usage(unfinished).free
    if needed > free:
        raise InputError(
            f"the weights of {record['repo']} (config key {key}) need {needed / 2**30:.1f} GiB more, the disk of "
            f"{unfinished.resolve()} has {free / 2**30:.1f} GiB left: free some space and run again"
        )


def _check(file: Path, sha256: str | None, source: dict) -> None:
    """Compare a file with the digest that the hub keeps of it; remove it where it differs."""
    if not sha256:  # small files have none
        return
    with file.open("rb") as content:
        digest = hashlib.file_digest(content, "sha256").hexdigest()
    if digest != sha256:
        file.unlink()
        raise InputError(
            f"{file.name} of {source['repo']} was damaged on its way: its digest is {digest}, the hub says {sha256}. "
            "It is removed; run again"
        )


def _download(name: str, weight: dict, source: dict, file: Path) -> None:
    """Fetch one file, the part that is there already left out.

    The client's own snapshot_download begins a file anew in every run; its transfer, with its retries, is used here.
    """
    url = hf_hub_url(source["repo"], name, revision=source["revision"])
    headers = build_hf_headers()
    there = get_hf_file_metadata(url, timeout=SECONDS)
    if urlsplit(there.location).hostname != urlsplit(url).hostname:
        headers.pop("authorization", None)  # the address is signed, and its host is not the hub
    size = weight["bytes"] or there.size
    with file.open("ab+") as output:
        if output.tell() > size:
            output.truncate(0)
        http_get(
            there.location,
            output,
            resume_size=output.seek(0, os.SEEK_END),
            headers=headers,
            expected_size=size,
            displayed_filename=name,
        )


def fetch_weights(record: dict, folder: Path, unfinished: Path, key: str) -> None:
    """Put the weights that a record names into `folder`; those that the client's cache holds are linked or copied.

    A download that breaks goes on where it stopped: what is there so far lies in `unfinished` until all is.

    Raises:
        InputError: the hub is out of reach, or refuses; too little room; a file is not what the hub says it is.
    """
    source = {"repo": record["repo"], "revision": record["commit"]}
    folder.mkdir(parents=True, exist_ok=True)
    missing = []
    for name in record["weights"]:
        cached = try_to_load_from_cache(source["repo"], name, revision=source["revision"])
        if isinstance(cached, str):
            model_files.place(Path(cached), folder / name)
        else:
            missing.append(name)
    if not missing:
        return
    unfinished.mkdir(parents=True, exist_ok=True)
    _check_room(record, missing, unfinished, key)
    for name in missing:
        logger.info("%s: %s", source["repo"], name)
        with explained(source, key):
            _download(name, record["weights"][name], source, unfinished / name)
        _check(unfinished / name, record["weights"][name]["sha256"], source)
    for name in missing:
        shutil.move(unfinished / name, folder / name)


def build(*, name: str, description: Path, folder: Path, unfinished: Path, template: str | None = None) -> None:
    """Put a hub model into `folder` and record it: what its description holds, and its weights.

    Args:
        template: file of the chat template that takes the place of its own.
    """
    record = json.loads((description / model_files.HUB_RECORD).read_text(encoding="utf-8"))
    fetch_weights(record, folder, unfinished / record["commit"], f"models.{name}.source.hub")
    shutil.rmtree(unfinished, ignore_errors=True)
    for file in model_files.beside(path.name for path in description.iterdir()):
        shutil.copyfile(description / file, folder / file)
    tokenizer_files.settle(folder)
    tokenizer_files.set_template(folder, template)
    write_record(folder, name, "hub", {"repo": record["repo"], "commit": record["commit"]})
