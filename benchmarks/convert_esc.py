"""Makes a file for `scripts/bench replay` of the last-letters samples in Yiwei98/ESC.

    scripts/bench convert_esc REPOSITORY FOLDER

REPOSITORY is a clone of github.com/Yiwei98/ESC (with or without a work tree); FOLDER, outside this
repository, gets last_letters.jsonl: 40 texts a question. Their tokens are not known: words count.
The authors read the final answer's letters alone ("ya jo" is "yajo"), and so does this; --raw keeps
the texts as they are.
"""

from __future__ import annotations

import argparse
import json
import re
import subprocess
from pathlib import Path

_FILE = "GPT3.5_result/last_letters/T0.7.jsonl"


def main() -> None:
    """Converts the dump."""
    options = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    options.add_argument("repository", type=Path)
    options.add_argument("folder", type=Path)
    options.add_argument("--raw", action="store_true", help="keep the texts as they are")
    asked = options.parse_args()
    asked.folder.mkdir(parents=True, exist_ok=True)
    command = ["git", "-C", str(asked.repository), "show", f"HEAD:{_FILE}"]
    dump = subprocess.run(command, check=True, capture_output=True).stdout.decode("utf-8")
    kept = 0
    with (asked.folder / "last_letters.jsonl").open("w", encoding="utf-8") as out:
        for at, line in enumerate(filter(None, dump.splitlines())):
            given = json.loads(line)
            samples = [
                {"text": text if asked.raw else _letters(text), "tokens": len(text.split())}
                for text in given["generated_answer"]
            ]
            made = {"id": f"last letters {at}", "gold": given["answer"], "kind": "short"}
            out.write(json.dumps(made | {"samples": samples}, ensure_ascii=False) + "\n")
            kept += 1
    print(f"last letters: {kept} questions")


def _letters(text: str) -> str:
    """The text with nothing but letters in its final answer."""
    at = text.lower().rfind("the answer is")
    end = at + len("the answer is") if at >= 0 else 0
    return f"{text[:end]} {re.sub('[^A-Za-z]', '', text[end:])}"


if __name__ == "__main__":
    main()
