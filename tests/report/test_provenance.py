"""Origin and cost of a run, from attributes and benchmark files made by hand."""

from explaind.files import write_text
from explaind.report.provenance import NOT_RECORDED, cost_rows, provenance_rows
from tests.report.synthetic import HISTORY

HEADER = "s\th:m:s\tmax_rss\n"


def test_a_run_says_what_it_was_trained_with():
    found = {name: value for name, value, _ in provenance_rows(HISTORY | {"explaind_version": "1"})}
    assert found == {
        "Versions": "explaind 1, torch 2.x, python 3.x",
        "Commit": "abc-dirty",
        "Device": "a device",
        "Seeds": "split 3, model 4, batches 5",
        "Data": "modulo, 0123456789ab",
    }


def test_what_an_older_store_does_not_say_is_not_recorded():
    older = {key: value for key, value in HISTORY.items() if key != "made_with"}
    found = {name: value for name, value, _ in provenance_rows(older | {"explaind_version": "1"})}
    assert found["Versions"] == "explaind 1"
    assert found["Commit"] == found["Device"] == NOT_RECORDED


def test_times_add_up_and_the_largest_peak_counts(tmp_path):
    files = {job: tmp_path / f"{job}.tsv" for job in ("train", "plan", "predict", "by hand")}
    write_text(files["train"], HEADER + "5.25\t0:00:05\t512\n")
    write_text(files["plan"], HEADER + "0.5\t0:00:00\tNA\n")  # too short to be measured
    write_text(files["predict"], HEADER + "3600\t1:00:00\t2048\n")
    assert [(name, value) for name, value, _ in cost_rows(files)] == [
        ("All jobs", "1 h 0 min, peak 2.15 GB"),
        ("train", "5.2 s, peak 0.54 GB"),
        ("plan", "0.5 s"),
        ("predict", "1 h 0 min, peak 2.15 GB"),
    ]


def test_nothing_is_said_of_what_was_not_measured(tmp_path):
    assert cost_rows({"train": tmp_path / "train.tsv"}) == []
