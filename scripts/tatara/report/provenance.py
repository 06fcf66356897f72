"""Where a result comes from: versions, commit, seeds, machine, digests of the inputs."""

import hashlib
import json
import os
import platform
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from tatara.files.text import write_json

PACKAGES = (
    "snakemake",
    "torch",
    "transformers",
    "peft",
    "trl",
    "accelerate",
    "bitsandbytes",
    "datasets",
    "unsloth",
    "gguf",
    "llama-cpp-python",
    "numpy",
    "scipy",
    "pandas",
    "matplotlib",
)


def versions() -> dict[str, str]:
    """Return the version of each package that a result depends on; `not installed` for one that is not there."""
    installed = {}
    for name in PACKAGES:
        try:
            installed[name] = version(name)
        except PackageNotFoundError:
            installed[name] = "not installed"
    return installed


def _digest(path: str | Path) -> str:
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def config_digest(config: dict) -> str:
    """Return the digest of a resolved configuration."""
    return hashlib.sha256(json.dumps(config, sort_keys=True, ensure_ascii=False).encode()).hexdigest()


def write_provenance(
    *, output: Path, commit: str, pipeline: str, config: dict, inputs: dict[str, str], bases: dict[str, Path]
) -> None:
    """Write the provenance file.

    Args:
        commit: the pipeline's commit, `+` at its end where tracked files were changed.
        pipeline: digest of the pipeline's code, which says more than a commit where files were changed.
        config: the resolved configuration.
        inputs: name as the configuration has it -> path, of each file that the user brings.
        bases: model -> its base.json.
    """
    content = {
        "commit": commit,
        "pipeline": pipeline,
        "config_sha256": config_digest(config),
        "seeds": {"seed": config["seed"], "stage1": config["stage1"]["seeds"], "stage2": config["stage2"]["seed"]},
        "python": sys.version.split()[0],
        "platform": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count(),
        "versions": versions(),
        "inputs": {name: _digest(path) for name, path in inputs.items()},
        "base_models": {model: json.loads(Path(path).read_text(encoding="utf-8")) for model, path in bases.items()},
    }
    write_json(output, content)


def differences(provenance: dict, config: dict, pipeline: str, root: Path) -> list[str]:
    """Return why results are not those of this configuration, code and the files under `root`; nothing if they are.

    Args:
        provenance: what provenance.json holds.
        config: the resolved configuration here.
        pipeline: digest of the code here.
        root: folder that the configuration's paths are relative to.
    """
    reasons = []
    if provenance["config_sha256"] != config_digest(config):
        reasons.append("the configuration is another one (results/config.yaml is the one that they were made with)")
    for name, digest in provenance["inputs"].items():
        if not (root / name).is_file():
            reasons.append(f"{name} is not here")
        elif _digest(root / name) != digest:
            reasons.append(f"{name} is another file")
    if provenance["pipeline"] != pipeline:
        reasons.append(f"the code is not that of commit {provenance['commit']} ('+' at its end: with changes)")
    return reasons
