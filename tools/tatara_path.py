"""Lets the tools import the package: `import tatara_path` puts scripts/ on the path."""

import sys
from pathlib import Path

REPOSITORY = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(REPOSITORY / "scripts"))
