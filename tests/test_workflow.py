"""Protects the workflow: the one that publishes has no more rights than it needs, and runs what was looked at."""

import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[1]
WORKFLOWS = sorted((ROOT / ".github/workflows").glob("*.yml"))


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_every_action_is_pinned_to_a_commit_and_says_its_version(path):
    used = re.findall(r"uses: (.*)", path.read_text(encoding="utf-8"))
    assert used
    for action in used:
        assert re.fullmatch(r"[\w-]+/[\w-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+", action), action


@pytest.mark.parametrize("path", WORKFLOWS, ids=lambda path: path.name)
def test_nothing_may_be_written_but_what_publishing_needs(path):
    workflow = yaml.safe_load(path.read_text(encoding="utf-8"))
    assert workflow["permissions"] == {"contents": "read"}
    rights = {name: job["permissions"] for name, job in workflow["jobs"].items() if "permissions" in job}
    assert rights == {"publish": {"pages": "write", "id-token": "write"}}
    assert "event_name == 'push'" in workflow["jobs"]["publish"]["if"]


def test_there_is_a_workflow_that_runs_what_the_readme_says():
    assert WORKFLOWS
    runs = [step.get("run") for step in jobs()["build"]["steps"]]
    assert {"make site", "make test"} <= set(runs)


def test_the_parts_of_the_slow_job_are_all_tests():
    *parts, rest = jobs()["slow"]["strategy"]["matrix"]["tests"]
    named = [path for part in parts for path in part.split()]
    assert all((ROOT / path).exists() for path in named)
    assert rest == " ".join(["tests", *(f"--ignore {path}" for path in named)])
    assert 'make test-all TESTS="$TESTS"' in [step.get("run") for step in jobs()["slow"]["steps"]]


def jobs():
    return yaml.safe_load(WORKFLOWS[0].read_text())["jobs"]
