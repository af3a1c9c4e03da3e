"""Makes files for `scripts/bench replay` of the samples in the repository LiuzLab/consol.

    scripts/bench convert_consol REPOSITORY FOLDER

REPOSITORY is a clone of github.com/LiuzLab/consol (with or without a work tree); FOLDER, outside
this repository, gets gsm8k.jsonl, medqa.jsonl and gpqa.jsonl: 40 answers of one model a question,
with their tokens. They are the answers alone, without their derivations.
"""

from __future__ import annotations

import argparse
import csv
import io
import json
import subprocess
import tarfile
from collections.abc import Callable
from pathlib import Path
from random import Random

_ROOT = "resources/"
_DATA, _ANSWERS = "experiment_input/data/", "experiment_output/"


def main() -> None:
    """Converts the dumps."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("repository", type=Path)
    options.add_argument("folder", type=Path)
    asked = options.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    for name, (file, answers, kind, golds) in _DUMPS.items():
        files = archive(asked.repository, [_DATA + file, _ANSWERS + answers])
        kept = 0
        with (asked.folder / f"{name}.jsonl").open("w", encoding="utf-8") as out:
            for at, gold in enumerate(golds(files[_DATA + file])):
                text = files.get(f"{_ANSWERS}{answers}/{at}.csv")
                if text is not None:
                    samples = [_sample(row, kind) for row in csv.DictReader(io.StringIO(text))]
                    line = {"id": f"{name} {at}", "gold": gold, "kind": kind, "samples": samples}
                    out.write(json.dumps(line) + "\n")
                    kept += 1
        print(f"{name}: {kept} questions")


def _sample(row: dict[str, str], kind: str) -> dict[str, object]:
    """One answer; options were numbered from 1 where the dump has numbers for letters."""
    text = row["answer"]
    if kind == "choice" and text[:1].isdecimal():
        text = "ABCDE"[int(float(text)) - 1] if 1 <= float(text) <= 5 else ""
    return {"text": text, "tokens": int(float(row["token_usage"] or 0))}


def _field(name: str) -> Callable[[str], list[str]]:
    return lambda text: [str(json.loads(line)[name]) for line in text.splitlines()]


def _shuffled(text: str) -> list[str]:
    """The letters of the right options, in the order that the dump's authors drew with seed 42."""
    random, columns = Random(42), ["right", "wrong", "wrong", "wrong"]
    golds = []
    for _ in csv.DictReader(io.StringIO(text)):
        order = random.sample(range(4), 4)
        golds.append("ABCD"[[columns[at] for at in order].index("right")])
    return golds


_DUMPS = {
    "gsm8k": ("gsm.jsonl", "gsm/gpt4omini-gsm-vote", "number", _field("target")),
    "medqa": ("medqa.jsonl", "medqa/gpt4omini-medqa-vote", "choice", _field("answer_idx")),
    "gpqa": (
        "gpqa_diamond.csv",
        "gpqa_diamond/gpqa_40_trail_multi_choice",
        "choice",
        _shuffled,
    ),
}


def archive(repository: Path, folders: list[str]) -> dict[str, str]:
    """The text files under `folders` of the newest commit, by their path below the root."""
    command = ["git", "-C", str(repository), "archive", "HEAD", *(_ROOT + f for f in folders)]
    packed = subprocess.run(command, check=True, capture_output=True).stdout
    found = {}
    with tarfile.open(fileobj=io.BytesIO(packed)) as tar:
        for member in tar:
            file = tar.extractfile(member)
            if file is not None:
                found[member.name.removeprefix(_ROOT)] = file.read().decode("utf-8", "replace")
    return found


if __name__ == "__main__":
    main()
