"""Writes privacy_names.txt and privacy_common_words.txt beside this file.

python3 -m venv /tmp/lists && /tmp/lists/bin/pip install Faker==40.54.0 names==0.3.0
/tmp/lists/bin/python crates/language/resources/privacy_lists.py ../shared/data

Names: person and city lists of Faker (MIT) in every locale it has, and the US Census 1990 frequency lists
(public domain) as packed by `names` (MIT). Common words: words that at least three lower-case texts share, counted
over the dated and labelled development texts; the synthetic personal-data set and the clinical sentences on which
privacy is judged are not read. Only words and counts leave this script, no text.
"""

import collections
import csv
import gzip
import importlib
import os
import pkgutil
import re
import sys

GIVEN, FAMILY, PLACE, COUNTRY = "g", "f", "p", "c"
WORD = re.compile(r"[^\W\d_]+(?:['’][^\W\d_]+)*")


def faker_lists():
    import faker.providers.address as address
    import faker.providers.person as person

    flags = collections.defaultdict(set)

    def take(values, flag):
        for value in values or ():
            for word in WORD.findall(str(value).replace("{{", " ").replace("}}", " ")):
                if len(word) >= 2:
                    flags[word.lower()].add(flag)

    for package, wanted in ((person, "person"), (address, "address")):
        for module in pkgutil.iter_modules(package.__path__):
            provider = importlib.import_module(f"{package.__name__}.{module.name}").Provider
            for name in dir(provider):
                values = getattr(provider, name)
                if callable(values) or not hasattr(values, "__iter__") or isinstance(values, str):
                    continue
                values = [value for value in values if isinstance(value, str) and "{{" not in value]
                if wanted == "person" and "first_name" in name and "format" not in name:
                    take(values, GIVEN)
                elif wanted == "person" and "last_name" in name and "format" not in name:
                    take(values, FAMILY)
                elif wanted == "address" and name in ("cities", "city_names", "towns", "city", "city_name", "villages", "municipalities"):
                    take(values, PLACE)
                elif wanted == "address" and name in ("countries", "country_names", "alpha_2_country_codes_names"):
                    take(values, COUNTRY)
    return flags


def census(flags):
    import names

    folder = os.path.dirname(names.__file__)
    for file, flag, limit in (("dist.male.first", GIVEN, 1300), ("dist.female.first", GIVEN, 4300), ("dist.all.last", FAMILY, 30000)):
        with open(os.path.join(folder, file), encoding="ascii") as lines:
            for index, line in enumerate(lines):
                if index < limit:
                    flags[line.split()[0].lower()].add(flag)


def common_words(folder, flags):
    lower, capital = collections.Counter(), collections.Counter()

    def feed(text):
        seen_lower, seen_capital = set(), set()
        for match in WORD.finditer(text or ""):
            word = match.group().replace("’", "'")
            if word.islower():
                seen_lower.add(word)
            elif not re.search(r"(^|[.!?:\n]\s*|[\"“(]\s*)$", text[: match.start()]):
                seen_capital.add(word.lower())
        lower.update(seen_lower)
        capital.update(seen_capital)

    def rows(name):
        with gzip.open(os.path.join(folder, name), "rt", encoding="utf8") as file:
            yield from csv.DictReader(file)

    for row in rows("nhs_feedback_neas_2021_2022.csv.gz"):
        feed(row["fft_answer"])
    for row in rows("nhs_feedback_phase1_trust_ab.csv.gz"):
        feed(row["feedback"])
    for name in ("sentiment_amazonReviewSnippets.csv.gz", "sentiment_tweets.csv.gz", "cfpb_complaints_sample.csv.gz", "fda_drug_recalls_2012_2017.csv.gz", "crisis_tweets_dev.csv.gz"):
        for row in rows(name):
            feed(" \n ".join(value for value in row.values() if isinstance(value, str)))
    other = collections.Counter()
    for row in rows("langid_dev.csv.gz"):
        values = list(row.values())
        text, language = max(values, key=len), min(values, key=len)
        if language == "en":
            feed(text)
        elif language in {"de", "fr", "es", "it", "pt", "nl", "sv", "da", "nb", "pl", "fi", "cs", "ro", "hu", "tr"}:
            other.update({(language, word.lower()) for word in WORD.findall(text)})
    words = {word for word, count in lower.items() if count >= 3 and count >= 0.5 * capital[word] and len(word) >= 1}
    words |= {word for (_, word), count in other.items() if count >= 3 and word not in flags and len(word) >= 2}
    return words


def main():
    folder = sys.argv[1]
    here = os.path.dirname(os.path.abspath(__file__))
    flags = faker_lists()
    census(flags)
    words = common_words(folder, flags)
    with open(os.path.join(here, "privacy_names.txt"), "w", encoding="utf8") as file:
        file.write("# Words of names by kind: g given, f family, p place, c country. Written by privacy_lists.py, which says from what.\n")
        for word in sorted(flags):
            file.write(f"{word} {''.join(sorted(flags[word]))}\n")
    with open(os.path.join(here, "privacy_common_words.txt"), "w", encoding="utf8") as file:
        file.write("# Words that are usually no names. Written by privacy_lists.py, which says from what.\n")
        file.writelines(word + "\n" for word in sorted(words))
    print(len(flags), "names,", len(words), "common words")


main()
