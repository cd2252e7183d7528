"""Files are whole or absent, records are complete, the command tells a user's error from a bug."""

import errno
import json
import os

import numpy as np
import pytest

from gds import cli
from gds.errors import MissingExtraError, UserError, did_you_mean, require_extra
from gds.files import all_or_none, atomic_directory, atomic_path, check_replaceable, read_json, write_json
from gds.provenance import run_record


def test_atomic_path_leaves_nothing_half_written(tmp_path):
    target = tmp_path / "table.tsv"
    target.write_text("old")
    with pytest.raises(RuntimeError), atomic_path(target) as temporary:
        temporary.write_text("half")
        raise RuntimeError
    assert target.read_text() == "old"
    assert os.listdir(tmp_path) == ["table.tsv"]


def test_atomic_directory_replaces_only_on_success(tmp_path):
    target = tmp_path / "model"
    with atomic_directory(target) as temporary:
        (temporary / "run.json").write_text("1")
    with pytest.raises(RuntimeError), atomic_directory(target) as temporary:
        (temporary / "b").write_text("2")
        raise RuntimeError
    assert [path.name for path in target.iterdir()] == ["run.json"]
    assert os.listdir(tmp_path) == ["model"]
    with atomic_directory(target) as temporary:
        (temporary / "b").write_text("2")
    assert [path.name for path in target.iterdir()] == ["b"]


def test_files_that_belong_together_appear_together(tmp_path):
    for name in ("a", "b"):
        (tmp_path / name).write_text("old")
    with pytest.raises(RuntimeError), all_or_none():
        for name in ("a", "c"):
            with atomic_path(tmp_path / name) as temporary:
                temporary.write_text("new")
        for name in ("d", "e"):
            write_json(tmp_path / "new" / "place" / name, "new")
        with atomic_path(tmp_path / "b") as temporary:
            temporary.write_text("half")
            raise RuntimeError
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {"a": "old", "b": "old"}
    with all_or_none():
        for text in ("new", "newer"):
            write_json(tmp_path / "a", text)
            write_json(tmp_path / "b", text)
        assert (tmp_path / "a").read_text() == "old"
    assert {path.name: path.read_text() for path in tmp_path.iterdir()} == {
        "a": '"newer"\n',
        "b": '"newer"\n',
    }
    write_json(tmp_path / "a", "alone")
    assert (tmp_path / "a").read_text() == '"alone"\n'


def test_what_a_user_keeps_is_never_replaced(tmp_path, monkeypatch):
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "thesis.txt").write_text("all of it")
    for target, message in (
        (tmp_path / "notes", "holds files of something else"),
        (tmp_path / "notes" / "thesis.txt", "is a file, expected a directory"),
        (".", "holds files of something else"),
    ):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(UserError, match=message), atomic_directory(target):
            raise AssertionError("not reached")
    assert [path.name for path in tmp_path.rglob("*")] == ["notes", "thesis.txt"]
    (tmp_path / "empty").mkdir()
    with atomic_directory(tmp_path / "empty") as temporary:
        (temporary / "a").write_text("1")
    assert (tmp_path / "empty" / "a").read_text() == "1"


def test_inputs_are_not_replaced_by_what_is_made_of_them(tmp_path):
    (tmp_path / "cohort" / "sub").mkdir(parents=True)
    (tmp_path / "cohort" / "run.json").write_text("{}")
    check_replaceable(tmp_path / "cohort", [tmp_path / "table.tsv"])
    for place in ("a.bed", "sub/a.bed"):
        with pytest.raises(UserError, match="is an input and lies in"):
            check_replaceable(tmp_path / "cohort", [tmp_path / "cohort" / place])


@pytest.mark.parametrize(
    "error",
    [
        OSError(errno.ENOSPC, "No space left on device"),
        OSError(errno.EDQUOT, "Disk quota exceeded"),
        OSError(errno.EFBIG, "File too large"),
        RuntimeError('I/O error: Os { code: 28, message: "No space left on device" }'),
    ],
)
def test_full_disk_is_a_users_error(tmp_path, error):
    for place in (atomic_path, atomic_directory):
        with pytest.raises(UserError, match="no space left") as caught, place(tmp_path / "new" / "x"):
            raise error
        assert caught.value.__cause__ is error
    assert not list(tmp_path.iterdir())


def test_other_errors_stay_what_they_are(tmp_path):
    for error in (UserError("of the user"), RuntimeError("a bug"), KeyError("another")):
        with pytest.raises(type(error)) as caught, atomic_path(tmp_path / "x"):
            raise error
        assert caught.value is error


def test_json_takes_numpy_and_says_where_it_is_broken(tmp_path):
    write_json(tmp_path / "a.json", {"n": np.int64(3), "x": np.array([1.5]), "path": tmp_path})
    assert read_json(tmp_path / "a.json") == {"n": 3, "x": [1.5], "path": str(tmp_path)}
    (tmp_path / "b.json").write_text("{")
    with pytest.raises(UserError, match=r"b\.json"):
        read_json(tmp_path / "b.json")


def test_run_record_names_seed_versions_and_hashes(tmp_path):
    (tmp_path / "in.txt").write_text("abc")
    record = run_record(7, [tmp_path / "in.txt"], note="x")
    assert record["seed"] == 7
    assert record["versions"]["numpy"] == np.__version__
    assert record["inputs"][str(tmp_path / "in.txt")].startswith("ba7816bf")
    json.dumps(record)


def test_missing_extra_names_the_extra():
    with pytest.raises(MissingExtraError, match=r"genotype-diffusion\[vcf\]"):
        require_extra("a_module_that_is_not_there", "vcf")


def test_unknown_names_get_a_hint():
    assert "'simulate'" in did_you_mean("simulat", cli.COMMANDS)


def test_command_errors_exit_with_2_and_no_traceback(capsys):
    assert cli.main(["simulat"]) == 2
    assert "did you mean" in capsys.readouterr().err
    assert cli.main([]) == 0
