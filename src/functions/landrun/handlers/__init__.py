"""Lambda entry points: parse, act, return.

Lambda imports this package before the handler's module. The cyclic garbage collector would run
about forty times while the modules load and find next to nothing, which takes an eighth of INIT.
An invocation leaves few cycles, so that a collection every 50,000 allocations is soon enough.
"""

import gc

gc.set_threshold(50_000)
