"""Performance as ratios in one run: ``python -m benchmarks``, or ``make bench``.

Seconds say more about the machine, and about what else it does, than about the code. So the
implementations that are compared take turns (A B C A B C …), each turn gives ratios of its own, and
the median of those is the result, with the least and the greatest beside it.

One module a topic; each has ``compare(rounds, …)``, which returns `benchmarks.turns.Comparison`s.
The results are printed as tables and written to ``_build/bench.json``::

    {"about": {"date": …, "processor": …, "threads": 1, "python": …, "numpy": …, …},
     "comparisons": [
       {"case": "conv2d, …", "rounds": 50,
        "seconds": {"convbook": median, "torch": median, …},
        "ratios": {"convbook / torch": {"median": …, "min": …, "max": …}, …}}]}
"""
