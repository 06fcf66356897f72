"""Write docs/paper-audit.md: the paper's numbers recomputed from its other numbers (resources/paper).

Usage: python tools/paper_audit [--help]
"""

import argparse
import sys
from pathlib import Path

# A folder that is run stands on the path itself, not the folder that it lies in.
sys.path[0] = str(Path(__file__).resolve().parent.parent)


def main() -> None:
    argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    import tatara_path  # puts the package on the path, which the audit needs
    from tatara.files.text import write_text

    from paper_audit.page import audit, page

    output = tatara_path.REPOSITORY / "docs" / "paper-audit.md"
    write_text(output, page(audit(tatara_path.REPOSITORY / "resources" / "paper")))
    print(f"wrote {output}")


if __name__ == "__main__":
    main()
