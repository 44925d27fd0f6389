"""CIFAR-10 made up for tests: random images in each form that a folder can hold, byte by byte."""

import gzip
import hashlib
import io
import struct
import tarfile
from pathlib import Path

import numpy as np
from PIL import Image

TRAIN_FILES = [f"data_batch_{number}.bin" for number in range(1, 6)]


def random_set(rng, count):
    """Images of shape (count, 32, 32, 3) and their labels."""
    images = rng.integers(256, size=(count, 32, 32, 3), dtype=np.uint8)
    return images, rng.integers(10, size=count)


def records(images, labels):
    """The official format, written one value after another."""
    content = bytearray()
    for image, label in zip(images, labels, strict=True):
        content += struct.pack("B", label)
        for channel in range(3):
            for row in range(32):
                content += struct.pack("32B", *image[row, :, channel].tolist())
    return bytes(content)


def write_files(folder: Path, rng, per_file=3):
    """The unpacked files; returns (images, labels) by split."""
    folder.mkdir(parents=True, exist_ok=True)
    parts = []
    for name in TRAIN_FILES:
        parts.append(random_set(rng, per_file))
        (folder / name).write_bytes(records(*parts[-1]))
    test = random_set(rng, per_file)
    (folder / "test_batch.bin").write_bytes(records(*test))
    images, labels = zip(*parts, strict=True)
    return {"train": (np.concatenate(images), np.concatenate(labels)), "test": test}


def archive(folder: Path, rng):
    """An archive in memory, made of files that are written into a folder, and what it holds."""
    expected = write_files(folder, rng)
    raw = io.BytesIO()
    with tarfile.open(fileobj=raw, mode="w") as tar:
        for path in sorted(folder.iterdir(), reverse=True):  # the official one is unsorted, too
            tar.add(path, f"cifar-10-batches-bin/{path.name}")
    content = gzip.compress(raw.getvalue(), mtime=0)
    return content, hashlib.md5(content).hexdigest(), expected


def write_sheets(folder: Path, rng, sheets, split):
    """Sheets of one split, each tile pasted at its place; returns (images, labels)."""
    folder.mkdir(parents=True, exist_ok=True)
    images, labels = random_set(rng, 1000 * sheets)
    for number in range(sheets):
        sheet = Image.new("RGB", (1600, 640))
        for place in range(1000):
            row, column = divmod(place, 50)
            tile = Image.fromarray(images[1000 * number + place])
            sheet.paste(tile, (32 * column, 32 * row))
        sheet.save(folder / f"{split}_{number:02}.webp", lossless=True, method=0)
    (folder / f"{split}_labels.bin").write_bytes(bytes(labels.tolist()))
    return images, labels
