"""Check the locked packages against databases of known vulnerabilities, and list their licences.

Run by `make audit`. Vulnerabilities are looked up by pip-audit, in an environment of its own, so that its packages are not the pipeline's: first in
the package registry's advisories, then in OSV. Licences are what the packages' own metadata say, of the installed ones and of wheels in a folder.

Exit status: 0 nothing known, 1 vulnerabilities are known, 3 no database could be asked.
"""

import argparse
import json
import re
import subprocess
import sys
import zipfile
from email import message_from_string
from email.message import Message
from importlib import metadata
from pathlib import Path

ENVS = Path(__file__).resolve().parent
AUDITOR = "pip-audit==2.10.1"
SERVICES = ("pypi", "osv")
PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;\\]+)", re.MULTILINE)
COPYLEFT = re.compile(r"GPL|General Public|MPL|Mozilla|EPL|Eclipse", re.IGNORECASE)
# Not Python packages: what the pipeline builds, and what its figures and pages are set in.
OTHERS = [
    ("llama.cpp, ggml", "in llama-cpp-python", "MIT", "built by make setup"),
    ("IPAexGothic", "in matplotlib-fontja", "IPA Font License", "font of the figures"),
]


def locked() -> dict[str, tuple[str, str]]:
    """Return name -> version and which locks have the package."""
    found: dict[str, tuple[str, str]] = {}
    for lock in ("cpu", "gpu"):
        for name, version in PIN.findall((ENVS / f"{lock}.txt").read_text(encoding="utf-8")):
            found[name] = (version, "both" if name in found else lock)
    return found


def licence(described: Message) -> str:
    """Return the licence that a package's metadata names: its expression, else its classifiers, else the first line of its own words."""
    if described.get("License-Expression"):
        return described["License-Expression"]
    classifiers = [
        line.rsplit(" :: ", 1)[1] for line in described.get_all("Classifier", []) if line.startswith("License :: ") and line.count("::") > 1
    ]
    own = (described.get("License") or "").strip().split("\n")[0]
    return ", ".join(classifiers) or own[:60] or "not stated"


def described(wheels: Path | None) -> dict[str, Message]:
    """Return name -> metadata of the installed packages and of the wheels in a folder."""
    found = {}
    for wheel in sorted(wheels.glob("*.whl")) if wheels else []:
        with zipfile.ZipFile(wheel) as archive:
            (name,) = [name for name in archive.namelist() if re.fullmatch(r"[^/]+\.dist-info/METADATA", name)]
            found[canonical(wheel.name.split("-")[0])] = message_from_string(archive.read(name).decode("utf-8"))
    return found | {canonical(package.name): message_from_string(package.read_text("METADATA") or "") for package in metadata.distributions()}


def canonical(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def table(packages: dict[str, tuple[str, str]], known: dict[str, Message]) -> str:
    """Return the licences as a Markdown page."""
    lines = [
        "# Licences", "", "What `make audit` wrote: the licence that each locked package's own metadata names. **Bold** are those with conditions on",
        "passing on changed or combined code (GPL, LGPL, MPL, EPL and their like). They are installed from the registry, unchanged; nothing of",
        "them is part of this repository.", "", "| package | version | lock | licence |", "| --- | --- | --- | --- |",
    ]  # fmt: skip
    for name, (version, lock) in sorted(packages.items()):
        told = licence(known[canonical(name)]) if canonical(name) in known else "not installed where this list was made"
        told = told.replace("|", "/")
        lines.append(f"| {name} | {version} | {lock} | {f'**{told}**' if COPYLEFT.search(told) else told} |")
    lines += ["", "| other parts | where | licence | what for |", "| --- | --- | --- | --- |", *(f"| {' | '.join(row)} |" for row in OTHERS)]
    return "\n".join(lines) + "\n"


def findings(report: dict) -> tuple[list[str], int, int]:
    """Return what is known of an audit's report, how many packages were looked up, and how many could not be."""
    known, asked, skipped = [], 0, 0
    for package in report["dependencies"]:
        if "skip_reason" in package:
            skipped += 1
            continue
        asked += 1
        for entry in package["vulns"]:
            fixed = f"mended in {', '.join(entry['fix_versions'])}" if entry["fix_versions"] else "not mended yet"
            known.append(f"{package['name']} {package['version']}: {entry['id']} ({fixed})")
    return known, asked, skipped


def audit(python: Path, lock: Path, service: str) -> dict | None:
    """Return pip-audit's report of a lock, None where the service could not be asked."""
    command = [
        python,
        "-m",
        "pip_audit",
        "-r",
        lock,
        "--no-deps",
        "--disable-pip",
        "-f",
        "json",
        "--progress-spinner",
        "off",
        "-s",
        service,
        "--timeout",
        "10",
    ]
    done = subprocess.run([str(part) for part in command], capture_output=True, text=True)
    try:
        return json.loads(done.stdout)
    except ValueError:
        print(f"{service}: {done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f'status {done.returncode}'}", file=sys.stderr)
        return None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--venv", type=Path, default=ENVS.parent / ".venv", help="the pipeline's environment; the auditor's lies in it (%(default)s)")
    parser.add_argument("--wheels", type=Path, help="a folder of wheels whose licences are read too, such as those of the GPU lock")
    parser.add_argument("--licences", type=Path, default=ENVS.parent / "docs/licences.md", help="the page to write (%(default)s)")
    options = parser.parse_args()
    packages = locked()
    options.licences.write_text(table(packages, described(options.wheels)), encoding="utf-8")
    print(f"licences of {len(packages)} packages: {options.licences}")

    python = options.venv / "audit" / "bin" / "python"
    if not python.exists():
        subprocess.run([sys.executable, "-m", "venv", options.venv / "audit"], check=True)
    if subprocess.run([python, "-m", "pip", "install", "--quiet", AUDITOR]).returncode:
        print(f"audit: {AUDITOR} cannot be installed (above); nothing was checked for vulnerabilities", file=sys.stderr)
        return 3
    worst = 0
    for lock in ("cpu.txt", "gpu.txt"):
        for service in SERVICES:
            known, asked, skipped = findings(audit(python, ENVS / lock, service) or {"dependencies": []})
            if asked:
                break
        if not asked:
            print(f"envs/{lock}: NOT CHECKED: no database of vulnerabilities could be asked ({', '.join(SERVICES)}); try where they can be reached")
            worst = max(worst, 3)
            continue
        print(f"envs/{lock}: {asked} packages looked up in {service}, {skipped} unknown to it, {len(known)} vulnerabilities")
        print("".join(f"  {line}\n" for line in known), end="")
        worst = max(worst, 1 if known else 0)
    return worst


if __name__ == "__main__":
    sys.exit(main())
