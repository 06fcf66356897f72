"""The audit of the locks: what it reads from reports and metadata, and that it never takes silence for good news."""

import sys

import audit
import pytest
from pipeline_copy import REPOSITORY

# What pip-audit 2.10.1 prints where its database does not know a package; it ends with status 0 and "No known
# vulnerabilities found".
SILENT = {
    "dependencies": [
        {"name": "jinja2", "skip_reason": "Dependency not found on PyPI and could not be audited: jinja2 (2.10)"}
    ],
    "fixes": [],
}
VULNERABLE = {
    "name": "jinja2",
    "version": "2.10",
    "vulns": [{"id": "PYSEC-2019-217", "fix_versions": ["2.10.1"], "aliases": [], "description": ""}],
}


def program(tmp_path, answers: dict[str, dict]) -> list[str]:
    """Return the command of a stand-in for pip-audit that answers by the packages that it is asked for (their names,
    sorted).
    """
    script = tmp_path / "pip_audit.py"
    script.write_text(
        "import json, sys\n"
        f"answers = {answers!r}\n"
        "lines = open(sys.argv[sys.argv.index('--requirement') + 1]).read().split()\n"
        "print(json.dumps(answers[' '.join(sorted(lines))]))\n"
    )
    return [sys.executable, str(script)]


def test_both_locks_are_read_with_every_version():
    pins = audit.pins(REPOSITORY / "envs" / lock for lock in audit.LOCKS)
    assert len(pins) == len(set(pins)) > 150
    assert {("unsloth", "2026.10.9"), ("numpy", "2.4.6"), ("numpy", "2.5.5"), ("pyreadline3", "3.5.6")} <= set(pins)


def test_two_versions_of_one_package_are_asked_for_apart():
    assert audit.batches([("a", "1"), ("b", "1"), ("b", "2")]) == [[("a", "1"), ("b", "1")], [("b", "2")]]


@pytest.mark.parametrize(
    ("fields", "text", "duties"),
    [
        ({"license_expression": "Apache-2.0 AND MIT"}, "Apache-2.0 AND MIT", ""),
        ({"license_expression": "GPL-3.0-or-later"}, "GPL-3.0-or-later", "copyleft"),
        ({"license_expression": "MIT OR GPL-2.0-only"}, "MIT OR GPL-2.0-only", ""),
        ({"license_expression": "MIT AND IPA"}, "MIT AND IPA", "copyleft"),
        ({"license": "LicenseRef-NVIDIA-Proprietary"}, "LicenseRef-NVIDIA-Proprietary", "proprietary"),
        ({"classifier": ["License :: OSI Approved :: Mozilla Public License 2.0 (MPL 2.0)"]}, "MPL-2.0", "copyleft"),
        (
            {
                "license": "Copyright (c) 2001\n" + "Redistribution and use. " * 9,
                "classifier": ["License :: OSI Approved :: BSD License"],
            },
            "BSD",
            "",
        ),
        ({"classifier": ["Topic :: Text"], "file": "MIT License"}, "MIT License", ""),
        ({"license": None, "classifier": []}, "", "not stated"),
    ],
)
def test_the_licence_that_a_package_states(fields, text, duties):
    found = audit.licence(fields)
    assert (found.text, found.duties) == (text, duties)


def test_the_table_counts_what_needs_care():
    page = audit.table(
        {
            ("a", "1"): audit.Licence("MIT", "expression"),
            ("b", "2"): audit.Licence("MPL-2.0", "expression"),
            ("c", "3"): None,
        }
    )
    assert "3 packages: 1 copyleft, 0 proprietary, 0 not stated, 1 not read." in page
    assert "| b | 2 | MPL-2.0 | expression | copyleft |" in page and "| c | 3 |  |  | not read |" in page
    assert "| llama.cpp |" in page and "| IPAex Gothic |" in page


def test_the_page_of_licences_is_of_these_locks():
    page = (REPOSITORY / "docs/licences.md").read_text(encoding="utf-8")
    missing = [
        pin
        for pin in audit.pins(REPOSITORY / "envs" / lock for lock in audit.LOCKS)
        if f"| {pin[0]} | {pin[1]} |" not in page
    ]
    assert not missing, "run `make audit` after a change of the locks"


def test_a_database_that_knows_nothing_is_no_good_news(tmp_path, capsys):
    asked = program(tmp_path, {"jinja2==2.10": SILENT})
    assert audit.verdict(lambda: audit.vulnerabilities(asked, [("a", "1")])) == audit.NOT_CHECKED == 3
    said = capsys.readouterr()
    assert "NOT CHECKED" in said.err and "jinja2==2.10" in said.err and "no known vulnerabilities" not in said.out


def test_a_program_that_fails_is_no_good_news(capsys):
    command = [sys.executable, "-c", "import sys; sys.exit('ConnectionError: no route')"]
    assert audit.verdict(lambda: audit.vulnerabilities(command, [("a", "1")])) == 3
    assert "ConnectionError: no route" in capsys.readouterr().err


def test_vulnerabilities_are_named_with_the_release_that_mends_them(tmp_path, capsys):
    bad = {
        "name": "a",
        "version": "1",
        "vulns": [{"id": "CVE-1", "fix_versions": ["2"]}, {"id": "CVE-2", "fix_versions": []}],
    }
    asked = program(tmp_path, {"jinja2==2.10": {"dependencies": [VULNERABLE]}, "a==1": {"dependencies": [bad]}})
    assert audit.verdict(lambda: audit.vulnerabilities(asked, [("a", "1")])) == audit.FOUND == 1
    assert "VULNERABLE: a==1: CVE-1 (mended in 2); CVE-2 (mended in no release yet)" in capsys.readouterr().out


def test_all_clear_needs_an_answer_on_every_package(tmp_path, capsys):
    control, clear = {"dependencies": [VULNERABLE]}, {"name": "a", "version": "1", "vulns": []}
    asked = program(tmp_path, {"jinja2==2.10": control, "a==1": {"dependencies": [clear]}})
    assert audit.verdict(lambda: audit.vulnerabilities(asked, [("a", "1")])) == 0
    assert "no known vulnerabilities in the locked packages" in capsys.readouterr().out
    asked = program(
        tmp_path,
        {"jinja2==2.10": control, "a==1 b==1": {"dependencies": [clear, {"name": "b", "skip_reason": "unknown"}]}},
    )
    assert audit.verdict(lambda: audit.vulnerabilities(asked, [("a", "1"), ("b", "1")])) == 3
    assert "NOT CHECKED, unknown to the database: b" in capsys.readouterr().err


def test_the_report_is_json_or_nothing():
    with pytest.raises(audit.Unreachable):
        audit.findings("Traceback (most recent call last):")
