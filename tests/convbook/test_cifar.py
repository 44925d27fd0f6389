"""CIFAR-10 from each form it may have in a folder, and from a server on this machine alone."""

import contextlib
import http.server
import threading
from dataclasses import FrozenInstanceError

import numpy as np
import pooch
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from small_cifar import TRAIN_FILES, archive, random_set, records, write_files, write_sheets

from convbook import _cifar_files, cifar
from convbook.cifar import DataUnavailable

NAME = "cifar-10-binary.tar.gz"


@pytest.fixture(autouse=True)
def cache(tmp_path, monkeypatch):
    """An empty cache folder, no variables, and an address at which nobody answers."""
    folder = tmp_path / "cache"
    monkeypatch.setattr(pooch, "os_cache", lambda _name: folder)
    monkeypatch.delenv("CONVBOOK_CIFAR10", raising=False)
    monkeypatch.delenv("CONVBOOK_NO_DOWNLOAD", raising=False)
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.setattr(cifar, "URL", "http://127.0.0.1:1/nobody")
    monkeypatch.setattr(cifar, "TIMEOUT", 0.5)
    return folder


@pytest.fixture
def rng():
    return np.random.default_rng(0)


def set_checksum(monkeypatch, checksum):
    for module in (cifar, _cifar_files):
        monkeypatch.setattr(module, "MD5", checksum)


def same(found, expected):
    images, labels = expected
    assert found.images.dtype == np.uint8
    assert found.labels.dtype == np.int64
    np.testing.assert_array_equal(found.images, images)
    np.testing.assert_array_equal(found.labels, labels)
    assert len(found) == len(labels)


# What a folder holds


@pytest.mark.parametrize("inside", [".", "cifar-10-batches-bin"])
@pytest.mark.parametrize("where", ["cache", "variable"])
def test_unpacked_files_are_read(cache, tmp_path, monkeypatch, rng, inside, where):
    folder = cache
    if where == "variable":
        folder = tmp_path / "named"
        monkeypatch.setenv("CONVBOOK_CIFAR10", str(folder))
    expected = write_files(folder / inside, rng)
    for split in ("train", "test"):
        same(cifar.load(split), expected[split])
    assert cifar.source().startswith("files of ")


def test_the_archive_is_read_without_being_unpacked(cache, tmp_path, monkeypatch, rng):
    content, checksum, expected = archive(tmp_path / "made", rng)
    set_checksum(monkeypatch, checksum)
    cache.mkdir()
    (cache / NAME).write_bytes(content)
    for split in ("train", "test"):
        same(cifar.load(split), expected[split])
    assert cifar.source().startswith("archive of ")
    assert [path.name for path in cache.iterdir()] == [NAME]


def test_sheets_are_read_row_by_row(cache, rng):
    train = write_sheets(cache, rng, 2, "train")
    test = write_sheets(cache, rng, 1, "test")
    same(cifar.load("train"), train)
    same(cifar.load("test"), test)
    assert cifar.source().startswith("sheets of ")
    assert cifar.load("train").source == (
        "These are 2,000 of the 50,000 training images of CIFAR-10 (Krizhevsky, 2009)."
    )
    assert "1,000 of the 10,000 test images" in cifar.load("test").source


def test_the_whole_set_is_called_so():
    assert cifar.sentence(50_000, "train").startswith("These are the 50,000 training images")
    assert cifar.sentence(49_999, "train").startswith("These are 49,999 of the 50,000")
    assert cifar.sentence(10_000, "test", ", x") == (
        "These are the 10,000 test images of CIFAR-10 (Krizhevsky, 2009), x."
    )


def test_classes_are_in_the_official_order(cache, rng):
    write_files(cache, rng)
    found = cifar.load("test")
    names = "airplane automobile bird cat deer dog frog horse ship truck"
    assert found.classes == tuple(names.split())
    with pytest.raises(FrozenInstanceError):
        found.source = "elsewhere"


def test_the_named_folder_comes_before_the_cache_and_may_be_empty(
    cache, tmp_path, monkeypatch, rng
):
    in_cache = write_files(cache, rng)["test"]
    named = tmp_path / "named"
    named.mkdir()
    monkeypatch.setenv("CONVBOOK_CIFAR10", str(named))
    same(cifar.load("test"), in_cache)
    in_named = write_files(named, rng)["test"]
    same(cifar.load("test"), in_named)


@settings(max_examples=20)
@given(seed=st.integers(0, 2**32 - 1), count=st.integers(1, 4))
def test_records_come_back_as_they_were(seed, count):
    expected = random_set(np.random.default_rng(seed), count)
    content = records(*expected)
    images, labels = _cifar_files._records([("here", content[: 3073 * count])])
    np.testing.assert_array_equal(images, expected[0])
    np.testing.assert_array_equal(labels, expected[1])


@settings(max_examples=30)
@given(size=st.integers(0, 4 * 3073).filter(lambda size: size == 0 or size % 3073))
def test_a_size_that_is_no_multiple_of_a_record_is_refused(size):
    with pytest.raises(ValueError, match=rf"^x\.bin has {size:,} bytes; .*3,073"):
        _cifar_files._records([("x.bin", bytes(size))])


# What is wrong with a folder


def test_a_split_is_train_or_test():
    with pytest.raises(ValueError, match=r"split is 'valid'.*\"train\" or \"test\""):
        cifar.load("valid")


def test_a_missing_file_is_named(cache, rng):
    write_files(cache, rng)
    (cache / "data_batch_3.bin").unlink()
    with pytest.raises(ValueError, match=r"lacks data_batch_3\.bin"):
        cifar.load("train")
    cifar.load("test")


def test_a_cut_file_is_named_with_its_size(cache, rng):
    write_files(cache, rng)
    path = cache / TRAIN_FILES[1]
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"data_batch_2\.bin has 9,218 bytes; .*3,073"):
        cifar.load("train")


def test_an_eleventh_class_is_refused(cache, rng):
    write_files(cache, rng)
    path = cache / "test_batch.bin"
    path.write_bytes(b"\x0a" + path.read_bytes()[1:])
    with pytest.raises(ValueError, match=r"test_batch\.bin has a label 10"):
        cifar.load("test")


def test_a_damaged_archive_is_refused(cache, tmp_path, monkeypatch, rng):
    content, checksum, _ = archive(tmp_path / "made", rng)
    set_checksum(monkeypatch, checksum)
    cache.mkdir()
    (cache / NAME).write_bytes(content[:-1])
    says = rf"{NAME} has {len(content) - 1:,} bytes and MD5 \w+; .* {checksum}"
    with pytest.raises(ValueError, match=says):
        cifar.load("train")


@pytest.fixture
def sheets(cache, rng):
    write_sheets(cache, rng, 1, "test")
    return cache


def test_labels_must_be_as_many_as_tiles(sheets):
    path = sheets / "test_labels.bin"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=r"test_labels\.bin has 999 bytes; 1 sheets .* 1,000"):
        cifar.load("test")
    path.write_bytes(bytes([200]) + bytes(999))
    with pytest.raises(ValueError, match=r"test_labels\.bin has a label 200"):
        cifar.load("test")
    path.unlink()
    with pytest.raises(ValueError, match=r"lacks test_labels\.bin"):
        cifar.load("test")


def test_a_gap_between_sheets_is_named(sheets):
    (sheets / "test_02.webp").write_bytes((sheets / "test_00.webp").read_bytes())
    with pytest.raises(ValueError, match=r"test_01\.webp is missing"):
        cifar.load("test")
    with pytest.raises(ValueError, match=r"lacks train_00\.webp"):
        cifar.load("train")


def test_a_sheet_of_another_size_is_refused(sheets):
    from PIL import Image

    Image.new("RGB", (1600, 608)).save(sheets / "test_00.webp", lossless=True)
    with pytest.raises(ValueError, match=r"test_00\.webp has 1600×608 pixels; .*1600×640"):
        cifar.load("test")


@pytest.mark.parametrize("share", [0, 0.5])
def test_a_cut_sheet_is_refused(sheets, share):
    path = sheets / "test_00.webp"
    content = path.read_bytes()
    path.write_bytes(content[: int(share * len(content))])
    with pytest.raises(ValueError, match=r"test_00\.webp has [\d,]+ bytes and cannot be read"):
        cifar.load("test")


def test_a_variable_that_names_no_folder_is_a_mistake(tmp_path, monkeypatch):
    monkeypatch.setenv("CONVBOOK_CIFAR10", str(tmp_path / "typo"))
    with pytest.raises(ValueError, match=r"CONVBOOK_CIFAR10 is '.*typo'; it must name a folder"):
        cifar.load("test")
    with pytest.raises(ValueError, match="must name a folder"):
        cifar.fetch()
    assert cifar.source() == "absent"


# The fingerprint


def test_the_source_changes_with_the_files_and_not_with_the_folder(
    cache, tmp_path, monkeypatch, rng
):
    assert cifar.source() == "absent"
    write_files(cache, rng)
    first = cifar.source()
    named = tmp_path / "named"
    cache.rename(named)
    assert cifar.source() == "absent"
    monkeypatch.setenv("CONVBOOK_CIFAR10", str(named))
    assert cifar.source() == first
    monkeypatch.setenv("CONVBOOK_CIFAR10", "none")
    assert cifar.source() == "absent"
    monkeypatch.setenv("CONVBOOK_CIFAR10", str(named))
    path = named / "test_batch.bin"
    path.write_bytes(path.read_bytes() * 2)
    assert cifar.source() not in {first, "absent"}


# Downloads


@contextlib.contextmanager
def server(respond):
    """A server on this machine; ``respond`` answers each request. Yields its paths asked for."""
    asked, over = [], threading.Event()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            with contextlib.suppress(ConnectionError):
                respond(self, over)

        def log_message(self, *_):
            pass

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as running:
        thread = threading.Thread(target=running.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield f"http://127.0.0.1:{running.server_port}/{NAME}", asked
        finally:
            over.set()
            running.shutdown()
            thread.join()


def sending(content):
    def respond(handler, _over):
        handler.send_response(200)
        handler.send_header("Content-Length", str(len(content)))
        handler.end_headers()
        handler.wfile.write(content)

    return respond


def stalled(handler, over):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"x" * 10)
    handler.wfile.flush()
    over.wait(60)


def silent(_handler, over):
    over.wait(60)


def broken_off(handler, _over):
    handler.send_response(200)
    handler.send_header("Content-Length", "1000")
    handler.end_headers()
    handler.wfile.write(b"x" * 10)


def test_a_download_is_kept(cache, tmp_path, monkeypatch, rng):
    content, checksum, expected = archive(tmp_path / "made", rng)
    set_checksum(monkeypatch, checksum)
    with server(sending(content)) as (url, asked):
        monkeypatch.setattr(cifar, "URL", url)
        for split in ("train", "test"):
            same(cifar.load(split), expected[split])
        assert cifar.fetch() == f"CIFAR-10 is there, as archive in {cache}"
    assert asked == [f"/{NAME}"]
    assert (cache / NAME).read_bytes() == content


def test_fetch_downloads(cache, tmp_path, monkeypatch, rng):
    content, checksum, expected = archive(tmp_path / "made", rng)
    set_checksum(monkeypatch, checksum)
    with server(sending(content)) as (url, _):
        monkeypatch.setattr(cifar, "URL", url)
        assert cifar.fetch() == f"CIFAR-10 is there, as archive in {cache}"
    same(cifar.load("test", download=False), expected["test"])


@pytest.mark.parametrize(
    "respond, says",
    [
        (stalled, r"sent nothing for 0\.5 s"),
        (silent, r"sent nothing for 0\.5 s"),
        (broken_off, "could not be downloaded"),
        (sending(b"another archive"), "does not have the published checksum"),
        (lambda handler, _over: handler.send_error(404), "could not be downloaded .*404"),
    ],
)
def test_a_failed_download_is_said_and_leaves_nothing(cache, monkeypatch, respond, says):
    with server(respond) as (url, asked):
        monkeypatch.setattr(cifar, "URL", url)
        with pytest.raises(DataUnavailable, match=rf"{url} .*{says}|{url}.*{says}") as failure:
            cifar.load("train")
        assert f"put {NAME} into {cache}" in str(failure.value)
        assert "CONVBOOK_CIFAR10" in str(failure.value)
        assert len(asked) == 1
        assert cifar.fetch() == str(failure.value)
    assert list(cache.iterdir()) == []
    assert cifar.source() == "absent"


def test_a_machine_without_network_is_told_what_to_do(cache):
    with pytest.raises(
        DataUnavailable, match=rf"nobody cannot be reached from here; put {NAME} into {cache}"
    ):
        cifar.load("train")


def test_a_cache_that_cannot_be_written_is_no_traceback(cache):
    cache.write_text("a file where the folder should be")
    with pytest.raises(DataUnavailable, match="could not be downloaded"):
        cifar.load("train")


@pytest.mark.parametrize(
    "variables, download, says",
    [
        ({"CONVBOOK_NO_DOWNLOAD": "1"}, True, "CONVBOOK_NO_DOWNLOAD is set"),
        ({"CONVBOOK_CIFAR10": "none"}, True, "CONVBOOK_CIFAR10 is none"),
        ({}, False, "not to be downloaded"),
    ],
)
def test_nothing_is_downloaded_where_it_is_not_wanted(monkeypatch, variables, download, says):
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with server(sending(b"")) as (url, asked):
        monkeypatch.setattr(cifar, "URL", url)
        with pytest.raises(DataUnavailable, match=says):
            cifar.load("test", download=download)
        if variables:
            assert says in cifar.fetch()
    assert asked == []


def test_none_does_without_what_the_cache_holds(cache, monkeypatch, rng):
    write_files(cache, rng)
    monkeypatch.setenv("CONVBOOK_CIFAR10", "none")
    with pytest.raises(DataUnavailable):
        cifar.load("test")


def test_the_published_archive_is_what_is_asked_for():
    assert _cifar_files.MD5 == "c32a1d4ab5d03f1284b67883e8d87530"
    assert _cifar_files.BYTES == 170052171
