"""The shape of what a file holds, checked against a JSON schema before anything is done with it: each problem with its
key and what was expected.
"""

import difflib

from jsonschema import Draft202012Validator

_LONGEST = 300  # characters of a message that are shown


def _name(path) -> str:
    return ".".join(str(part) for part in path)


def _describe(schema: dict, key: str) -> str:
    return schema.get("properties", {}).get(key, {}).get("description", "add it")


def _explain(error, noun: str) -> list[str]:
    """Return one message for each thing that is wrong in a schema error."""
    where = error.absolute_path
    if error.validator == "additionalProperties":
        known = list(error.schema.get("properties", {}))
        messages = []
        # A key of a mapping may be no text: null, a number.
        for key in sorted(str(key) for key in error.instance if key not in known):
            near = difflib.get_close_matches(key, known, n=1)
            hint = f"did you mean {near[0]}?" if near else f"known keys: {', '.join(known)}"
            messages.append(f"unknown {noun} {_name([*where, key])}: {hint}")
        return messages
    if error.validator == "required":
        missing = [key for key in error.validator_value if key not in error.instance]
        return [f"{noun} {_name([*where, key])} is missing: {_describe(error.schema, key)}" for key in missing]
    if error.validator == "enum":
        expected = ", ".join(str(value) for value in error.validator_value)
        wrong = f"expected one of {expected}, found {error.instance}"
    else:
        wrong = error.message
    if len(wrong) > _LONGEST:  # the value found may be a whole file
        wrong = f"{wrong[: _LONGEST // 2]} … {wrong[-_LONGEST // 2 :]}"
    said = error.schema.get("description", "") if isinstance(error.schema, dict) else ""
    return [f"{noun} {_name(where) or '(top)'}: {wrong}" + (f" ({said})" if said else "")]


def schema_problems(content: object, schema: dict, noun: str = "key") -> list[str]:
    """Return what is wrong with the shape of a content, one message each; an empty list when it fits.

    Args:
        content: what YAML or JSON gives.
        schema: draft 2020-12; the `description` of a part is what a message says was expected there.
        noun: what a key is called in the messages.
    """
    errors = sorted(Draft202012Validator(schema).iter_errors(content), key=lambda error: _name(error.absolute_path))
    return list(dict.fromkeys(message for error in errors for message in _explain(error, noun)))
