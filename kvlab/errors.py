"""The one error that is the user's to mend."""


class KvlabError(ValueError):
    """Bad input. The message is one sentence that names what was wrong and what would be right."""
