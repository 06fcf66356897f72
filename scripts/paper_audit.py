"""Write docs/paper-audit.md: the paper's numbers recomputed from its other numbers (resources/paper).

Usage: python scripts/paper_audit.py [--help]
"""

import argparse
from pathlib import Path

from tatara.files import write_text
from tatara.paper_audit import audit, page

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    output = ROOT / "docs" / "paper-audit.md"
    write_text(output, page(audit(ROOT / "resources" / "paper")))
    print(f"wrote {output}")


if __name__ == "__main__":
    main()
