"""Which matrices of a model get an adapter, found in the model itself, and how much of the decoder that is."""

import fnmatch
import re
from dataclasses import dataclass, field

import torch
from transformers import AutoModelForCausalLM

from tatara.job.errors import InputError

# Names of the number of experts in the configurations of transformers; a matrix with so many outputs is a router.
EXPERT_COUNTS = ("num_experts", "num_local_experts", "n_routed_experts", "moe_num_experts")


@dataclass
class Matrix:
    """A matrix of the decoder's blocks, the same one of all blocks together.

    Attributes:
        name: inside a block; numbers of experts are `*`.
        kind: `linear` (a layer), `experts` (a parameter that holds a matrix for each expert), `router`, or `other`
            (a convolution), which gets no adapter.
        weights: their number.
        width: numbers of an adapter for each of its ranks.
        paths: names in the whole model.
    """

    name: str
    kind: str
    weights: int = 0
    width: int = 0
    paths: list[str] = field(default_factory=list)

    def add(self, parameter: torch.nn.Parameter, path: str) -> None:
        *experts, rows, columns = parameter.shape
        self.weights += parameter.numel()
        self.width += (experts[0] if experts else 1) * (rows + columns)
        self.paths.append(path)


@dataclass(frozen=True)
class Targets:
    """What an adapter is put on.

    Attributes:
        modules, parameters: linear layers and parameters, named as briefly as tells them from all others.
        width: numbers of the adapter for each of its ranks.
        coverage: `weights` of the decoder's blocks, how many of them are `covered` and which `share` that is, and both
            numbers by `modules`; norms and biases are not counted.
    """

    modules: tuple[str, ...]
    parameters: tuple[str, ...]
    width: int
    coverage: dict

    @property
    def bare(self) -> list[str]:
        """The matrices of the decoder's blocks that get no adapter."""
        return [name for name, entry in self.coverage["modules"].items() if not entry["covered"]]


def skeleton(config):
    """Return the causal language model of a transformers configuration, without weights."""
    with torch.device("meta"):
        return AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16)


def decoder_blocks(model) -> tuple[str, torch.nn.ModuleList]:
    """Return the name and the list of a model's decoder blocks: the list of modules that holds most weights.

    Raises:
        InputError: the class has no list of modules.
    """
    lists = [(name, module) for name, module in model.named_modules() if isinstance(module, torch.nn.ModuleList)]
    if not lists:
        raise InputError(f"{type(model).__name__} has no list of decoder blocks, and adapters are put on these")
    return max(lists, key=lambda item: sum(parameter.numel() for parameter in item[1].parameters()))


def _kind(module: torch.nn.Module, parameter: torch.nn.Parameter, expert_counts: set[int]) -> str:
    if len(parameter) in expert_counts and parameter.ndim == 2:
        return "router"
    if isinstance(module, torch.nn.Linear):
        return "linear"
    return "experts" if len(parameter) in expert_counts and parameter.ndim == 3 else "other"


def matrices(model) -> list[Matrix]:
    """Return the matrices of the decoder's blocks, in the order of the model."""
    prefix, blocks = decoder_blocks(model)
    expert_counts = {getattr(model.config, name, None) for name in EXPERT_COUNTS} - {None, 0, 1}
    by_name: dict[str, Matrix] = {}
    for number, block in enumerate(blocks):
        for module_name, module in block.named_modules():
            for parameter_name, parameter in module.named_parameters(recurse=False):
                if parameter.ndim < 2 or parameter_name.endswith("bias"):
                    continue
                path = module_name if isinstance(module, torch.nn.Linear) else f"{module_name}.{parameter_name}"
                name = re.sub(r"\.\d+(?=\.)", ".*", path)
                matrix = by_name.setdefault(name, Matrix(name, _kind(module, parameter, expert_counts)))
                matrix.add(parameter, f"{prefix}.{number}.{path}")
    return list(by_name.values())


def _matches(name: str, pattern: str) -> bool:
    return fnmatch.fnmatchcase(name, pattern) or fnmatch.fnmatchcase(name, f"*.{pattern}")


def _select(model, available: list[Matrix], patterns: list[str] | None) -> list[Matrix]:
    if patterns is None:
        return [matrix for matrix in available if matrix.kind == "linear"]
    adaptable = [matrix for matrix in available if matrix.kind != "other"]
    for pattern in patterns:
        if not any(_matches(matrix.name, pattern) for matrix in adaptable):
            raise InputError(
                f"config key train.target_modules: {pattern!r} matches no matrix of {type(model).__name__}; its "
                f"decoder's blocks have {', '.join(matrix.name for matrix in adaptable)}"
            )
    return [matrix for matrix in adaptable if any(_matches(matrix.name, pattern) for pattern in patterns)]


def _short_names(selected: list[str], names: set[str]) -> tuple[str, ...]:
    """Return the shortest ends of names that match the selected ones and no other of all names."""
    others = [f".{name}" for name in names.difference(selected)]
    short = set()
    for path in selected:
        parts = path.split(".")
        ends = (".".join(parts[-length:]) for length in range(1, len(parts) + 1))
        short.add(next(end for end in ends if not any(name.endswith(f".{end}") for name in others)))
    return tuple(sorted(short))


def choose_targets(model, patterns: list[str] | None) -> Targets:
    """Return what an adapter is put on.

    Args:
        model: a causal language model, which may be without weights (`skeleton`).
        patterns: `train.target_modules`; None takes every linear layer of the decoder's blocks but routers.

    Raises:
        InputError: a pattern matches nothing, or there is nothing that an adapter can be put on.
    """
    available = matrices(model)
    selected = _select(model, available, patterns)
    if not selected:
        raise InputError(f"{type(model).__name__} has no linear layer in its blocks that an adapter can be put on")
    layers = {name for name, module in model.named_modules() if isinstance(module, torch.nn.Linear)}
    paths = [path for matrix in selected for path in matrix.paths]
    names = {name for name, _ in model.named_modules()} | {name for name, _ in model.named_parameters()}
    weights, covered = (sum(matrix.weights for matrix in some) for some in (available, selected))
    by_name = {
        matrix.name: {"weights": matrix.weights, "covered": matrix.weights if matrix in selected else 0}
        for matrix in available
    }
    return Targets(
        _short_names([path for path in paths if path in layers], names),
        _short_names([path for path in paths if path not in layers], names),
        sum(matrix.width for matrix in selected),
        {"weights": weights, "covered": covered, "share": covered / weights, "modules": by_name},
    )
