"""The one exception that reaches a user.

Every stage raises `UserError` for what the user can mend: its text is one line that names the file, row or
key, says what was expected and what to do. `halochem.cli.main` prints it and exits with status 2; anything
else that escapes is a bug and keeps its traceback.
"""


class UserError(Exception):
    """A fault in the input, in one line: where it is, what was expected, what to do."""
