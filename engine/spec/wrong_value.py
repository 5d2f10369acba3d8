"""How a validator of the models says what is wrong and how to put it right."""


class WrongValue(ValueError):
    """A value that its key cannot have: becomes a diagnostic at the value.

    The message follows the key's name (``is no duration``) and never quotes the value: it may be a secret.
    """

    def __init__(self, message: str, suggestion: str = "", rule: str = "invalid-value") -> None:
        super().__init__(message)
        self.suggestion = suggestion
        self.rule = rule
