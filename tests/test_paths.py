"""Folders with spaces, braces and quotes in their path work, or the first second says what to do instead."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml
from pipeline_copy import ENVIRONMENT, REPOSITORY, Copy
from tatara.job.environment import check_environment_folder
from tatara.job.errors import InputError

ODD = "a b {c} 'd' \"e\""


@pytest.fixture(scope="module")
def clone(tmp_path_factory) -> Copy:
    """A clone in a folder of such a name."""
    return Copy(tmp_path_factory.mktemp("clones") / ODD)


def run(folder: Path, *command: str | Path) -> subprocess.CompletedProcess:
    """Run a command in a folder, as a user would who has set nothing."""
    unset = ("TATARA_VENV", "MAKEFLAGS", "MAKEOVERRIDES")
    environment = {name: value for name, value in ENVIRONMENT.items() if name not in unset}
    return subprocess.run(
        command, cwd=folder, env=environment, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT
    )


@pytest.mark.parametrize("path", ["/opt/tatara", "/home/山田/env-3.11_a+b", "/srv/a@b,c=d/%x"])
def test_an_environment_may_lie_in_an_ordinary_folder(path):
    check_environment_folder(Path(path))


@pytest.mark.parametrize("mark", list(" {}'\"$`&;|<>()*?[]#!\\:\n"))
def test_an_environment_whose_programs_could_not_be_started_is_refused(mark):
    with pytest.raises(InputError, match=r"neither make nor Snakemake can start programs .* TATARA_VENV"):
        check_environment_folder(Path(f"/home/me/my{mark}projects/.venv"))


@pytest.mark.pipeline
def test_make_works_in_a_clone_of_any_name_whose_environment_lies_elsewhere(clone):
    """`make` starts a real job there; the set-up itself is left out (`PYTHON=true`), since the environment is there."""
    done = run(clone.folder, "make", "export-graph", "CONFIG=config/smoke.yaml", f"VENV={sys.prefix}", "PYTHON=true")
    assert done.returncode == 0, done.stdout[-3000:]
    assert (clone.folder / "runs/smoke/results/graph/nodes.csv").read_text(encoding="utf-8").count("\n") > 200


@pytest.mark.pipeline
def test_make_says_at_once_where_an_environment_cannot_lie(clone):
    done = run(clone.folder, "make", "run", f"PYTHON={sys.executable}")
    assert done.returncode != 0
    assert "neither make nor Snakemake can start programs" in done.stdout and "TATARA_VENV" in done.stdout
    assert not (clone.folder / ".venv").exists() and "Traceback" not in done.stdout


@pytest.mark.pipeline
def test_plain_snakemake_says_at_once_that_its_environment_cannot_work(tmp_path):
    (tmp_path / "my env").symlink_to(sys.prefix)
    python = tmp_path / "my env/bin/python"
    done = run(tmp_path, python, "-m", "snakemake", "--snakefile", REPOSITORY / "Snakefile", "--dry-run")
    assert done.returncode != 0
    assert "neither make nor Snakemake can start programs" in done.stdout and "TATARA_VENV" in done.stdout


@pytest.mark.pipeline
def test_from_elsewhere_the_default_configuration_is_the_one_beside_the_snakefile(tmp_path):
    command = [sys.executable, "-m", "snakemake", "results/config.yaml", "--cores", "1"]
    done = run(tmp_path, *command, "--snakefile", REPOSITORY / "Snakefile")
    assert done.returncode == 0, done.stdout[-3000:]
    default = yaml.safe_load((REPOSITORY / "config/config.yaml").read_text(encoding="utf-8"))
    made = yaml.safe_load((tmp_path / "results/config.yaml").read_text(encoding="utf-8"))
    assert made["study"]["title"] == default["study"]["title"] and made["models"].keys() == default["models"].keys()


@pytest.mark.pipeline
def test_braces_between_the_working_directory_and_the_pipeline_are_refused(clone, tmp_path):
    command = [sys.executable, "-m", "snakemake", "--snakefile", clone.folder / "Snakefile", "--dry-run"]
    done = run(tmp_path, *command, "--configfile", clone.folder / "config/smoke.yaml")
    assert done.returncode != 0
    assert "Snakemake takes braces in a path for wildcards. Work in a folder below" in done.stdout
    assert "Traceback" not in done.stdout


def test_a_study_whose_path_has_a_space_is_refused_by_name():
    done = run(REPOSITORY, "make", "--dry-run", "run", "CONFIG=my studies/a.yaml")
    assert done.returncode == 2 and 'CONFIG is "my studies/a.yaml", with a space' in done.stdout


@pytest.mark.pipeline
def test_two_studies_of_one_name_do_not_share_a_folder(copy: Copy, tmp_path):
    """A folder is named after its study file, and knows which file that is; the default's folder is the default's."""

    def claimed(file: str, folder: str) -> subprocess.CompletedProcess:
        return run(copy.folder, sys.executable, "tools/check_config.py", file, "--folder", folder)

    other = tmp_path / "elsewhere/smoke.yaml"
    other.parent.mkdir()
    shutil.copyfile(copy.folder / "config/smoke.yaml", other)
    assert claimed("config/smoke.yaml", "runs/smoke").returncode == 0
    refused = claimed(str(other), "runs/smoke")
    assert refused.returncode == 1
    assert (
        "runs/smoke holds the study of config/smoke.yaml, and elsewhere/smoke.yaml would write into it"
        in refused.stdout
    )
    assert claimed("./config/smoke.yaml", "runs/smoke").returncode == 0
    for file, folder in (("config/config.yaml", "--directory ."), ("/home/me/config.yaml", "--directory runs/config")):
        planned = run(copy.folder, "make", "--dry-run", "dry-run", f"CONFIG={file}", f"VENV={sys.prefix}").stdout
        assert f"--configfile {file} {folder}" in planned
