"""`make mutate`: change one thing at a time, rebuild, and look for what stands on a page though it is no longer true.

Each mutation of mutations.toml is applied to a copy of the project, which is built as a draft. Printed is, for each,
how many numbers moved on how many pages, and which claims fell. What must not be is a number that its own call no
longer gives, a claim that the results contradict and whose words stand all the same, a measurement of other code, or a
traceback. Ends with 1 if there is any.
"""

import json
import os
import shutil
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from small_project import LEFT_BEHIND, Project
from test_build import numbers, pages, results

ROOT = Path(__file__).parents[1]
MUTATIONS = ROOT / "tests/mutations.toml"
TAKEN = ("docs", "figures_src", "kvlab", "mkdocs.yml", "pyproject.toml", "CHANGELOG.md", "CITATION.cff")

# What a page's module claims, in a process that knows nothing of the build; and what the record was measured with.
CLAIMS = """
import json
from pathlib import Path
from figures_src.book.records import page_of
from kvlab.benchmark import record
paths = sorted(path.relative_to("docs/en").with_suffix("").as_posix() for path in Path("docs/en").rglob("*.md"))
refuted = {path: sorted(name for name in page_of(path).claims if page_of(path).refuted(name)) for path in paths}
found = record.find()
print(json.dumps({"refuted": refuted, "stale": found is not None and found.stale}))
"""


def copy(folder):
    """Copy the project, with what its builds have kept, and return the copy."""
    for name in TAKEN:
        source = ROOT / name
        if source.is_dir():
            shutil.copytree(source, folder / name, ignore=LEFT_BEHIND)
        elif source.exists():
            shutil.copy(source, folder / name)
    if (ROOT / ".cache").exists():
        shutil.copytree(ROOT / ".cache", folder / ".cache")
    return Project(folder, is_small=False)


def shown(project):
    """Return the numbers of each page, as call and exact value, and which claims it lists as false."""
    return {
        name: [(a["data-from"], a["value"]) for a, _ in numbers(page)] for name, page in pages(project.site()).items()
    }


def run_in(project, program, **environment):
    """Run a program in the project, and return what it prints."""
    env = {**project.environment, "PYTHONPATH": str(project.root), **environment}
    run = subprocess.run([sys.executable, "-c", program], cwd=project.root, env=env, capture_output=True, text=True)
    assert run.returncode == 0, run.stderr
    return run.stdout


def faults_of(project, now):
    """Return what stands on pages of a mutated project and should not."""
    calls = sorted({call for page in now.values() for call, _ in page if call.startswith("kvlab.")})
    right = results(calls, project)
    faults = [
        f"{name}: {call} is {right[call]}, and {value} stands there"
        for name, page in now.items()
        for call, value in page
        if call in right and right[call] != value
    ]
    found = json.loads(run_in(project, CLAIMS))
    for path, names in found["refuted"].items():
        for folder in ("", "es/"):
            html = (project.root / "site" / f"{folder}{path}.html").read_text(encoding="utf-8")
            if names and "kv-refuted-list" not in html:
                faults.append(
                    f"{folder}{path}.html: the results contradict {', '.join(names)}, and no words are marked"
                )
            if not names and "kv-refuted" in html:
                faults.append(f"{folder}{path}.html: words are marked, and every claim holds")
    if found["stale"]:
        faults.append("the record was measured with other code, and the pages quote it as if it were new")
    return faults


def tried(mutation, before):
    """Apply one mutation, build, and return lines that report it, and its faults."""
    with tempfile.TemporaryDirectory() as folder:
        project = copy(Path(folder) / "project")
        if "file" in mutation:
            project.edit(mutation["file"], mutation["old"], mutation["new"])
        else:
            run_in(project, mutation["run"], PYTHONPATH=f"{project.root}{os.pathsep}{ROOT / 'tests'}")
        code, log = project.build(KVLAB_DRAFT="1")
        if code:
            sentence = next((line for line in reversed(log.splitlines()) if "ERROR" in line), "no sentence")
            faults = [f"a traceback, or no sentence: {log[-2000:]}"] if "Traceback" in log or "ERROR" not in log else []
            return [f"refused: {sentence[:300]}"], faults
        now = shown(project)
        moved = {name: sum(a != b for a, b in zip(before[name], now[name], strict=False)) for name in before}
        pages_moved = {name: count for name, count in moved.items() if count}
        fallen = sorted({line.partition(": ")[2] for line in log.splitlines() if "The claim: " in line})
        lines = [f"{sum(pages_moved.values())} numbers moved on {len(pages_moved)} pages"]
        lines += [f"  {count:5} {name}" for name, count in sorted(pages_moved.items())]
        lines += [f"  fell: {line[:200]}" for line in fallen]
        return lines, faults_of(project, now)


def main(names):
    """Try the mutations with these names, or all."""
    mutations = tomllib.loads(MUTATIONS.read_text(encoding="utf-8"))
    with tempfile.TemporaryDirectory() as folder:
        project = copy(Path(folder) / "project")
        project.built(KVLAB_DRAFT="1")
        before = shown(project)
    asked = {name: mutations[name] for name in names or mutations}
    with ThreadPoolExecutor(2) as pool:
        reports = list(pool.map(lambda mutation: tried(mutation, before), asked.values()))
    for name, (lines, faults) in zip(asked, reports, strict=True):
        print(f"\n{name}: {asked[name]['what']}", *lines, *(f"  STANDS: {fault}" for fault in faults), sep="\n")
    stands = sum(len(faults) for _, faults in reports)
    print(f"\n{len(asked)} mutations; {stands or 'nothing'} stands that should not")
    return 1 if stands else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
