"""Who may read the results: safetensors writes files for their owner alone, whatever the umask says."""

import os
from collections.abc import Iterable
from pathlib import Path

from tatara.job.fingerprint import files_of


def follow_umask(outputs: Iterable[str | Path]) -> None:
    """Give the files of outputs, files or folders, the permissions that the umask leaves a new file.

    None is taken away, and a file that is another one too (a link to what the user brought) stays as it is.
    """
    umask = os.umask(0)
    os.umask(umask)
    for output in map(Path, outputs):
        for file in filter(Path.is_file, files_of(output)):
            status = file.lstat()
            missing = 0o666 & ~umask & ~status.st_mode
            if missing and status.st_nlink == 1 and not file.is_symlink():
                file.chmod(status.st_mode & 0o7777 | missing)
