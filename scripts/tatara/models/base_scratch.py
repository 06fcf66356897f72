"""A base model built and pretrained here, with its record."""

from pathlib import Path

from tatara.models import loading, scratch
from tatara.models.base_record import write_record


def build(
    *, name: str, source: dict, texts: list[str], held_out: list[str], folder: Path, threads: int, device: str = "auto"
) -> None:
    """Build, pretrain and record a stand-in.

    Args:
        source: the `scratch` section of the model's source.
        texts: the domain's text; `held_out`: text of it that the model is measured on and not trained on.
    """
    folder.mkdir(parents=True, exist_ok=True)
    loading.prepare(source["seed"], threads)
    known = scratch.build(texts, source, folder, loading.device(device), held_out)
    write_record(folder, name, "scratch", known)
