"""Lab 02: the reader writes the test that a cache changes nothing, and the checker tests the test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from kvlab.labs import sandbox
from kvlab.labs.lab import Finding, Result
from kvlab.labs.lab_02.broken import BROKEN
from kvlab.labs.sandbox import Limits, Outcome

N_PROMPTS, N_TOKENS = 50, 64

CHECKS = ("there", "right", "size", *BROKEN)

# The right cache takes a whole run, some six seconds of a processor; each broken one that gets past the test, another.
ON_RIGHT = Limits(processor_seconds=60, seconds=240)
ON_BROKEN = Limits(processor_seconds=180, seconds=600)


def check(path: Path) -> Result:
    """Return which caches the test in the reader's file turns down; the right one must not be among them."""
    right = sandbox.run("kvlab.labs.lab_02.probe:observe_right", path, ON_RIGHT)
    if right.trouble or verdict_on_right(right.said):
        return judged(right, Outcome())
    return judged(right, sandbox.run("kvlab.labs.lab_02.probe:observe_broken", path, ON_BROKEN))


def judged(right: Outcome, broken: Outcome) -> Result:
    """Return the result of what was observed with the right cache, and with the broken ones."""
    said = right.said
    passed = ["there"] if said.get("there") else []
    findings = [right.trouble] if right.trouble else verdict_on_right(said)
    if findings:  # a test that is no judge of the right cache is none of any other
        return Result.of(CHECKS, passed, findings)
    passed.append("right")
    complete = sum(tokens >= N_TOKENS for tokens in said["tokens"])
    if complete >= N_PROMPTS:
        passed.append("size")
    else:
        most = max(said["tokens"], default=0)
        given = {"complete": complete, "prompts": len(said["tokens"]), "most": most}
        findings.append(Finding("lab_02.findings.size", {**given, "n_prompts": N_PROMPTS, "n_tokens": N_TOKENS}))
    if broken.trouble:
        findings.append(broken.trouble)
    for name in BROKEN:
        if broken.said.get(name) in ("fails", "raises"):
            passed.append(name)
        elif name in broken.said:
            findings.append(Finding(f"lab_02.passes.{name}"))
    return Result.of(CHECKS, passed, findings)


def verdict_on_right(said: dict[str, Any]) -> list[Finding]:
    """Return what is wrong with a test that cannot judge: one that is not there, or not right about the right cache."""
    if not said.get("there"):
        return [Finding("lab_02.findings.no_test")]
    verdict = dict(said["verdict"])
    kind = verdict.pop("verdict")
    if kind != "passes":
        return [Finding(f"lab_02.findings.{kind}", verdict)]
    return [] if said["caches"] else [Finding("lab_02.findings.not_asked")]
