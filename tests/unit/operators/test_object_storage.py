"""Where the body of an answer goes, on this machine's own disk."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import TYPE_CHECKING
from unittest.mock import Mock

import pytest
from airflow.sdk.io import store

from airflow_provider_cloudfn.exceptions import ConfigurationError
from airflow_provider_cloudfn.operators.object_storage import ObjectStorageSink

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


def mode_of(file: Path) -> int:
    return file.stat().st_mode & 0o777


def write(sink: ObjectStorageSink, content: bytes = b"new") -> None:
    file = sink.open()
    file.write(content)
    file.close()


def file_of(path: Path, mode: int) -> Path:
    path.write_bytes(b"old")
    path.chmod(mode)
    return path


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664, 0o400, 0o755])
def test_a_file_that_is_replaced_keeps_its_mode(tmp_path: Path, mode: int) -> None:
    place = file_of(tmp_path / "payroll.csv", mode)
    sink = ObjectStorageSink.at(f"file://{place}")

    write(sink)
    (part,) = set(tmp_path.iterdir()) - {place}
    assert mode_of(part) == 0o600
    assert place.read_bytes() == b"old"
    sink.keep()

    assert (list(tmp_path.iterdir()), place.read_bytes(), mode_of(place)) == ([place], b"new", mode)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
def test_a_file_that_is_replaced_keeps_its_owner_and_group(tmp_path: Path) -> None:
    place = file_of(tmp_path / "payroll.csv", 0o640)
    os.chown(place, 1234, 5678)
    sink = ObjectStorageSink.at(f"file://{place}")

    write(sink)
    sink.keep()

    assert (place.stat().st_uid, place.stat().st_gid, mode_of(place)) == (1234, 5678, 0o640)


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can give files away")
@pytest.mark.parametrize(("mode", "kept"), [(0o640, 0o600), (0o664, 0o644), (0o600, 0o600)])
def test_another_group_may_do_no_more_than_everybody(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, kept: int
) -> None:
    place = file_of(tmp_path / "payroll.csv", mode)
    os.chown(place, -1, 5678)
    sink = ObjectStorageSink.at(f"file://{place}")

    def refuse(*_: object) -> None:
        raise PermissionError

    write(sink)
    monkeypatch.setattr(os, "chown", refuse)
    sink.keep()

    assert (place.stat().st_gid, mode_of(place)) == (os.getegid(), kept)


def test_a_new_file_has_the_mode_that_the_umask_gives(tmp_path: Path) -> None:
    os.umask(0o027)
    sink = ObjectStorageSink.at(f"file://{tmp_path}/new.csv")

    sink.check()
    write(sink)
    sink.keep()

    assert mode_of(tmp_path / "new.csv") == 0o640


@pytest.mark.parametrize("is_there", [True, False])
@pytest.mark.parametrize("scheme", ["file://", "local://", ""])
def test_a_link_stays_and_what_it_points_to_is_replaced(tmp_path: Path, is_there: bool, scheme: str) -> None:
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    place = tmp_path / "a" / "real.csv"
    if is_there:
        file_of(place, 0o600)
    (tmp_path / "middle").symlink_to("a/real.csv")
    link = tmp_path / "b" / "link.csv"
    link.symlink_to("../middle")
    sink = ObjectStorageSink.at(f"{scheme}{link}")

    sink.check()
    write(sink)
    sink.keep()

    assert (link.is_symlink(), str(sink.path)) == (True, f"{scheme}{link}")
    assert (place.read_bytes(), mode_of(place)) == (b"new", 0o600 if is_there else 0o644)
    assert [*(tmp_path / "a").iterdir(), *(tmp_path / "b").iterdir()] == [place, link]


def test_what_an_attempt_has_left_is_written_anew(tmp_path: Path) -> None:
    place = file_of(tmp_path / "x", 0o400)
    sink = ObjectStorageSink.at(f"file://{place}")

    write(sink, b"a longer half")
    write(sink, b"whole")
    sink.keep()

    assert place.read_bytes() == b"whole"


@pytest.mark.parametrize(
    ("path", "error"),
    [
        ("missing/x", FileNotFoundError),
        ("file/x", NotADirectoryError),
        ("folder", IsADirectoryError),
        ("link to a folder", IsADirectoryError),
        ("link to nowhere", FileNotFoundError),
        pytest.param(
            "closed/x", PermissionError, marks=pytest.mark.skipif(os.geteuid() == 0, reason="root may do all")
        ),
    ],
)
def test_a_place_that_cannot_be_written_is_noticed_beforehand(
    tmp_path: Path, path: str, error: type[Exception]
) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "folder").mkdir()
    (tmp_path / "closed").mkdir(mode=0o500)
    (tmp_path / "link to a folder").symlink_to("folder")
    (tmp_path / "link to nowhere").symlink_to("missing/x")

    with pytest.raises(error):
        ObjectStorageSink.at(f"file://{tmp_path}/{path}").check()


def test_a_file_of_another_user_in_a_sticky_folder_is_noticed_beforehand(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    tmp_path.chmod(0o1777)
    place = file_of(tmp_path / "x", 0o666)
    monkeypatch.setattr(os, "geteuid", lambda: place.stat().st_uid + 1)

    with pytest.raises(PermissionError, match="sticky folder"):
        ObjectStorageSink.at(f"file://{place}").check()

    assert list(tmp_path.iterdir()) == [place]


def test_a_device_is_written_and_not_replaced() -> None:
    sink = ObjectStorageSink.at("file:///dev/null")

    sink.check()
    write(sink)
    sink.keep()

    assert stat.S_ISCHR(Path(os.devnull).stat().st_mode)


def test_a_pipe_stays_when_an_attempt_has_failed(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)

    ObjectStorageSink.at(f"file://{pipe}").discard()

    assert stat.S_ISFIFO(pipe.stat().st_mode)


@pytest.mark.parametrize("is_there", [True, False])
def test_looking_whether_a_file_can_be_written_leaves_all_as_it_was(tmp_path: Path, is_there: bool) -> None:
    if is_there:
        file_of(tmp_path / "x", 0o600)
    before = [(file, file.read_bytes(), mode_of(file)) for file in tmp_path.iterdir()]

    ObjectStorageSink.at(f"file://{tmp_path}/x").check()

    assert [(file, file.read_bytes(), mode_of(file)) for file in tmp_path.iterdir()] == before


def test_nothing_is_asked_of_an_object_storage_beforehand(monkeypatch: pytest.MonkeyPatch) -> None:
    storage = Mock()
    monkeypatch.setattr(store, "_STORE_CACHE", {})
    store.attach("memory", fs=storage)

    ObjectStorageSink.at("memory://bucket/x").check()

    assert storage.mock_calls == []


def test_an_object_storage_that_airflow_does_not_know_is_noticed_beforehand() -> None:
    with pytest.raises(ValueError, match="No filesystem registered for scheme memory"):
        ObjectStorageSink.at("memory://bucket/x").check()


def test_a_relative_path_is_no_place() -> None:
    with pytest.raises(ConfigurationError, match=r"response_file: 'orders\.csv' is relative"):
        ObjectStorageSink.at("orders.csv")
