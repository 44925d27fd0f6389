"""CIFAR-10 in a folder: which of its forms is there, and what the files hold."""

from __future__ import annotations

import hashlib
import tarfile
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal

import numpy as np

if TYPE_CHECKING:
    from jaxtyping import Int64, UInt8

    Labelled = tuple[UInt8[np.ndarray, "n 32 32 3"], Int64[np.ndarray, " n"]]

Split = Literal["train", "test"]

ARCHIVE = "cifar-10-binary.tar.gz"
MD5 = "c32a1d4ab5d03f1284b67883e8d87530"  # as published beside the archive
BYTES = 170_052_171

CLASSES = (
    "airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck",
)  # fmt: skip
TOTALS = {"train": 50_000, "test": 10_000}
FILES = {
    "train": tuple(f"data_batch_{number}.bin" for number in range(1, 6)),
    "test": ("test_batch.bin",),
}
UNPACKED = "cifar-10-batches-bin"  # the folder within the archive
SIDE = 32
RECORD = 1 + 3 * SIDE * SIDE  # a byte of label, then the planes of red, green and blue
ROWS, COLUMNS = 20, 50  # of a sheet


@dataclass(frozen=True)
class Place:
    """A folder that holds the set, in which form, and the files that make it up."""

    form: Literal["archive", "files", "sheets"]
    folder: Path
    files: tuple[Path, ...]


def look_into(folder: Path) -> Place | None:
    """What a folder holds of the set, if anything."""
    archive = folder / ARCHIVE
    if archive.is_file():
        return Place("archive", folder, (archive,))
    for base in (folder, folder / UNPACKED):
        paths = [base / name for names in FILES.values() for name in names]
        if files := tuple(path for path in paths if path.is_file()):
            return Place("files", base, files)
    if sheets := [path for split in TOTALS for path in sorted(folder.glob(f"{split}_*.webp"))]:
        labels = [folder / f"{split}_labels.bin" for split in TOTALS]
        return Place("sheets", folder, (*sheets, *(path for path in labels if path.is_file())))
    return None


def read(place: Place, split: Split) -> Labelled:
    """The images and labels of a split: shapes (n, 32, 32, 3), uint8, and (n,), int64.

    Raises
    ------
    ValueError
        If a file is missing or not what its name says.
    """
    readers = {"archive": _read_archive, "files": _read_files, "sheets": _read_sheets}
    return readers[place.form](place, split)


def _read_archive(place: Place, split: Split) -> Labelled:
    """The images of an archive that has the published checksum."""
    (path,) = place.files
    with path.open("rb") as file:
        # A guard against damage, for which MD5 does: systems that forbid it elsewhere allow that.
        digest = hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()
    if digest != MD5:
        raise ValueError(
            f"{path} has {path.stat().st_size:,} bytes and MD5 {digest}; the official archive has "
            f"{BYTES:,} bytes and MD5 {MD5}"
        )
    contents = {}
    with tarfile.open(path) as archive:
        for member in archive:
            name = Path(member.name).name
            if name in FILES[split] and (file_in_it := archive.extractfile(member)):
                contents[name] = file_in_it.read()
    return _records((f"{path}: {name}", contents[name]) for name in FILES[split])


def _read_files(place: Place, split: Split) -> Labelled:
    """The images of the unpacked official files."""
    paths = [_existing(place.folder / name) for name in FILES[split]]
    return _records((str(path), path.read_bytes()) for path in paths)


def _records(contents: Iterable[tuple[str, bytes]]) -> Labelled:
    """The images and labels of the official files' contents, each with a name for messages."""
    parts = []
    for name, content in contents:
        if not content or len(content) % RECORD:
            raise ValueError(
                f"{name} has {len(content):,} bytes; it must hold records of {RECORD:,} bytes, one "
                "at least, so that a multiple of that fits"
            )
        records = np.frombuffer(content, np.uint8).reshape(-1, RECORD)
        _check_labels(name, records[:, 0])
        parts.append(records)
    records = np.concatenate(parts)
    planes = records[:, 1:].reshape(-1, 3, SIDE, SIDE)
    return np.ascontiguousarray(planes.transpose(0, 2, 3, 1)), records[:, 0].astype(np.int64)


def _read_sheets(place: Place, split: Split) -> Labelled:
    """The images of WebP sheets, and the labels in the file beside them."""
    first = _existing(place.folder / f"{split}_00.webp")
    sheets = sorted(place.folder.glob(f"{split}_*.webp"))
    numbered = [first.with_name(f"{split}_{number:02}.webp") for number in range(len(sheets))]
    if missing := set(numbered) - set(sheets):
        raise ValueError(f"{min(missing)} is missing among {len(sheets)} sheets numbered from 00")
    path = _existing(place.folder / f"{split}_labels.bin")
    labels = np.frombuffer(path.read_bytes(), np.uint8)
    expected = len(sheets) * ROWS * COLUMNS
    if len(labels) != expected:
        raise ValueError(
            f"{path} has {len(labels):,} bytes; {len(sheets)} sheets of {ROWS * COLUMNS:,} images "
            f"need {expected:,}"
        )
    _check_labels(str(path), labels)
    return np.concatenate([_tiles(sheet) for sheet in numbered]), labels.astype(np.int64)


def _tiles(path: Path) -> UInt8[np.ndarray, "1000 32 32 3"]:
    """The images of a sheet, row by row."""
    from PIL import Image

    size = (COLUMNS * SIDE, ROWS * SIDE)
    try:
        with Image.open(path) as sheet:
            found, pixels = sheet.size, np.asarray(sheet.convert("RGB"))
    except OSError as error:  # Pillow's own for a file that is no image, or is cut off
        raise ValueError(
            f"{path} has {path.stat().st_size:,} bytes and cannot be read as an image ({error}); "
            f"it must be a WebP file of {size[0]}×{size[1]} pixels"
        ) from None
    if found != size:
        raise ValueError(
            f"{path} has {found[0]}×{found[1]} pixels; a sheet of {ROWS * COLUMNS:,} images has "
            f"{size[0]}×{size[1]}"
        )
    tiles = pixels.reshape(ROWS, SIDE, COLUMNS, SIDE, 3).swapaxes(1, 2)
    return tiles.reshape(-1, SIDE, SIDE, 3)


def _check_labels(name: str, labels: UInt8[np.ndarray, " n"]) -> None:
    if labels.max(initial=0) >= len(CLASSES):
        raise ValueError(f"{name} has a label {labels.max()}; labels are from 0 to 9")


def _existing(path: Path) -> Path:
    if not path.is_file():
        raise ValueError(f"{path.parent} holds a part of CIFAR-10, and lacks {path.name}")
    return path
