"""The labs: a starter for the reader's file, a checker that says what passes, and one solution each.

**A lab is one package**, `kvlab/labs/lab_NN`, found by its name; its `checker` has

    CHECKS: tuple[str, ...]             names of what is checked, in the order in which it is said
    def check(path: Path) -> Result     judges the reader's file by its behaviour, never by its text

and these files, found by their names (`LANGUAGE` is `en` or `es`; the code of both is the same but for words):

    starters/starter_NN.py              what `kvlab lab start` writes; prints nothing, as nothing does but kvlab/cli
    solutions/solution_NN.py            complete; `check` passes it whole; the page of the solution shows it
    …/starter_NN.es.toml                its lines of words in Spanish; the code of both languages is one
    words/lab_NN.LANGUAGE.toml          `title`, `file` (a name to suggest, such as `my_cache.py`), `checked` (what the
                                        checker is then given: `{path}`, or the `{csv}` next to it), `[checks]` with
                                        a sentence for each name of CHECKS, and whatever the findings say

**`check` runs the reader's code in the sandbox**, never in its own process:

    outcome = sandbox.run("kvlab.labs.lab_NN.probe:observe", path)

starts a process of its own, in which `observe(solution, say)` gets the reader's file as a module, and says what it
sees with `say(name, value)`; a value is anything that JSON can write. Back come `outcome.said`, by name, what was said
before any trouble included, and `outcome.trouble`: None, or a `Finding` that says in one sentence what went wrong (a
syntax error, an exception that `observe` let pass, an end before the end, too much time, memory or output). `observe`
looks and does not judge: the verdict is a function of what it said, in `checker`, and so can be tested without a
process. A lab whose file is no code, such as a CSV, needs no sandbox.

**A result** has the names of the checks that passed and those that failed, and the diagnosis: `Finding`s, each the
dotted key of a sentence in the words (`lab_01.bugs.slot_too_low`) and what is put into it. All of `CHECKS` are in one
or the other; `Result.of(CHECKS, passed, diagnosis)` sees to that.

As JSON, `passed` and `failed` are lists of names, and `diagnosis` is a list of objects with `name`, the last part of
the key and the same in every language, and `sentence`.
"""

from kvlab.labs.lab import Finding, Result, check, checks, numbers, solution, start, starter

__all__ = ["Finding", "Result", "check", "checks", "numbers", "solution", "start", "starter"]
