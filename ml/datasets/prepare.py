"""From what a source holds to NAME/ in the data folder: pictures, manifest, boxes, report."""

import csv
import hashlib
import io
import json
import os
import shutil
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from tqdm import tqdm

from datasets.layouts import prepared
from datasets.layouts.source import SPLITS, Contents, DatasetError, Picture
from datasets.splits import assign
from ml.datasets.findings import Other, families, matches, to_drop, torn_groups
from ml.datasets.report import counts, elsewhere, in_words, repeats
from ml.datasets.scan import Look, Scanner
from ml.datasets.similar import within

MEMORY = ".looks.sqlite"
COLUMNS = ("path", "class", "source_group", "split", "sha256")


@dataclass(frozen=True)
class Order:
    """What to prepare, and how."""

    name: str
    """Folder of the set in the data folder."""
    data: Path
    shares: tuple[float, float, float]
    seed: int
    against: tuple[Path, ...] = ()
    link: bool = False
    drop: bool = False


def prepare(order: Order, contents: Contents, about: dict[str, Any]) -> dict[str, Any]:
    """Write the set; returns what report.json holds. `about` says where the pictures come from.

    The manifest is written last: a set that has one is whole.
    """
    folder = order.data / order.name
    if (folder / "manifest.csv").exists() and not (folder / "report.json").exists():
        raise DatasetError(
            f"{folder} holds a set that this command did not make; it was left as it is. Choose "
            "another --name or --data."
        )
    scanner = Scanner(order.data / MEMORY)
    before, looks = readable(contents, scanner, order.name)
    if not before:
        first = "".join(f" {name}: {reason}." for name, reason in contents.problems[:1])
        raise DatasetError(f"There is no picture that can be used.{first}")
    others = [_other(path, scanner, contents.notes) for path in order.against]
    pairs = within(looks)
    splits = assign(before, pairs, order.shares, order.seed)
    pictures = [replace(p, split=split) for p, split in zip(before, splits, strict=True)]
    found, met = families(pictures, pairs), matches(looks, others)
    dropped = to_drop(pictures, found, met) if order.drop else {}
    kept = [row for row in range(len(pictures)) if row not in dropped]
    done, done_looks = [pictures[row] for row in kept], [looks[row] for row in kept]

    for picture in tqdm(done, desc="placed", unit="picture", disable=None):
        place(picture.file, folder / picture.name, link=order.link)
    manifest = manifest_text(order.name, done, done_looks)
    content = {
        "name": order.name,
        "about": about,
        "drawn": sum(not picture.split for picture in before),
        "seed": order.seed,
        "shares": order.shares,
        "manifest_sha256": hashlib.sha256(manifest.encode()).hexdigest(),
        **counts(done, done_looks),
        "repeated": repeats(pictures, found),
        "against": [other.name for other in others],
        "elsewhere": elsewhere(pictures, met),
        "torn_groups": torn_groups(done),
        "dropped": [(pictures[row].name, reason) for row, reason in sorted(dropped.items())],
        "problems": contents.problems,
        "notes": contents.notes + missing_classes(done, order.shares),
    }
    write(folder / "report.json", json.dumps(content, indent=1, ensure_ascii=False) + "\n")
    write(folder / "report.md", in_words(content))
    if any(picture.boxes for picture in done):
        write(folder / "boxes.csv", boxes_text(order.name, done))
    write(folder / "manifest.csv", manifest)
    return content


def _other(path: Path, scanner: Scanner, notes: list[str]) -> Other:
    there = prepared.read(path)
    other = Other(path.name, *readable(there, scanner, path.name))
    if there.problems:
        name, reason = there.problems[0]
        notes.append(
            f"Pictures of {path.name} that could not be compared: {len(there.problems)}. The "
            f"first, {name}: {reason}."
        )
    return other


def readable(contents: Contents, scanner: Scanner, what: str) -> tuple[list[Picture], list[Look]]:
    """The pictures that are whole and what their source says they are; the others are problems."""
    pictures, looks = [], []
    found = scanner.looks([picture.file for picture in contents.pictures], what)
    for picture, look in zip(contents.pictures, found, strict=True):
        if isinstance(look, str):
            contents.problems.append((picture.name, look))
        elif picture.sha256 and picture.sha256.lower() != look.sha256:
            contents.problems.append((picture.name, "its SHA-256 is not the one its table states"))
        else:
            pictures.append(picture)
            looks.append(look)
    return pictures, looks


def missing_classes(pictures: Sequence[Picture], shares: Sequence[float]) -> list[str]:
    """Sentences on classes that cannot be learnt, chosen on or measured."""
    there = Counter((picture.kind, picture.split) for picture in pictures)
    notes = []
    for kind in sorted({p.kind for p in pictures if p.kind and "," not in p.kind}):
        lacking = [
            s for s, share in zip(SPLITS, shares, strict=True) if share and not there[kind, s]
        ]
        if lacking:
            count = sum(there[kind, split] for split in SPLITS)
            notes.append(f"Class {kind}, pictures: {count}; none of them in {', '.join(lacking)}.")
    return notes


def place(file: Path, target: Path, *, link: bool) -> None:
    """Copy, or hard-link where the disk allows it; what is there already is left."""
    stamp = file.stat()
    if target.is_file():
        there = target.stat()
        if (there.st_size, there.st_mtime_ns) == (stamp.st_size, stamp.st_mtime_ns):
            return
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(target.name + ".part")
    part.unlink(missing_ok=True)
    try:
        if not link:
            raise OSError
        os.link(file.resolve(), part)
    except OSError:
        shutil.copyfile(file, part)
        os.utime(part, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    part.replace(target)


def manifest_text(name: str, pictures: Sequence[Picture], looks: Sequence[Look]) -> str:
    extra = list(dict.fromkeys(key for picture in pictures for key in picture.attributes))
    rows = (
        [
            *(f"{name}/{picture.name}", picture.kind, picture.group, picture.split, look.sha256),
            *(picture.attributes.get(key, "") for key in extra),
        ]
        for picture, look in zip(pictures, looks, strict=True)
    )
    return _csv([*COLUMNS, *extra], rows)


def boxes_text(name: str, pictures: Sequence[Picture]) -> str:
    rows = (
        [f"{name}/{picture.name}", box.kind, box.xmin, box.ymin, box.xmax, box.ymax]
        for picture in pictures
        for box in picture.boxes
    )
    return _csv(["path", "type", "xmin", "ymin", "xmax", "ymax"], rows)


def _csv(header: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    stream = io.StringIO()
    writer = csv.writer(stream, lineterminator="\n")
    writer.writerow(header)
    writer.writerows(rows)
    return stream.getvalue()


def write(path: Path, text: str) -> None:
    """All of it or nothing."""
    part = path.with_name(path.name + ".part")
    part.write_text(text, encoding="utf-8", newline="")
    part.replace(path)
