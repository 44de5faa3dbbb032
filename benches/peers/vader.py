#!/usr/bin/env python3
"""Sentiment by vaderSentiment (PyPI) on the same sets as `evaluate --only sentiment`.

    python3 -m venv /tmp/peers && /tmp/peers/bin/pip install vaderSentiment
    /tmp/peers/bin/python benches/peers/vader.py DIR [--tsv]

Prints rows (task, set, split, figure, target) like the evaluation: Pearson's correlation of `compound` with the
human mean, and the time a text.
"""
import csv
import glob
import gzip
import math
import os
import sys
import time


def rows(path):
    opener = gzip.open if path.endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8", newline="") as file:
        yield from csv.DictReader(file)


def pearson(found, human):
    count = len(found)
    mean_found, mean_human = sum(found) / count, sum(human) / count
    both = sum((x - mean_found) * (y - mean_human) for x, y in zip(found, human))
    spread = sum((x - mean_found) ** 2 for x in found) * sum((y - mean_human) ** 2 for y in human)
    return both / math.sqrt(spread) if spread else float("nan")


def main():
    folder = next((argument for argument in sys.argv[1:] if not argument.startswith("--")), "../shared/data")
    try:
        from vaderSentiment.vaderSentiment import SentimentIntensityAnalyzer
    except ImportError:
        sys.exit("skipped: vaderSentiment is not installed; pip install vaderSentiment")
    analyser = SentimentIntensityAnalyzer()
    for path in sorted(glob.glob(os.path.join(folder, "sentiment_*.csv*"))):
        texts, human = [], []
        for row in rows(path):
            column = next(name for name in row if name.startswith("mean_"))
            texts.append(row["text"])
            human.append(float(row[column]))
        start = time.perf_counter()
        found = [analyser.polarity_scores(text)["compound"] for text in texts]
        micros = (time.perf_counter() - start) / max(len(texts), 1) * 1e6
        name = os.path.basename(path).split(".")[0]
        cells = ["sentiment", name, "vaderSentiment", f"r = {pearson(found, human):.4f} (n = {len(texts)}), {micros:.0f} µs a text", ""]
        print("\t".join(cells) if "--tsv" in sys.argv else "| " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
