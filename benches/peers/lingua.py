#!/usr/bin/env python3
"""Language identification by lingua (PyPI: lingua-language-detector) on the same sets as `evaluate --only languages`.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install lingua-language-detector
    /tmp/peers/bin/python benches/peers/lingua.py DIR [--tsv] [--every N]

`--every N` takes every N-th sentence: lingua is slow. Note that the set is lingua's own test data.
"""
import csv
import glob
import gzip
import os
import sys
import time

MAJOR = "ar cs de el en es fr hi it ja ko nl pl pt ru sv tr uk vi zh".split()


def main():
    arguments = sys.argv[1:]
    every = int(arguments[arguments.index("--every") + 1]) if "--every" in arguments else 10
    folder = next((one for one in arguments if not one.startswith("--") and not one.isdigit()), "../shared/data")
    here = os.path.dirname(os.path.abspath(__file__))
    sys.path = [place for place in sys.path if os.path.abspath(place or ".") != here]  # this file is called lingua too
    try:
        from lingua import LanguageDetectorBuilder
    except ImportError:
        sys.exit("skipped: lingua is not installed; pip install lingua-language-detector")
    detector = LanguageDetectorBuilder.from_all_languages().with_preloaded_language_models().build()
    for path in sorted(glob.glob(os.path.join(folder, "langid_*.csv*"))):
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rt", encoding="utf-8", newline="") as file:
            rows = [(row["lang"], row["sentence"]) for row in csv.DictReader(file)][::every]
        start = time.perf_counter()
        found = [detector.detect_language_of(text) for _, text in rows]
        micros = (time.perf_counter() - start) / max(len(rows), 1) * 1e6
        right = [one is not None and one.iso_code_639_1.name.lower() == code for one, (code, _) in zip(found, rows)]
        major = [good for good, (code, _) in zip(right, rows) if code in MAJOR]
        name = os.path.basename(path).split(".")[0]
        for task, judged in (("language id, 20 major languages", major), ("language id, all languages", right)):
            figure = f"accuracy {sum(judged) / max(len(judged), 1):.4f} (n = {len(judged)}), {micros:.0f} µs a text"
            cells = [task, name, f"lingua, every {every}th sentence", figure, ""]
            print("\t".join(cells) if "--tsv" in sys.argv else "| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
