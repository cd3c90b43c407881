"""A small book for tests that build: three pages in each language, with something of every kind that a page can show.

It is the project itself with other pages: its model, its hook and its theme are copied, so that a test may change them.
A build takes three seconds of a processor, where the whole book takes a minute.
"""

import os
import re
import shutil
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from pinned import pinned

from figures_src import store
from kvlab.benchmark import record

ROOT = Path(__file__).parents[1]
SIZE_LINE = "return 2 * n_layers * n_kv_heads * head_dim * context"  # of the formula that theory/size shows

NAV = """\
nav:
  - Home: index.md
  - Theory:
      - theory/size.md
  - Reference:
      - reference/speed.md

"""

PAGES = {
    "docs/en/index.md": """\
---
title: A small book
summary: "A book of [[pages]] pages, made for the tests."
---

# A small book { #top }

It begins with [[said:quoted]], and goes on to [the size](theory/size.md#formula) and [the speed](reference/speed.md).

!!! note
    Nothing here depends on a formula.

[[list terms]]
""",
    "docs/es/index.md": """\
---
title: Un libro pequeño
summary: "Un libro de [[pages]] páginas, hecho para las pruebas."
---

# Un libro pequeño { #top }

Empieza por [[said:quoted]], y sigue con [el tamaño](theory/size.md#formula) y [la velocidad](reference/speed.md).

!!! note
    Nada de esto depende de una fórmula.

[[list terms]]
""",
    "docs/en/theory/size.md": """\
---
title: "The size of [[tokens]] tokens"
summary: A cache takes [[size:KiB]].
---

# The size of a cache { #top }

The formula is $M = [[form]]$, and the whole takes [[share:percent]] of the memory.

## What [[tokens]] tokens take { #formula }

[[derive derived]]

[[table sizes]]
| Tokens | Size |
[[if half_takes_less]] The cache of the MiniGPT, at most [[size:KiB]].

[[fig rising]]
alt: A line that ends at [[size:KiB]].
The cache grows to [[size:KiB]].

[[call size]]

[[field reason]]
Why does it take [[size:KiB]]?

[[if half_takes_less]] Fewer tokens take less. Back to [the first page](../index.md).
""",
    "docs/es/theory/size.md": """\
---
title: "El tamaño de [[tokens]] tokens"
summary: Una caché ocupa [[size:KiB]].
---

# El tamaño de una caché { #top }

La fórmula es $M = [[form]]$, y el total ocupa el [[share:percent]] de la memoria.

## Lo que ocupan [[tokens]] tokens { #formula }

[[derive derived]]

[[table sizes]]
| Tokens | Tamaño |
[[if half_takes_less]] La caché del MiniGPT, como mucho [[size:KiB]].

[[fig rising]]
alt: Una línea que termina en [[size:KiB]].
La caché crece hasta [[size:KiB]].

[[call size]]

[[field reason]]
¿Por qué ocupa [[size:KiB]]?

[[if half_takes_less]] Menos tokens ocupan menos. De vuelta a [la primera página](../index.md).
""",
    "docs/en/reference/speed.md": """\
---
title: The speed
summary: How fast a device reads, and how long a step takes.
---

# The speed { #top }

The RTX 4090 reads [[bandwidth:GB_s]].

A step takes [[step:fixed1]] µs.

[[file length]]
""",
    "docs/es/reference/speed.md": """\
---
title: La velocidad
summary: Con qué rapidez lee un dispositivo, y cuánto tarda un paso.
---

# La velocidad { #top }

La RTX 4090 lee [[bandwidth:GB_s]].

Un paso tarda [[step:fixed1]] µs.

[[file length]]
""",
    "figures_src/pages/index.py": '''\
"""`index`: numbers that no formula gives, and a term of the glossary."""

from figures_src.declared.page import Page
from figures_src.pages.shared import glossary
from kvlab import units
from kvlab.experiments import minigpt

page = Page("index")
page.parameter("pages", 3)
page.value("said", minigpt.prompt_text, prompt="Yesterday I")


@page.entries
def terms(words):
    return [entry for entry in glossary.entries(words) if entry.id == "slot"]
''',
    "figures_src/pages/theory_size.py": '''\
"""`theory/size`: a formula, and everything that can be made of it."""

from figures_src.plots import rising
from figures_src.declared.page import Page, Shown
from figures_src.pages.shared.shapes import kv_shapes
from figures_src.declared.values import call
from kvlab import units
from kvlab.accounting import memory

page = Page("theory/size")
SHAPES = kv_shapes("MiniGPT")
tokens = page.parameter("tokens", 128)


def cache(context):
    return call(memory.kv_cache_bytes, **SHAPES, context=context, batch=1, bytes_per_element=4)


size = page.reuse("size", cache(tokens))
page.value("share", units.ratio, numerator=size, denominator=2**20)
page.formula("form", memory.kv_cache_bytes)
page.derivation("derived", "M", size, "B")
page.blank("reason")
page.claim("half_takes_less", cache(64), size)


@page.table
def sizes(words):
    return [[words("sample.tokens").format(n=n), Shown(cache(n), "KiB")] for n in (64, 128)]


def rising_data():
    return [rising.Row(context, cache(context).result) for context in (32, 64, 128)]


page.figure("rising", rising_data, rising.draw)
''',
    "figures_src/pages/reference_speed.py": '''\
"""`reference/speed`: a number of the catalog, one of the record of measurements, and lines of a lab's program."""

from figures_src.declared.page import Page
from figures_src.declared.values import call
from figures_src.pages.shared.measurements import measured
from kvlab import catalog, labs
from kvlab.labs.lab import excerpt

page = Page("reference/speed")
page.reuse("bandwidth", call(catalog.device, name="RTX 4090").field("bandwidth_bytes_per_second"))
page.reuse("step", measured("bench.mini.decode_us_per_token"))
page.file("length", lambda language: excerpt(labs.starter("01", language), "def length", 2))
''',
    "figures_src/plots/rising.py": '''\
"""A line: bytes against tokens."""

from typing import NamedTuple

from figures_src.plots.style import new_figure


class Row(NamedTuple):
    tokens: int
    bytes: int


def draw(rows, words, palette):
    figure, [ax] = new_figure(palette, height_points=120)
    ax.plot([row.tokens for row in rows], [row.bytes for row in rows], color=palette.series[0])
    ax.set_xlabel(words("rising.x"))
    return figure
''',
    "figures_src/words/claims.toml": """\
["theory/size"]
half_takes_less.en = "half as many tokens take less"
half_takes_less.es = "la mitad de los tokens ocupa menos"
""",
}

WORDS = {
    "en": """
[rising]
x = "tokens"

[sample]
tokens = "{n} tokens"
""",
    "es": """
[rising]
x = "tokens"

[sample]
tokens = "{n} tokens"
""",
}

# What takes longest to make again, and depends on no page.
PICTURES = ("font", "preview")
# Of the book's own page modules and figures, what the small book uses too.
SHARED = ("__init__", "measurements", "shapes", "style")
LEFT_BEHIND = shutil.ignore_patterns("__pycache__")


@dataclass
class Project:
    """A project in a folder of its own, to be changed and built."""

    root: Path
    is_small: bool = True

    @cached_property
    def environment(self):
        """The environment of its builds; of the small one without the API page, and with measurements of its own."""
        small = {"KVLAB_API": "false", "KVLAB_RECORDS": str(self.root / "records")}
        always = {"SOURCE_DATE_EPOCH": "1767225600", "NO_MKDOCS_2_WARNING": "1"}
        return {**os.environ, **always, **(small if self.is_small else {})}

    def start(self, *command, **options):
        """Start a command of mkdocs, and return its process: of builds, no two share one."""
        return subprocess.Popen(
            [sys.executable, "-m", "mkdocs", *command],
            cwd=self.root,
            text=True,
            **{"env": self.environment, "stdout": subprocess.DEVNULL, "stderr": subprocess.PIPE, **options},
        )

    def build(self, *options, **environment):
        """Build the site, and return the exit code and the log."""
        process = self.start("build", "--strict", *options, env={**self.environment, **environment})
        log = process.communicate(timeout=900)[1]
        return process.returncode, log

    def built(self, *options, **environment):
        """Build the site, which must succeed, and return the log."""
        code, log = self.build(*options, **environment)
        assert code == 0, log
        return log

    def site(self, folder="site"):
        """Return the files of the built site by name."""
        return {
            path.relative_to(self.root / folder).as_posix(): path.read_bytes()
            for path in sorted((self.root / folder).rglob("*"))
            if path.is_file()
        }

    def edit(self, file, old, new):
        """Replace a text in a file, which must be there, and return the line on which it stands."""
        path = self.root / file
        text = path.read_text(encoding="utf-8")
        assert old in text, f"{file} does not say {old!r}"
        path.write_text(text.replace(old, new), encoding="utf-8")
        return text[: text.index(old)].count("\n") + 1

    def forget(self, *but):
        """Remove what builds have kept, of every kind but those that are named."""
        with closing(sqlite3.connect(self.root / ".cache" / store.FILE)) as database:
            database.execute(f"DELETE FROM kept WHERE kind NOT IN ({', '.join('?' * len(but))})", but)
            database.commit()


def write(root):
    """Write the small project into a folder."""
    for folder in ("kvlab", "figures_src"):
        shutil.copytree(ROOT / folder, root / folder, ignore=LEFT_BEHIND)
    for folder in ("pages", "figures"):
        for path in (root / "figures_src" / folder).glob("*.py"):
            if path.stem not in SHARED:
                path.unlink()
    config = (ROOT / "mkdocs.yml").read_text(encoding="utf-8")
    config, replaced = re.subn(r"^nav:.*?\n\n", NAV, config, flags=re.MULTILINE | re.DOTALL)
    assert replaced == 1
    (root / "mkdocs.yml").write_text(config, encoding="utf-8")
    for file, text in PAGES.items():
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).write_text(text, encoding="utf-8")
    for language, words in WORDS.items():
        with (root / f"figures_src/words/{language}.toml").open("a", encoding="utf-8") as file:
            file.write(words)
    (root / "records").mkdir()
    measured = record.keep(pinned())
    shutil.copy(measured, root / "records" / measured.name)
    return Project(root)
