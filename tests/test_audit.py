"""What `make audit` makes of reports and metadata."""

from email import message_from_string

import pytest
from conftest import REPOSITORY


@pytest.fixture
def audit(monkeypatch):
    monkeypatch.syspath_prepend(REPOSITORY / "envs")
    import audit

    return audit


def test_a_package_that_was_not_looked_up_does_not_count_as_safe(audit):
    vulnerable = {"id": "CVE-1", "fix_versions": ["2.0"]}
    report = {
        "dependencies": [
            {"name": "a", "version": "1.0", "vulns": []}, {"name": "b", "version": "1.0", "vulns": [vulnerable, {"id": "CVE-2", "fix_versions": []}]},
            {"name": "c", "skip_reason": "not found"},
        ]
    }  # fmt: skip
    known, asked, skipped = audit.findings(report)
    assert (asked, skipped) == (2, 1)
    assert known == ["b 1.0: CVE-1 (mended in 2.0)", "b 1.0: CVE-2 (not mended yet)"]


def test_no_database_is_no_clean_bill(audit, monkeypatch, tmp_path, capsys):
    """Where the network is cut off pip-audit ends with 0 and has looked nothing up."""
    (tmp_path / "audit/bin").mkdir(parents=True)
    (tmp_path / "audit/bin/python").write_text('#!/bin/sh\necho \'{"dependencies": [{"name": "a", "skip_reason": "not found"}]}\'\n')
    (tmp_path / "audit/bin/python").chmod(0o755)
    monkeypatch.setattr("sys.argv", ["audit.py", "--venv", str(tmp_path), "--licences", str(tmp_path / "licences.md")])
    assert audit.main() == 3
    said = capsys.readouterr().out
    assert said.count("NOT CHECKED: no database of vulnerabilities could be asked") == 2
    page = (tmp_path / "licences.md").read_text(encoding="utf-8")
    assert page.count("\n| ") > len(audit.locked())


@pytest.mark.parametrize(
    ("text", "licence"),
    [
        ("License-Expression: MIT\nLicense: something else\n", "MIT"),
        ("Classifier: License :: OSI Approved :: BSD License\n", "BSD License"),
        ("License: Apache 2.0\n    and more\n", "Apache 2.0"),
        ("Name: a\n", "not stated"),
    ],
)
def test_a_licence_is_what_the_metadata_say(audit, text, licence):
    assert audit.licence(message_from_string(text)) == licence


def test_the_page_of_licences_is_of_this_lock(audit):
    rows = [line.split(" | ") for line in (REPOSITORY / "docs/licences.md").read_text(encoding="utf-8").splitlines() if line.startswith("| ")]
    listed = {row[0].removeprefix("| "): row[1] for row in rows if len(row) == 4}
    assert {name: version for name, (version, _) in audit.locked().items()}.items() <= listed.items(), "run `make audit`"
