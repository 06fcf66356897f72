"""What the files of a model alone show: folders that would train for hours and die later. Nothing is loaded."""

import json
from dataclasses import dataclass, field
from pathlib import Path

from tatara.models import model_files
from tatara.models.safetensors_head import read_head

PICKLES = (".bin", ".pt", ".pth", ".ckpt")
LFS_POINTER = b"version https://git-lfs"
ADAPTER = "adapter_config.json"
RESAVE = "load it once elsewhere and write it with save_pretrained, which writes safetensors"


@dataclass
class ModelFiles:
    """The files of a model as they are told by a folder or by the hub.

    Attributes:
        place: what a message calls the source, such as a folder or a repository.
        names: all files there.
        folder: where config and tokenizer lie, to be read only.
        weights: weight files -> bytes, None for one that is named and not there.
        shapes: tensor -> shape, where the heads of the weights could be read.
        license: what the source says of itself, None where it says nothing.
        problems: what is wrong with it, each with its remedy.
    """

    place: str
    names: list[str]
    folder: Path
    weights: dict[str, int | None]
    shapes: dict[str, list[int]] = field(default_factory=dict)
    license: str | None = None
    problems: list[str] = field(default_factory=list)


def _is_pointer(file: Path) -> bool:
    with file.open("rb") as content:
        return content.read(len(LFS_POINTER)) == LFS_POINTER


def pointers(folder: Path, names: list[str]) -> list[str]:
    """Return what is wrong with files that are stand-ins of Git LFS."""
    wanted = [name for name in names if name.endswith((".safetensors", ".json", ".model", ".jinja", ".gguf"))]
    pointers = [name for name in wanted if (folder / name).is_file() and _is_pointer(folder / name)]
    if not pointers:
        return []
    return [
        f"{folder}: {', '.join(pointers)} {'is a pointer' if len(pointers) == 1 else 'are pointers'} of Git LFS and "
        f"not the file itself: run `git lfs install` and `git lfs pull` in {folder}"
    ]


def read_folder(folder: Path) -> ModelFiles:
    """Return the files of a model folder, with what is wrong with the weights as they lie there."""
    names = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    problems = pointers(folder, names)
    try:
        listed = model_files.weights(names, model_files.read_index(folder))
    except (ValueError, KeyError, TypeError, AttributeError):
        listed = []
        if not problems:
            problems.append(f"{folder / model_files.INDEX}: not the list of shards that it should be; fetch it again")
    weights = {name: (folder / name).stat().st_size if name in names else None for name in listed}
    found = ModelFiles(str(folder), names, folder, weights, problems=problems)
    for name, size in weights.items():
        if size is None or _is_pointer(folder / name):
            continue
        try:
            shapes, expected = read_head(folder / name)
        except (ValueError, KeyError, TypeError) as error:
            problems.append(f"{folder / name}: not a safetensors file ({error}): fetch it again")
            continue
        found.shapes |= shapes
        if size != expected:
            problems.append(f"{folder / name}: it has {size:,} bytes, its head names {expected:,}: fetch it again")
    if (folder / "README.md").is_file():
        found.license = _license_of((folder / "README.md").read_text(encoding="utf-8", errors="replace"))
    return found


def _license_of(card: str) -> str | None:
    """Return the licence that the head of a model card names."""
    head = card.split("---")[1] if card.startswith("---") and card.count("---") > 1 else ""
    return next((line.split(":", 1)[1].strip() for line in head.splitlines() if line.startswith("license:")), None)


def read_description(folder: Path, repo: str) -> ModelFiles:
    """Return the files of a hub model by its description (`hub_description`)."""
    record = json.loads((folder / model_files.HUB_RECORD).read_text(encoding="utf-8"))
    sizes = {name: weight["bytes"] for name, weight in record["weights"].items()}
    return ModelFiles(repo, record["files"], folder, sizes, license=record["license"])


def _without_weights(files: ModelFiles) -> str:
    """Return why a source without weights that are loaded here has none, and what to do."""
    ends = [name for name in files.names if "/" not in name]
    if ADAPTER in ends:
        return (
            f"{files.place} is an adapter and no model: merge it into the model that its {ADAPTER} names "
            "(PEFT's merge_and_unload, then save_pretrained), and name that folder"
        )
    if any(name.startswith("consolidated") and name.endswith(".safetensors") for name in ends):
        return (
            f"{files.place} holds its weights as consolidated.safetensors alone, which transformers does not load: "
            "take the release with model.safetensors, or convert it with transformers' script for this model"
        )
    if pickles := [name for name in ends if name.endswith(PICKLES)]:
        return (
            f"{files.place} holds its weights as pickles alone ({', '.join(pickles[:3])}), which can run code and are "
            f"not loaded: {RESAVE}"
        )
    if gguf := [name for name in ends if name.endswith(".gguf")]:
        return f"{files.place} holds GGUF files alone: name the file itself, such as {files.place}/{gguf[0]}"
    return f"{files.place} holds no model.safetensors and no {model_files.INDEX}: is it the folder of a model?"


def problems(files: ModelFiles) -> list[str]:
    """Return what is wrong with the files of a model, each with its remedy."""
    wrong = list(files.problems)
    missing = [name for name, size in files.weights.items() if size is None]
    if not files.weights and not wrong:
        return [_without_weights(files)]
    if "config.json" not in files.names:
        wrong.append(f"{files.place}: there is no config.json beside the weights: fetch it from where they are from")
    if missing:
        wrong.append(
            f"{files.place}: {model_files.INDEX} names {len(files.weights)} shards, and {', '.join(missing)} "
            f"{'is' if len(missing) == 1 else 'are'} missing: fetch what is missing"
        )
    if files.weights and ADAPTER in files.names:
        wrong.append(
            f"{files.place}: {ADAPTER} lies beside the weights, and transformers would load that adapter on top of "
            "them: merge it, or take a folder without it"
        )
    return wrong


def quantization_problem(config: dict, place: str) -> list[str]:
    """Return what is wrong with weights that are quantized already, by the content of config.json."""
    found = config.get("quantization_config")
    if not found:
        return []
    bits = next((f"in {width} bits" for width in (4, 8) if found.get(f"load_in_{width}bit")), "")
    method = found.get("quant_method", "unknown method")
    return [
        f"{place}: its weights are quantized already ({f'{method} {bits}'.strip()}), and an adapter cannot be merged "
        "into them: take the 16-bit model that they were made of"
    ]
