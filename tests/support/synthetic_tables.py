"""Tables 2, 3 and 5 of a synthetic study."""

import pandas
from tatara.report.tables.table2 import table2
from tatara.report.tables.table3 import table3
from tatara.report.tables.table5 import table5

SETTINGS = {"seed": 42, "level": 0.95, "resamples": 500}


def required(study) -> dict[str, str]:
    """Return where it stands what the questions require and what was taught of it."""
    files = {
        "testset": "testset/test_set_200.jsonl",
        "coverage": "testset/coverage.csv",
        "selected": "scale/selected.json",
    }
    return {name: study.path(path) for name, path in files.items()}


def sizes(study, **changes) -> pandas.DataFrame:
    """Return table 2."""
    files = {"nll": study.nll_runs, "probe": study.probe_runs, "coverage": required(study)["coverage"]}
    return table2(scale=study.path("scale/scale.csv"), **files, untuned=study.untuned, **SETTINGS | changes)


def models(study, judge=None) -> pandas.DataFrame:
    """Return table 3 by model, from these judge files."""
    files = {"judge": judge or study.judge, **{name: getattr(study, name) for name in ("nll", "probe", "answers")}}
    return table3(**files, **required(study), names=study.names, **SETTINGS).set_index("model")


def quantized(study) -> pandas.DataFrame:
    files = {name: getattr(study, name) for name in ("judge", "times", "nll", "probe", "answers", "parity")}
    return table5(**files, **required(study), names=study.names, **SETTINGS)
