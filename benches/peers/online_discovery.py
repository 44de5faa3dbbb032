"""Levels and decisions of the PyPI package online-fdr 1.0.0 for crates/statistics/tests/reference_online_fdr.csv.

    python3 -m venv /tmp/venv && /tmp/venv/bin/pip install online-fdr==1.0.0
    /tmp/venv/bin/python benches/peers/online_discovery.py > crates/statistics/tests/reference_online_fdr.csv

The stream is made here: uniform nulls, one in four replaced by a small p-value, some conservative nulls.
"""

import random

from online_fdr.p_values import Addis, LordPlusPlus, Saffron

random.seed(20261122)
p_values = []
for place in range(120):
    draw = random.random()
    if place % 4 == 3:
        draw = draw**6
    elif place % 5 == 0:
        draw = draw**0.3
    p_values.append(draw)

methods = [
    LordPlusPlus(alpha=0.1, wealth=0.05),
    Saffron(alpha=0.1, wealth=0.05, lambda_=0.5),
    Addis(alpha=0.1, wealth=0.05, lambda_=0.25, tau=0.5),
]
print("p_value,lord_level,lord,saffron_level,saffron,addis_level,addis")
for p_value in p_values:
    cells = [repr(p_value)]
    for method in methods:
        rejected = method.test_one(p_value)
        cells += [repr(float(method.current_threshold)), str(int(rejected))]
    print(",".join(cells))
