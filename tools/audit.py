"""Audit what the locks bring in: known vulnerabilities, and the licences of all packages as a table (docs/licences.md).

Run by `make audit`. pip-audit asks PyPI's advisory database; it runs in a throw-away environment of its own, since
nothing of the pipeline needs it and what it brings along would have to be locked and audited too. It passes over what
the database does not know and then speaks of "no known vulnerabilities", so a release with published advisories
(CONTROL) is asked for first: only when they are found has the database answered.

Exit status: 0 nothing found; 1 vulnerabilities found; 3 not checked, or not all, because the database did not answer.
    (make ends with 2 for both.)
"""

import argparse
import json
import os
import re
import subprocess
import sys
import tempfile
from collections.abc import Iterable
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path

ENVS = Path(__file__).resolve().parent.parent / "envs"
LOCKS = ("cpu.txt", "gpu.txt")
PIP_AUDIT = "pip-audit==2.10.1"
CONTROL = ("jinja2", "2.10")  # CVE-2019-10906 and others
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
LATER_PYTHON = "3.12"  # for pins that are not of the Python that audits
FOUND, NOT_CHECKED = 1, 3

# Families of licences that ask for more than the notice: what is passed on changed must come with its source, in the
# whole or file by file.
COPYLEFT = re.compile(r"\b(A?GPL|LGPL|MPL|EPL|CDDL|EUPL|OSL)\b|General Public License|Mozilla Public License|\bIPA\b")
PROPRIETARY = re.compile(r"proprietary", re.IGNORECASE)
# The licence classifiers that packages without an expression use; others are shown as they are.
CLASSIFIERS = {
    "Apache Software License": "Apache-2.0",
    "MIT License": "MIT",
    "BSD License": "BSD",
    "ISC License (ISCL)": "ISC",
    "Python Software Foundation License": "PSF-2.0",
    "Mozilla Public License 2.0 (MPL 2.0)": "MPL-2.0",
    "GNU General Public License (GPL)": "GPL",
}
# What comes inside other packages, or is built here, with the file that says so.
INSIDE = (
    (
        "llama.cpp",
        "as in the sdist of llama-cpp-python",
        "MIT",
        "vendor/llama.cpp/LICENSE; parts of others in vendor/llama.cpp/vendor",
    ),
    (
        "IPAex Gothic",
        "as in matplotlib-fontja",
        "IPA",
        "matplotlib_fontja/fonts; a part of it is embedded in figures and HTML pages",
    ),
    ("DejaVu", "as in matplotlib", "Bitstream-Vera", "matplotlib/mpl-data/fonts/ttf/LICENSE_DEJAVU"),
)
PAGE = """# Licences of what the locks bring in

Made by `make audit` from the packages' own metadata, both locks, all platforms: what the packages state, not a lawyer's
reading of it.

- *copyleft*: what is passed on changed must come with its source, as a whole (GPL) or file by file (MPL), or stay under
  the same terms (IPA font);
- *not stated*: the metadata names no licence, and no licence file was found beside it;
- *not read*: the metadata could not be had where the audit ran.

{summary}

| package | version | licence | stated in | |
| --- | --- | --- | --- | --- |
{rows}

What comes inside them or is built from them:

| | version | licence | where | |
| --- | --- | --- | --- | --- |
{inside}
"""


class Unreachable(RuntimeError):
    """The database of vulnerabilities did not answer; says why."""


@dataclass(frozen=True)
class Licence:
    """What a package's metadata says: an expression, and where it stands there."""

    text: str
    source: str

    @property
    def duties(self) -> str:
        """`copyleft`, `proprietary`, `not stated`, or nothing; of alternatives (A OR B) the lightest counts."""
        if not self.text:
            return "not stated"
        if PROPRIETARY.search(self.text):
            return "proprietary"
        return "copyleft" if all(COPYLEFT.search(part) for part in re.split(r"\bOR\b", self.text)) else ""


def pins(locks: Iterable[Path]) -> list[tuple[str, str]]:
    """Return (name, version) of all lock entries, of every platform, sorted and each once."""
    return sorted({match for lock in locks for match in PIN.findall(lock.read_text(encoding="utf-8"))})


def licence(fields: dict) -> Licence:
    """Return the licence that a package states.

    Args:
        fields: `license_expression`, `license` (text or None each) and `classifier` (a list), as pip's installation
            report has them; `file` (the first line of a licence file) may stand beside them.
    """
    if fields.get("license_expression"):
        return Licence(fields["license_expression"], "expression")
    parts = [entry.split(" :: ")[-1] for entry in fields.get("classifier") or [] if entry.startswith("License ::")]
    named = [CLASSIFIERS.get(part, part) for part in parts if part not in ("OSI Approved", "DFSG approved")]
    stated = " ".join((fields.get("license") or "").split())
    # Some packages put the whole text there; a short one tells more than a classifier such as BSD.
    if stated and len(stated) <= 40:
        return Licence(stated, "licence field")
    if named:
        return Licence(", ".join(dict.fromkeys(named)), "classifier")
    if stated:
        return Licence(f"{stated[:60]}…", "licence field")
    return Licence(fields["file"][:60], "licence file") if fields.get("file") else Licence("", "")


def installed(name: str, version: str) -> dict | None:
    """Return the licence fields of an installed package, None where this version is not installed; `file` is the first
    line of its licence file.
    """
    try:
        package = metadata.distribution(name)
    except metadata.PackageNotFoundError:
        return None
    if package.version != version:
        return None
    found = package.metadata
    texts = (
        file.read_text()
        for file in package.files or []
        if re.match(r"(LICEN[CS]E|COPYING)", file.name, re.IGNORECASE) and ".dist-info" in str(file)
    )
    return {
        "license_expression": found.get("License-Expression"),
        "license": found.get("License"),
        "classifier": found.get_all("Classifier") or [],
        "file": next((text.strip().splitlines()[0].strip() for text in texts if text.strip()), None),
    }


def from_registry(wanted: list[tuple[str, str]]) -> dict[tuple[str, str], dict]:
    """Return the licence fields of packages that are not installed, through pip's report of an installation that is not
    done.

    One pip call a package, so that one that cannot be had (another platform's, another Python's) takes no others with
    it.
    """
    found = {}
    for name, version in wanted:
        command = [
            sys.executable,
            "-m",
            "pip",
            "install",
            "--dry-run",
            "--ignore-installed",
            "--no-deps",
            "--only-binary",
            ":all:",
            "--quiet",
            "--disable-pip-version-check",
            "--report",
            "-",
            f"{name}=={version}",
        ]
        for python in ([], ["--python-version", LATER_PYTHON]):
            done = subprocess.run([*command, *python], capture_output=True, text=True)
            if done.returncode == 0:
                found[name, version] = json.loads(done.stdout)["install"][0]["metadata"]
                break
    return found


def table(packages: dict[tuple[str, str], Licence | None]) -> str:
    """Return docs/licences.md; None is a package whose metadata could not be read."""
    rows, counts = [], dict.fromkeys(("copyleft", "proprietary", "not stated", "not read"), 0)
    for (name, version), known in sorted(packages.items()):
        duties = known.duties if known else "not read"
        if duties:
            counts[duties] += 1
        text = (known.text if known else "").replace("|", "\\|")
        rows.append(f"| {name} | {version} | {text} | {known.source if known else ''} | {duties} |")
    inside = [
        f"| {name} | {version} | {text} | {where} | {Licence(text, where).duties} |"
        for name, version, text, where in INSIDE
    ]
    summary = f"{len(packages)} packages: " + ", ".join(f"{number} {kind}" for kind, number in counts.items()) + "."
    return PAGE.format(summary=summary, rows="\n".join(rows), inside="\n".join(inside))


def batches(packages: list[tuple[str, str]]) -> list[list[tuple[str, str]]]:
    """Return the packages in lists that name each but once: two versions of one (for two Pythons) cannot stand in one
    requirements file.
    """
    found: list[dict[str, str]] = []
    for name, version in packages:
        place = next((batch for batch in found if name not in batch), None)
        if place is None:
            found.append(place := {})
        place[name] = version
    return [list(batch.items()) for batch in found]


def findings(report: str) -> tuple[dict[tuple[str, str], list[str]], list[str]]:
    """Return `(name, version) -> ids of its vulnerabilities` and the names that were passed over, from pip-audit's
    JSON.

    Raises:
        Unreachable: no report.
    """
    try:
        entries = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        raise Unreachable("pip-audit gave no report") from None
    passed_over = [entry["name"] for entry in entries if "skip_reason" in entry]
    found = {
        (entry["name"], entry["version"]): [
            f"{one['id']} (mended in {', '.join(one['fix_versions']) or 'no release yet'})" for one in entry["vulns"]
        ]
        for entry in entries
        if entry.get("vulns")
    }
    return found, passed_over


def ask(program: list[str], packages: list[tuple[str, str]]) -> tuple[dict[tuple[str, str], list[str]], list[str]]:
    """Return the findings of pip-audit on these packages; raises as `findings`."""
    with tempfile.TemporaryDirectory() as folder:
        requirements = Path(folder, "requirements.txt")
        requirements.write_text("".join(f"{name}=={version}\n" for name, version in packages), encoding="utf-8")
        options = [
            "--no-deps",
            "--disable-pip",
            "--progress-spinner",
            "off",
            "--format",
            "json",
            "--requirement",
            str(requirements),
        ]
        done = subprocess.run([*program, *options], capture_output=True, text=True)
    try:
        return findings(done.stdout)
    except Unreachable:
        said = done.stderr.strip().splitlines()
        raise Unreachable(
            f"pip-audit ended with status {done.returncode}: {said[-1] if said else 'it said nothing'}"
        ) from None


def vulnerabilities(
    program: list[str], packages: list[tuple[str, str]]
) -> tuple[dict[tuple[str, str], list[str]], list[str]]:
    """Return the vulnerabilities of packages and the names that the database did not know.

    Raises:
        Unreachable: the database does not answer, or knows nothing of CONTROL.
    """
    known, _ = ask(program, [CONTROL])
    if CONTROL not in known:
        raise Unreachable(f"it knows nothing of {'=='.join(CONTROL)}, a release with published advisories")
    found, passed_over = {}, []
    for batch in batches(packages):
        more, unknown = ask(program, batch)
        found |= more
        passed_over += unknown
    return found, passed_over


def pip_audit(folder: Path) -> list[str]:
    """Install pip-audit into a new environment in the folder and return its command.

    Raises:
        Unreachable: it could not be installed.
    """
    environment = {**os.environ, "PIP_DISABLE_PIP_VERSION_CHECK": "1"}
    for command in (
        [sys.executable, "-m", "venv", folder],
        [folder / "bin" / "python", "-m", "pip", "install", "--quiet", PIP_AUDIT],
    ):
        done = subprocess.run([str(part) for part in command], env=environment, capture_output=True, text=True)
        if done.returncode:
            said = (done.stderr or done.stdout).strip().splitlines()
            raise Unreachable(f"{PIP_AUDIT} could not be installed: {said[-1] if said else 'pip said nothing'}")
    return [str(folder / "bin" / "pip-audit")]


def verdict(check) -> int:
    """Run a check that returns vulnerabilities and names passed over, say what came out, and return the exit status."""
    try:
        found, passed_over = check()
    except Unreachable as error:
        print(f"NOT CHECKED for vulnerabilities: the database did not answer ({error}).", file=sys.stderr)
        print(
            "Nothing is known of them, good or bad. Run `make audit` where the advisory database of PyPI can be "
            "reached.",
            file=sys.stderr,
        )
        return NOT_CHECKED
    for (name, version), ids in sorted(found.items()):
        print(f"VULNERABLE: {name}=={version}: {'; '.join(ids)}")
    if passed_over:
        print(f"NOT CHECKED, unknown to the database: {', '.join(sorted(passed_over))}", file=sys.stderr)
    if not found:
        print(f"no known vulnerabilities in {'the others' if passed_over else 'the locked packages'}")
    # llama.cpp itself is C++ and has no entry of its own there.
    return FOUND if found else NOT_CHECKED if passed_over else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument(
        "--table",
        type=Path,
        default=ENVS.parent / "docs" / "licences.md",
        help="where the licences go (docs/licences.md)",
    )
    arguments = parser.parse_args()
    packages = pins(ENVS / lock for lock in LOCKS)
    fields = {pin: installed(*pin) for pin in packages}
    fields |= from_registry([pin for pin, known in fields.items() if known is None])
    arguments.table.write_text(
        table({pin: licence(known) if known else None for pin, known in fields.items()}), encoding="utf-8"
    )
    print(f"licences of {len(packages)} packages: {arguments.table}")
    with tempfile.TemporaryDirectory() as folder:
        return verdict(lambda: vulnerabilities(pip_audit(Path(folder)), packages))


if __name__ == "__main__":
    sys.exit(main())
