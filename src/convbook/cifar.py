"""CIFAR-10: 60,000 colour photographs of 32×32 pixels in ten classes, read without pickle.

Alex Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009,
https://www.cs.toronto.edu/~kriz/cifar.html. The author states no licence, so the book carries no
image of it: a reader downloads the set once, 170 MB, into a cache folder, or fills that beforehand.

A folder can hold the set in three forms: the official archive, its unpacked files, or sheets, which
are lossless WebP files of 50×20 images each with one byte a label beside them (``train_00.webp`` …
and ``train_labels.bin``, and the same for ``test``), for a part of the set where space is short.
"""

from __future__ import annotations

import hashlib
import os
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from convbook._cifar_files import (
    ARCHIVE,
    BYTES,
    CLASSES,
    MD5,
    TOTALS,
    Place,
    Split,
    look_into,
    read,
)

if TYPE_CHECKING:
    import numpy as np
    from jaxtyping import Int64, UInt8

URL = "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz"
TIMEOUT = 20  # seconds without a byte after which a server is given up

FOLDER_VARIABLE = "CONVBOOK_CIFAR10"
OFFLINE_VARIABLE = "CONVBOOK_NO_DOWNLOAD"


class DataUnavailable(Exception):
    """CIFAR-10 cannot be had here; the message says what was tried and what would help."""


@dataclass(frozen=True)
class Images:
    """Images with their labels, the names of the classes, and a sentence on where they are from."""

    images: UInt8[np.ndarray, "n height width 3"]
    labels: Int64[np.ndarray, " n"]
    classes: tuple[str, ...]
    source: str

    def __len__(self) -> int:
        """How many there are."""
        return len(self.labels)


def load(split: Split, *, download: bool = True) -> Images:
    """The training or the test images of CIFAR-10, in the order of the files.

    They are looked for in the folder that the environment variable ``CONVBOOK_CIFAR10`` names, then
    in the user's cache folder, ``pooch.os_cache("convbook")``; else the archive is downloaded into
    the latter. ``CONVBOOK_CIFAR10=none`` is to do without them. Nothing is downloaded while
    ``CONVBOOK_NO_DOWNLOAD`` is set.

    Returns
    -------
    images
        ``images`` of shape (n, 32, 32, 3), uint8, and ``labels`` of shape (n,), int64. A folder of
        sheets may hold a part of the set; ``source`` says how many there are.

    Raises
    ------
    DataUnavailable
        If no folder holds the set and it was not, or could not be, downloaded.
    ValueError
        If ``split`` is neither "train" nor "test", the variable names no folder, or a file is not
        what its name says.
    """
    if split not in TOTALS:
        raise ValueError(f'split is {split!r}; it must be "train" or "test"')
    place = _obtain(download)
    images, labels = read(place, split)
    return Images(images, labels, CLASSES, sentence(len(labels), split))


def sentence(count: int, split: Split, how: str = "") -> str:
    """What some images of CIFAR-10 are, as a sentence; ``how`` may say how they were chosen."""
    total = TOTALS[split]
    some = f"the {total:,}" if count == total else f"{count:,} of the {total:,}"
    kind = {"train": "training", "test": "test"}[split]
    return f"These are {some} {kind} images of CIFAR-10 (Krizhevsky, 2009){how}."


def source() -> str:
    """What a `load` that may not download would read: for the keys of caches.

    One of "archive", "files" and "sheets", with a fingerprint of the names and sizes of the files
    (which folder they are in does not matter), or "absent". It reads no file and asks no network.
    """
    try:
        place = _find()
    except ValueError:
        place = None
    if place is None:
        return "absent"
    sizes = [(path.name, path.stat().st_size) for path in place.files]
    digest = hashlib.sha256(repr(sizes).encode()).hexdigest()[:16]
    return f"{place.form} of {sum(size for _, size in sizes):,} bytes, {digest}"


def fetch() -> str:
    """Download CIFAR-10 unless it is there; a line that says what came of it, failures too.

    Raises
    ------
    ValueError
        If ``CONVBOOK_CIFAR10`` names no folder.
    """
    try:
        place = _obtain(download=True)
    except DataUnavailable as error:
        return str(error)
    return f"CIFAR-10 is there, as {place.form} in {place.folder}"


def _obtain(download: bool) -> Place:
    """Where the set is, after a download if need be and allowed.

    Raises
    ------
    DataUnavailable, ValueError
        As `load` does.
    """
    if place := _find():
        return place
    if os.environ.get(FOLDER_VARIABLE) == "none":
        raise DataUnavailable(f"CIFAR-10 is done without, since {FOLDER_VARIABLE} is none")
    folder = _cache()
    if os.environ.get(OFFLINE_VARIABLE):
        why = f"no folder holds it, and {OFFLINE_VARIABLE} is set"
    elif not download:
        why = "no folder holds it, and it was not to be downloaded"
    else:
        why = _download(folder)
    if not why:
        return Place("archive", folder, (folder / ARCHIVE,))
    raise DataUnavailable(
        f"CIFAR-10 cannot be had: {why}; put {ARCHIVE} into {folder}, or let {FOLDER_VARIABLE} "
        "name a folder that holds it"
    )


def _download(folder: Path) -> str:
    """Get the archive into a folder, whole or not at all; why not, or an empty string."""
    from tqdm import tqdm

    pooch = _pooch()
    try:
        with tqdm(total=BYTES, unit="B", unit_scale=True, ncols=79, leave=False) as bar:
            get = pooch.HTTPDownloader(progressbar=bar, chunk_size=2**16, timeout=TIMEOUT)
            pooch.retrieve(URL, f"md5:{MD5}", ARCHIVE, folder, downloader=get)
    except (OSError, ValueError) as error:  # what requests raises is an OSError, too
        text = str(error)
        if "timed out" in text:
            return f"{URL} sent nothing for {TIMEOUT} s"
        if "Max retries exceeded" in text:
            return f"{URL} cannot be reached from here"
        if "hash of downloaded file" in text:
            return f"what {URL} sent does not have the published checksum, MD5 {MD5}"
        return f"{URL} could not be downloaded ({type(error).__name__}: {text})"
    return ""


def _pooch() -> Any:
    """The library that downloads, imported where it is needed and without a word."""
    with warnings.catch_warnings():
        # In a notebook it asks for a progress bar made of widgets, which need not be installed.
        warnings.filterwarnings("ignore", "IProgress not found")
        import pooch
    return pooch


def _cache() -> Path:
    """The user's cache folder."""
    return Path(_pooch().os_cache("convbook"))


def _find() -> Place | None:
    """The first folder that holds the set.

    Raises
    ------
    ValueError
        If the variable names no folder.
    """
    named = os.environ.get(FOLDER_VARIABLE, "")
    if named == "none":
        return None
    folders = [_cache()]
    if named:
        folder = Path(named).expanduser()
        if not folder.is_dir():
            raise ValueError(
                f"{FOLDER_VARIABLE} is {named!r}; it must name a folder, or be none to do without"
            )
        folders.insert(0, folder)
    return next((place for folder in folders if (place := look_into(folder))), None)
