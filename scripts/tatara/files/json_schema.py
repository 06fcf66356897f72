"""The shape of what a file holds, checked against a JSON schema before anything is done with it.

Each problem comes with its key and what was expected there.
"""

import difflib

from jsonschema import Draft202012Validator

_LONGEST = 300  # characters of a message that are shown


def _name(path) -> str:
    return ".".join(str(part) for part in path)


def _describe(schema: dict, key: str) -> str:
    return schema.get("properties", {}).get(key, {}).get("description", "add it")


def _unknown_keys(error, noun: str) -> list[tuple[tuple, str]]:
    known = list(error.schema.get("properties", {}))
    problems = []
    # A key of a mapping may be no text: null, a number.
    for key in sorted(str(key) for key in error.instance if key not in known):
        path = (*error.absolute_path, key)
        near = difflib.get_close_matches(key, known, n=1)
        hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
        problems.append((path, f"unknown {noun} {_name(path)}: {hint}"))
    return problems


def _wrong_value(error) -> str:
    if error.validator == "enum":
        expected = ", ".join(str(value) for value in error.validator_value)
        return f"expected one of {expected}, found {error.instance}"
    message = error.message
    if len(message) > _LONGEST:  # the value may be a whole file
        message = f"{message[: _LONGEST // 2]} … {message[-_LONGEST // 2 :]}"
    text_expected = error.validator == "type" and "string" in error.validator_value
    if text_expected and not isinstance(error.instance, list | dict | None):  # a number, a date, true
        message += "; write it in quotes"
    return message


def _explain(error, noun: str) -> list[tuple[tuple, str]]:
    """Return one path and message for each thing that is wrong in a schema error."""
    path = tuple(error.absolute_path)
    if error.validator == "additionalProperties":
        return _unknown_keys(error, noun)
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return [
            ((*path, key), f"{noun} {_name([*path, key])} is missing: {_describe(error.schema, key)}")
            for key in missing
        ]
    description = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    message = f"{noun} {_name(path) or '(top)'}: {_wrong_value(error)}" + (f" ({description})" if description else "")
    return [(path, message)]


def schema_errors(content: object, schema: dict, noun: str = "key") -> list[tuple[tuple, str]]:
    """Return what is wrong with the shape of a content, the path of the key and a message each; [] when it fits.

    Args:
        content: what YAML or JSON gives.
        schema: draft 2020-12; the `description` of a part is what a message says was expected there.
        noun: what a key is called in the messages.
    """
    errors = sorted(Draft202012Validator(schema).iter_errors(content), key=lambda error: _name(error.absolute_path))
    return list(dict.fromkeys(problem for error in errors for problem in _explain(error, noun)))


def schema_problems(content: object, schema: dict, noun: str = "key") -> list[str]:
    """Return the messages of `schema_errors`."""
    return [message for _, message in schema_errors(content, schema, noun)]
