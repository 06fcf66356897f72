"""What a repository of the Hugging Face hub holds beside its weights, fetched with the hub's own client.

The commit that the revision means now is written down with it: the weights are fetched at that commit, so a branch that
moves in between changes nothing. Where the client's cache holds a snapshot and the hub cannot be asked, that is taken.
"""

import logging
import shutil
from pathlib import Path

import httpx
from huggingface_hub import HfApi, constants, metadata_load, snapshot_download
from huggingface_hub.errors import LocalEntryNotFoundError

from tatara.files.text import write_json
from tatara.models import model_files
from tatara.models.hub_errors import SECONDS, explained

logger = logging.getLogger("tatara")


def _cached(source: dict) -> Path | None:
    """Return the snapshot of a repository in the client's cache, None where there is none with its weights."""
    try:
        path = snapshot_download(
            source["repo"], revision=source["revision"], local_files_only=True, allow_patterns=["config.json"]
        )
    except LocalEntryNotFoundError:
        return None
    names = [file.name for file in Path(path).iterdir()]
    weights = model_files.weights(names, model_files.read_index(Path(path)))
    return Path(path) if weights and set(weights) <= set(names) else None


def _from_cache(snapshot: Path, source: dict, folder: Path) -> dict:
    """Copy a description out of the cache; return its record."""
    names = sorted(str(path.relative_to(snapshot)) for path in snapshot.rglob("*") if path.is_file())
    for name in model_files.beside(names):
        shutil.copyfile(snapshot / name, folder / name)
    card = metadata_load(snapshot / "README.md") if (snapshot / "README.md").is_file() else None
    sizes = {name: (snapshot / name).stat().st_size for name in names}
    return _record(source, snapshot.name, (card or {}).get("license"), sizes, {}, folder)


def _record(
    source: dict, commit: str, licence: str | None, sizes: dict[str, int], digests: dict[str, str], folder: Path
) -> dict:
    weights = model_files.weights(list(sizes), model_files.read_index(folder))
    return {
        "repo": source["repo"],
        "revision": source["revision"],
        "commit": commit,
        "license": licence,
        "weights": {name: {"bytes": sizes.get(name), "sha256": digests.get(name)} for name in weights},
        "files": sorted(sizes),
    }


def describe(source: dict, folder: Path, key: str) -> dict:
    """Put what a repository holds beside its weights into `folder`, with a record of the rest, hub.json.

    Args:
        source: `repo` and `revision`.
        key: the config key of the source, for messages.

    Returns:
        The record: the commit that the revision means now, licence, names of all files, bytes and digests of weights.

    Raises:
        InputError: the hub is out of reach, or refuses; the message says what to do.
    """
    folder.mkdir(parents=True, exist_ok=True)
    snapshot = _cached(source) if constants.is_offline_mode() else None
    info = None
    if snapshot is None:
        with explained(source, key):
            try:
                info = HfApi().model_info(
                    source["repo"], revision=source["revision"], files_metadata=True, timeout=SECONDS
                )
            except httpx.TransportError as error:
                if not (snapshot := _cached(source)):
                    raise
                logger.info("%s is out of reach (%s): %s is taken from the cache", constants.ENDPOINT, error, snapshot)
    if snapshot is not None:
        record = _from_cache(snapshot, source, folder)
    else:
        sizes = {file.rfilename: file.size for file in info.siblings}
        digests = {file.rfilename: file.lfs.sha256 for file in info.siblings if file.lfs}
        with explained(source, key):
            snapshot_download(
                source["repo"],
                revision=info.sha,
                local_dir=folder,
                allow_patterns=model_files.beside(sizes),
                etag_timeout=SECONDS,
            )
        shutil.rmtree(folder / ".cache", ignore_errors=True)
        licence = info.card_data.license if info.card_data else None
        record = _record(source, info.sha, licence, sizes, digests, folder)
    if record["commit"] != source["revision"]:
        logger.info(
            "%s: revision %s is commit %s; name the commit in the config to pin it",
            source["repo"],
            source["revision"],
            record["commit"],
        )
    write_json(folder / model_files.HUB_RECORD, record)
    return record
