"""`python -m training.demo generate|train|export|check|card`."""

from __future__ import annotations

import argparse
from itertools import islice


def main() -> None:
    """Parses the command line and runs one command."""
    parser = argparse.ArgumentParser(prog="python -m training.demo", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    made = commands.add_parser("generate", help="train the tokenizer, or show conversations")
    made.add_argument("--show", type=int, default=0, help="print so many conversations instead")
    made.add_argument("--seed", type=int, default=1)
    run = commands.add_parser("train", help="train, or go on from the checkpoint")
    run.add_argument("--size", choices=["demo", "mini"], default="demo")
    run.add_argument("--steps", type=int, default=0)
    run.add_argument("--minutes", type=float, help="instead of steps: the decay takes so long")
    run.add_argument("--top", type=float, default=1.0, help="with --minutes: the first rate")
    run.add_argument("--seed", type=int, default=1234)
    run.add_argument("--parts", type=int, default=4, help="parts in a step")
    run.add_argument("--part-tokens", type=int, default=768)
    run.add_argument("--threads", type=int, default=2)
    run.add_argument("--fp32", action="store_true")
    run.add_argument("--decay-at-step", type=int, help="begin the decay here (default: at 55 %%)")
    run.add_argument("--fuse", action="store_true", help="faster; needs a C++ compiler")
    for name, about in (
        ("export", "write the GGUF and the manifest"),
        ("check", "measure it"),
        ("card", "write the model card"),
    ):
        other = commands.add_parser(name, help=about)
        other.add_argument("--size", choices=["demo", "mini"], default="demo")
        if name == "check":
            other.add_argument("--count", type=int, default=200, help="prompts of each family")
            other.add_argument("--quick", action="store_true", help="no vote curve")
            other.add_argument("--split", choices=["develop", "test"], default="test")
    options = parser.parse_args()
    commands_by_name = {
        "generate": _generate,
        "train": _train,
        "export": _export,
        "check": _check,
        "card": _card,
    }
    commands_by_name[options.command](options)


def _generate(options: argparse.Namespace) -> None:
    from . import corpus, paths, template, tokenizer

    if options.show:
        for made in islice(corpus.training(options.seed), options.show):
            print(f"## {made.family}\n{template.text_of(made.turns, made.tools)}")
        return
    print(tokenizer.build(paths.TOKENIZER, seed=options.seed).get_vocab_size(), "entries")


def _train(options: argparse.Namespace) -> None:
    import time

    from .train import Plan, train

    now = time.time()
    train(
        Plan(
            size=options.size,
            steps=options.steps,
            seed=options.seed,
            parts=options.parts,
            part_tokens=options.part_tokens,
            threads=options.threads,
            bf16=not options.fp32,
            decay_at=options.decay_at_step,
            fused=options.fuse,
            began=now,
            until=now + 60 * options.minutes if options.minutes else None,
            top=options.top,
        )
    )


def _export(options: argparse.Namespace) -> None:
    from .export import export

    export(options.size)


def _check(options: argparse.Namespace) -> None:
    from .check import check

    check(options.size, options.count, options.quick, options.split)


def _card(options: argparse.Namespace) -> None:
    from .card import card

    card()


if __name__ == "__main__":
    main()
