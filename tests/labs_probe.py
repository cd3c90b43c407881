"""An observer for the sandbox's own tests: says that it begins, lets the file go, and says that it ends."""


def observe(solution, say):
    say("begun", True)
    if hasattr(solution, "go"):
        say("returned", solution.go())
    say("ended", True)
