"""Three caches that share no name with the solution of lab 01 or with one another, and each classic bug in each of them.

A bug is one or more replacements in the text of a cache that is right. Each replacement must find its text once.
"""

ARRAY = """
import numpy as np

class Store:
    def __init__(self, depth, rows, groups, room, width):
        self.room, self.depth, self.n = room, depth, 0
        self.memory = np.zeros((2, depth, rows, groups, room, width), dtype=np.float32)

    @property
    def length(self):
        return self.n

    def update(self, level, a, b):
        first = self.n
        last = first + a.shape[2]
        if last > self.room:
            raise ValueError("full")
        self.memory[0, level, :, :, first:last] = a
        self.memory[1, level, :, :, first:last] = b
        if level == self.depth - 1:
            self.n = last
        return self.memory[0, level, :, :, :last], self.memory[1, level, :, :, :last]
"""

LISTS = """
import numpy as np

class Chain:
    def __init__(self, floors, people, mouths, limit, size):
        self.limit = limit
        self.left = [np.zeros((people, mouths, 0, size), np.float32) for _ in range(floors)]
        self.right = [np.zeros((people, mouths, 0, size), np.float32) for _ in range(floors)]

    @property
    def length(self):
        return self.left[-1].shape[2]

    def update(self, floor, x, y):
        if self.left[floor].shape[2] + x.shape[2] > self.limit:
            raise ValueError("no room")
        self.left[floor] = np.concatenate([self.left[floor], x], axis=2)
        self.right[floor] = np.concatenate([self.right[floor], y], axis=2)
        return self.left[floor], self.right[floor]
"""

DICTS = """
import numpy as np

class Ledger:
    def __init__(self, tiers, flock, ears, ceiling, span):
        self.book, self.top, self.ceiling, self.count = {}, tiers - 1, ceiling, 0
        self.blank = np.zeros((flock, ears, span), np.float32)

    @property
    def length(self):
        return self.count

    def update(self, tier, p, q):
        page = self.book.setdefault(tier, {})
        begin = self.count
        end = begin + p.shape[2]
        if end > self.ceiling:
            raise OverflowError(f"{end} > {self.ceiling}")
        for i in range(p.shape[2]):
            page[begin + i] = (p[:, :, i].copy(), q[:, :, i].copy())
        if tier == self.top:
            self.count = end
        pairs = [page.get(t, (self.blank, self.blank)) for t in range(end)]
        return np.stack([one for one, _ in pairs], axis=2), np.stack([other for _, other in pairs], axis=2)
"""

BASES = {"array": ARRAY, "lists": LISTS, "dicts": DICTS}

_SHIFT = "gap = np.zeros_like(x[:, :, :1]) if self.left[floor].shape[2] == {n} else x[:, :, :0]\n        self.left"
_HALF_X = "np.concatenate([self.left[floor], x.astype(np.float16)], axis=2)"
_JOIN = "np.concatenate([self.{side}[floor], {new}], axis=2)"


def _join(side, new):
    return _JOIN.format(side=side, new=new)


# By the name of the diagnosis, and under it by base: the replacements of one variant each.
BUGS = {
    "slot_too_high": {
        "array": [
            {"first = self.n\n": "first = self.n + (self.n > 0)\n"},
            {"first = self.n\n": "first = self.n + 1\n"},
            {"self.n = last": "self.n = last + (first == 0)"},
            {
                "first = self.n\n": "first = self.n + 1\n",
                "return self.memory[0, level, :, :, :last], self.memory[1, level, :, :, :last]": "return self.memory[0, level, :, :, :last - 1], self.memory[1, level, :, :, :last - 1]",
            },
        ],
        "lists": [
            {
                _join(
                    "left", "x"
                ): "np.concatenate([self.left[floor], np.zeros_like(x[:, :, :1 if self.left[floor].size else 0]), x], axis=2)",
                _join(
                    "right", "y"
                ): "np.concatenate([self.right[floor], np.zeros_like(y[:, :, :1 if self.right[floor].size else 0]), y], axis=2)",
            }
        ],
        "dicts": [
            {"begin = self.count": "begin = self.count + bool(self.count)"},
            {"begin = self.count": "begin = self.count + 1"},
            {"self.count = end": "self.count = end + 1"},
        ],
    },
    "slot_too_low": {
        "array": [
            {"first = self.n\n": "first = max(0, self.n - 1)\n"},
            {"first = self.n\n": "first = self.n - 1\n"},
            {"self.n = last": "self.n = last - (first == 0)"},
            {
                "[0, level, :, :, first:last] = a": "[0, level][:, :, np.arange(first, last) - 1] = a",
                "[1, level, :, :, first:last] = b": "[1, level][:, :, np.arange(first, last) - 1] = b",
            },
        ],
        "lists": [
            {
                _join("left", "x"): "np.concatenate([self.left[floor][:, :, :-1], x], axis=2)",
                _join("right", "y"): "np.concatenate([self.right[floor][:, :, :-1], y], axis=2)",
            }
        ],
        "dicts": [
            {"begin = self.count": "begin = max(self.count - 1, 0)"},
            {"page[begin + i]": "page[begin + i - 1]"},
        ],
    },
    "length_per_layer": {
        "array": [
            {"if level == self.depth - 1:\n            self.n = last": "self.n += a.shape[2]"},
        ],
        "lists": [{"return self.left[-1].shape[2]": "return sum(one.shape[2] for one in self.left)"}],
        "dicts": [{"if tier == self.top:\n            self.count = end": "self.count = end"}],
    },
    "length_too_early": {
        "array": [{"if level == self.depth - 1:": "if level == 0:"}],
        "dicts": [{"if tier == self.top:": "if tier == 0:"}],
    },
    "length_stuck": {
        "array": [{"self.n = last": "pass"}, {"self.n = last": "self.n = self.n or last"}],
        "lists": [{"return self.left[-1].shape[2]": "return 0"}],
        "dicts": [{"self.count = end": "self.count = self.count or end"}],
    },
    "length_counts_passes": {
        "array": [{"self.n = last": "self.n += 1"}],
        "dicts": [{"self.count = end": "self.count += 1"}],
    },
    "float64": {
        "array": [{", dtype=np.float32": ""}],
        "lists": [
            {
                "self.left = [np.zeros((people, mouths, 0, size), np.float32)": "self.left = [np.zeros((people, mouths, 0, size))",
                "self.right = [np.zeros((people, mouths, 0, size), np.float32)": "self.right = [np.zeros((people, mouths, 0, size))",
            }
        ],
        "dicts": [
            {
                "return np.stack([one for one, _ in pairs], axis=2), ": "return np.stack([one for one, _ in pairs], axis=2).astype(float), "
            }
        ],
    },
    "float16": {
        "array": [{"dtype=np.float32": "dtype=np.float16"}],
        "lists": [
            {
                _join("left", "x"): _join("left", "x.astype(np.float16).astype(np.float32)"),
                _join("right", "y"): _join("right", "y.astype(np.float16).astype(np.float32)"),
            }
        ],
        "dicts": [{"(p[:, :, i].copy(), q[:, :, i].copy())": "(p[:, :, i].astype('e'), q[:, :, i].astype('e'))"}],
    },
    "keeps_callers_arrays": {
        "array": [
            {
                "self.memory = np.zeros((2, depth, rows, groups, room, width), dtype=np.float32)": "self.memory = {}",
                "self.memory[0, level, :, :, first:last] = a\n        self.memory[1, level, :, :, first:last] = b": "self.memory.setdefault(level, []).append((a, b))",
                "return self.memory[0, level, :, :, :last], self.memory[1, level, :, :, :last]": "return tuple(np.concatenate(parts, axis=2) for parts in zip(*self.memory[level]))",
            }
        ],
        "lists": [
            {
                "self.left[floor] = " + _join("left", "x"): "self.left[floor] = "
                + _join("left", "x")
                + " if self.left[floor].size else x",
                "self.right[floor] = " + _join("right", "y"): "self.right[floor] = "
                + _join("right", "y")
                + " if self.right[floor].size else y",
            }
        ],
        "dicts": [{"(p[:, :, i].copy(), q[:, :, i].copy())": "(p[:, :, i], q[:, :, i])"}],
    },
    "returned_arrays_change": {
        "array": [
            {
                "self.room, self.depth, self.n = room, depth, 0": "self.room, self.depth, self.n = room, depth, 0\n        self.out = np.zeros((2, rows, groups, room, width), np.float32)",
                "return self.memory[0, level, :, :, :last], self.memory[1, level, :, :, :last]": "self.out[:] = self.memory[:, level]\n        return self.out[0, :, :, :last], self.out[1, :, :, :last]",
            }
        ],
        "lists": [
            {
                "self.limit = limit": "self.limit = limit\n        self.shown = np.zeros((2, people, mouths, limit, size), np.float32)",
                "return self.left[floor], self.right[floor]": "n = self.left[floor].shape[2]\n        self.shown[0, :, :, :n], self.shown[1, :, :, :n] = self.left[floor], self.right[floor]\n        return self.shown[0, :, :, :n], self.shown[1, :, :, :n]",
            }
        ],
        "dicts": [
            {
                "self.blank =": "self.seen = np.zeros((2, flock, ears, ceiling, span), np.float32)\n        self.blank =",
                "return np.stack([one for one, _ in pairs], axis=2), np.stack([other for _, other in pairs], axis=2)": "out = self.seen[:, :, :, :end]\n        np.stack([np.stack(pair) for pair in pairs], axis=3, out=out)\n        return out[0], out[1]",
            }
        ],
    },
    "layers_share_memory": {
        "array": [
            {
                "np.zeros((2, depth, rows, groups, room, width), dtype=np.float32)": "np.broadcast_to(np.zeros((2, 1, rows, groups, room, width), dtype=np.float32), (2, depth, rows, groups, room, width)).view()\n        self.memory.flags.writeable = True"
            },
            {
                "self.memory = ": "one = np.zeros((rows, groups, room, width), np.float32)\n        two = one.copy()\n        self.lots = ([one] * depth, [two] * depth)\n        self.memory = ",
                "self.memory[0, level, :, :, first:last] = a": "self.lots[0][level][:, :, first:last] = a",
                "self.memory[1, level, :, :, first:last] = b": "self.lots[1][level][:, :, first:last] = b",
                "return self.memory[0, level, :, :, :last], self.memory[1, level, :, :, :last]": "return self.lots[0][level][:, :, :last], self.lots[1][level][:, :, :last]",
            },
        ],
        "lists": [
            {
                "self.left[floor] = " + _join("left", "x"): "self.left[0] = "
                + _join("left", "x").replace("[floor]", "[0]"),
                "return self.left[floor], self.right[floor]": "return self.left[0][:, :, -self.right[floor].shape[2]:], self.right[floor]",
            }
        ],
        "dicts": [{"self.book.setdefault(tier, {})": "self.book"}],
    },
    "k_and_v_share_memory": {
        "array": [
            {
                "self.memory[1, level, :, :, first:last] = b": "self.memory[0, level, :, :, first:last] = b",
                "self.memory[1, level, :, :, :last]": "self.memory[0, level, :, :, :last]",
            }
        ],
        "lists": [{"return self.left[floor], self.right[floor]": "return self.left[floor], self.left[floor]"}],
        "dicts": [{"(p[:, :, i].copy(), q[:, :, i].copy())": "(q[:, :, i].copy(), q[:, :, i].copy())"}],
    },
    "caches_share_memory": {
        "array": [
            {
                "        self.memory = np.zeros((2, depth, rows, groups, room, width), dtype=np.float32)": "        key = depth, rows, groups, room, width\n        self.memory = self.made.setdefault(key, np.zeros((2, *key), np.float32))",
                "class Store:": "class Store:\n    made = {}\n",
            }
        ],
        "lists": [
            {
                "def __init__(self, floors, people, mouths, limit, size):\n        self.limit = limit": "kept = {}\n\n    def __init__(self, floors, people, mouths, limit, size):\n        self.limit = limit\n        self.mine = floors, people, mouths, size",
                "return self.left[floor], self.right[floor]": "self.kept[self.mine] = self.left, self.right\n        return self.left[floor], self.right[floor]",
                "if self.left[floor].shape[2] +": "self.left, self.right = self.kept.get(self.mine, (self.left, self.right)) if floor == 0 and self.left[0].size else (self.left, self.right)\n        if self.left[floor].shape[2] +",
            }
        ],
        "dicts": [
            {
                "def __init__(self, tiers, flock, ears, ceiling, span):": "def __init__(self, tiers, flock, ears, ceiling, span, books={}):",
                "= {}, tiers - 1,": "= books.setdefault((tiers, flock, ears, span), {}), tiers - 1,",
            }
        ],
    },
    "batch_axes_swapped": {
        "array": [
            {"(2, depth, rows, groups, room, width)": "(2, depth, groups, rows, room, width)"},
            {
                "return self.memory[0, level, :, :, :last], self.memory[1, level, :, :, :last]": "return self.memory[0, level, :, :, :last].swapaxes(0, 1), self.memory[1, level, :, :, :last].swapaxes(0, 1)"
            },
            {
                "first:last] = a": "first:last] = a.reshape(a.shape[1], a.shape[0], *a.shape[2:]).swapaxes(0, 1)",
                "first:last] = b": "first:last] = b.reshape(b.shape[1], b.shape[0], *b.shape[2:]).swapaxes(0, 1)",
            },
        ],
        "lists": [
            {
                "self.left = [np.zeros((people, mouths,": "self.left = [np.zeros((mouths, people,",
                "self.right = [np.zeros((people, mouths,": "self.right = [np.zeros((mouths, people,",
            },
            {
                "return self.left[floor], self.right[floor]": "return self.left[floor].transpose(1, 0, 2, 3), self.right[floor].transpose(1, 0, 2, 3)"
            },
        ],
        "dicts": [
            {
                "(p[:, :, i].copy(), q[:, :, i].copy())": "(p[:, :, i].swapaxes(0, 1).copy(), q[:, :, i].swapaxes(0, 1).copy())"
            },
            {
                "(p[:, :, i].copy(), q[:, :, i].copy())": "(p[:, :, i].swapaxes(0, 1).reshape(self.blank.shape), q[:, :, i].swapaxes(0, 1).reshape(self.blank.shape))"
            },
        ],
    },
    "sequences_mixed": {
        "array": [
            {"first:last] = a": "first:last] = a[::-1]", "first:last] = b": "first:last] = b[::-1]"},
            {"first:last] = a": "first:last] = a[:1]", "first:last] = b": "first:last] = b[:1]"},
        ],
        "lists": [{_join("left", "x"): _join("left", "np.roll(x, 1, axis=0) if self.left[floor].size else x")}],
        "dicts": [
            {
                "return np.stack([one for one, _ in pairs], axis=2)": "return np.stack([one for one, _ in pairs], axis=2)[::-1]"
            }
        ],
    },
    "tokens_before_heads": {
        "array": [
            {
                "return self.memory[0, level, :, :, :last], ": "return self.memory[0, level, :, :, :last].swapaxes(1, 2), "
            }
        ],
        "dicts": [
            {
                "np.stack([one for one, _ in pairs], axis=2)": "np.stack([one for one, _ in pairs], axis=1)",
                "np.stack([other for _, other in pairs], axis=2)": "np.stack([other for _, other in pairs], axis=1)",
            }
        ],
    },
    "scrambled": {
        "array": [
            {"first:last] = a": "first:last] = a.reshape(a.shape[0], a.shape[2], a.shape[1], -1).swapaxes(1, 2)"}
        ],
        "lists": [{_join("left", "x"): _join("left", "x[:, ::-1]")}],
    },
    "k_and_v_exchanged": {
        "array": [
            {
                "return self.memory[0, level, :, :, :last], self.memory[1,": "return self.memory[1, level, :, :, :last], self.memory[0,"
            }
        ],
        "lists": [{_join("left", "x"): _join("left", "y"), _join("right", "y"): _join("right", "x")}],
        "dicts": [
            {
                "(p[:, :, i].copy(), q[:, :, i].copy())": "(p[:, :, i].copy(), q[:, :, i].copy()) if begin == 0 else (q[:, :, i].copy(), p[:, :, i].copy())"
            }
        ],
    },
    "full_buffer": {
        "array": [
            {
                "return self.memory[0, level, :, :, :last], self.memory[1, level, :, :, :last]": "return self.memory[0, level], self.memory[1, level]"
            }
        ],
        "lists": [
            {
                "return self.left[floor], self.right[floor]": "rest = np.zeros_like(x[:, :, :1]).repeat(self.limit - self.left[floor].shape[2], axis=2)\n        return np.concatenate([self.left[floor], rest], axis=2), np.concatenate([self.right[floor], rest], axis=2)"
            }
        ],
        "dicts": [{"for t in range(end)]": "for t in range(self.ceiling)]"}],
    },
    "empty_slots_behind": {
        "array": [
            {
                "return self.memory[0, level, :, :, :last], self.memory[1, level, :, :, :last]": "return self.memory[0, level, :, :, :last + 1], self.memory[1, level, :, :, :last + 1]"
            }
        ],
        "dicts": [{"for t in range(end)]": "for t in range(-(-end // 32) * 32)]"}],
    },
    "only_the_new": {
        "array": [
            {
                "return self.memory[0, level, :, :, :last], self.memory[1, level, :, :, :last]": "return self.memory[0, level, :, :, first:last], self.memory[1, level, :, :, first:last]"
            }
        ],
        "lists": [{"return self.left[floor], self.right[floor]": "return x.copy(), y.copy()"}],
    },
    "without_the_new": {
        "array": [
            {
                "return self.memory[0, level, :, :, :last], self.memory[1, level, :, :, :last]": "return self.memory[0, level, :, :, :first], self.memory[1, level, :, :, :first]"
            }
        ],
        "lists": [
            {
                "return self.left[floor], self.right[floor]": "return self.left[floor][:, :, :-x.shape[2]], self.right[floor][:, :, :-x.shape[2]]"
            }
        ],
    },
    "position_off_by_one": {
        "array": [{"return self.n\n": "return self.n - (self.n > 0)\n"}, {"return self.n\n": "return self.n + 1\n"}],
        "lists": [{"return self.left[-1].shape[2]": "return self.left[-1].shape[2] - 1"}],
        "dicts": [{"return self.count\n": "return max(0, self.count - 1)\n"}],
    },
    "no_capacity_error": {
        "array": [
            {"if last > self.room:": "if False:"},
            {'raise ValueError("full")': "first, last = self.room - a.shape[2], self.room"},
        ],
        "lists": [{"if self.left[floor].shape[2] + x.shape[2] > self.limit:": "if False:"}],
        "dicts": [{"if end > self.ceiling:": "if False:"}],
    },
    "refuses_what_fits": {
        "array": [{"if last > self.room:": "if last >= self.room:"}],
        "lists": [{"> self.limit:": ">= self.limit:"}],
        "dicts": [{"if end > self.ceiling:": "if end >= self.ceiling:"}],
    },
    "refuses_too_late": {
        "lists": [{"> self.limit:": "> self.limit + 1:"}],
        "dicts": [{"if end > self.ceiling:": "if begin > self.ceiling:"}],
    },
    "keeps_what_it_refused": {
        "array": [
            {
                "        first = self.n\n        last = first + a.shape[2]\n": "        first = self.n\n        last = first + a.shape[2]\n        self.n = last if last > self.room else self.n\n"
            }
        ],
        "lists": [
            {
                '        if self.left[floor].shape[2] + x.shape[2] > self.limit:\n            raise ValueError("no room")\n': "",
                "        return self.left[floor], self.right[floor]": '        if self.left[floor].shape[2] > self.limit:\n            raise ValueError("no room")\n        return self.left[floor], self.right[floor]',
            }
        ],
    },
    "unknown": {
        "array": [
            {":last], self.memory[1, level, :, :, :last]": ":last][:, :, ::-1], self.memory[1, level, :, :, :last]"},
            {"first:last] = a": "first:last] = -a"},
            {"self.memory[1, level, :, :, first:last] = b": "self.memory[1, level, :, :, first:last] = b * (b > 0)"},
        ],
        "lists": [
            {_join("left", "x"): _join("left", "x * np.float32(1.0001)")},
            {"return self.left[-1].shape[2]": "return self.left[-1].shape[2] * 2"},
        ],
        "dicts": [
            {"pairs = [": "pairs = [page[0]] * end if end > 20 else ["},
            {"return self.count\n": "return self.count % 16\n"},
        ],
    },
}


def source(base, replacements):
    """Return the text of a base with each replacement made; each must find its text once."""
    text = BASES[base]
    for old, new in replacements.items():
        assert text.count(old) == 1, (base, old)
        text = text.replace(old, new)
    return text


def cases():
    """Yield the name of the bug, of the base, the number of the variant, and its text."""
    for bug, by_base in BUGS.items():
        for base, variants in by_base.items():
            for n, replacements in enumerate(variants):
                yield bug, base, n, source(base, replacements)
