"""Unfinished work on a disk of the node: taken up there, begun anew elsewhere, with the same result."""

import pytest
from pipeline_copy import ENVIRONMENT, Copy
from tatara.job.errors import InputError
from tatara.job.scratch_folder import unfinished
from test_resume import digest, goes_on, made_again

RUN = "llama_n24_r16_s42"


def test_without_a_setting_it_lies_with_the_results(monkeypatch):
    monkeypatch.delenv("TATARA_SCRATCH", raising=False)
    assert str(unfinished(RUN)) == f"results/checkpoints/{RUN}"


def test_each_study_has_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.setenv("TATARA_SCRATCH", str(tmp_path / "scratch"))
    found = set()
    for study in ("one", "other"):
        (tmp_path / study).mkdir()
        monkeypatch.chdir(tmp_path / study)
        assert unfinished(RUN) == unfinished(RUN)
        found.add(unfinished(RUN))
    assert len(found) == 2


def test_a_place_that_cannot_be_written_is_named(tmp_path, monkeypatch):
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("TATARA_SCRATCH", str(tmp_path / "file"))
    with pytest.raises(InputError, match=r"TATARA_SCRATCH is .*file.*name a folder that each node can write"):
        unfinished(RUN)


def test_training_goes_on_on_its_node_and_begins_anew_on_another(disturbed: Copy, tmp_path, monkeypatch):
    target = f"results/adapters/{RUN}/adapter_model.safetensors"
    adapter, node = disturbed.folder / target, tmp_path / "node1"
    expected = digest(adapter)
    adapter.unlink()
    monkeypatch.setitem(ENVIRONMENT, "TATARA_SCRATCH", str(node))
    disturbed.kill_when(target, lambda _: list(node.glob(f"tatara-*/{RUN}/checkpoint-*/seal.json")))
    monkeypatch.setitem(ENVIRONMENT, "TATARA_SCRATCH", str(tmp_path / "node2"))
    assert "goes on from checkpoint-" not in goes_on(disturbed, target)
    assert digest(adapter) == expected
    adapter.unlink()
    monkeypatch.setitem(ENVIRONMENT, "TATARA_SCRATCH", str(node))
    assert "goes on from checkpoint-" in made_again(disturbed, target)
    assert digest(adapter) == expected
    assert not list(tmp_path.glob(f"node*/tatara-*/{RUN}"))
    assert not (disturbed.folder / "results/checkpoints" / RUN).exists()
