"""What to do about an error of the hub's client, in one sentence: repository, config key, and the way out."""

import contextlib
from collections.abc import Iterator

import httpx
from huggingface_hub import constants
from huggingface_hub.errors import (
    FileMetadataError,
    GatedRepoError,
    HfHubHTTPError,
    HFValidationError,
    LocalEntryNotFoundError,
    OfflineModeIsEnabled,
    RepositoryNotFoundError,
    RevisionNotFoundError,
)

from tatara.job.errors import InputError

SECONDS = 10.0  # that the hub has to answer
UNREACHABLE = (httpx.TransportError, OfflineModeIsEnabled, LocalEntryNotFoundError, FileMetadataError)


def _sentence(error: Exception, source: dict, key: str) -> str:
    """Return what to do about an error of the hub's client."""
    repo, place = source["repo"], constants.ENDPOINT
    status = error.response.status_code if isinstance(error, HfHubHTTPError) else None
    if isinstance(error, HFValidationError):
        return f"config key {key}.repo is {repo!r}: expected owner/name"
    if isinstance(error, GatedRepoError):
        step = (
            "log in with `hf auth login`, or set HF_TOKEN"
            if status == 401
            else "the account of your token has no access yet (`hf auth whoami` names it)"
        )
        return f"{repo} is gated (config key {key}.repo): accept its terms at {place}/{repo}; {step}; then run again"
    if isinstance(error, RevisionNotFoundError):
        return (
            f"{repo} has no revision {source['revision']} (config key {key}.revision): expected a branch, a tag or a "
            f"commit of {place}/{repo}/commits"
        )
    if isinstance(error, RepositoryNotFoundError):
        return (
            f"{place} knows no repository {repo} (config key {key}.repo), or shows it to its members alone: check "
            "the name, or log in with `hf auth login`"
        )
    if isinstance(error, httpx.RemoteProtocolError | httpx.ReadError):
        return (
            f"the connection broke while {repo} was fetched from {place} (config key {key}): run again, and the "
            "download goes on where it stopped"
        )
    if isinstance(error, OfflineModeIsEnabled) or constants.is_offline_mode():
        reason = f"HF_HUB_OFFLINE is set, and the cache {constants.HF_HUB_CACHE} does not hold all of its files"
    elif status:
        reason = f"{place} answers with status {status}"
    else:
        reason = f"{place} is out of reach ({type(error).__name__})"
    return (
        f"{repo} at revision {source['revision']} cannot be fetched (config key {key}): {reason}; "
        "without a network, bring a snapshot folder of it and name that under source.path.file instead of source.hub"
    )


@contextlib.contextmanager
def explained(source: dict, key: str) -> Iterator[None]:
    """Turn an error of the hub's client into an InputError of one sentence."""
    try:
        yield
    except (HfHubHTTPError, HFValidationError, *UNREACHABLE) as error:
        raise InputError(_sentence(error, source, key)) from error
