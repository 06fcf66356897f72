"""Copy the accepted rows of a draft into the files of its domain, and set the study's sizes to fit them.

Usage: python tools/accept.py OUT [--review FILE] [--all]
(`make accept OUT=domains/NAME [REVIEW=review.csv] [ALL=1]` calls it)

Only rows with the status `accepted` are taken; with --all every row that is not `rejected`, for a first pass without a
review. A review is what OUT/draft/review.html saves; it is kept as OUT/draft/review.csv and holds until another is
given. It can be called as often as rows change; the page is written anew where the draft's tables have.
"""

import argparse
import sys
from pathlib import Path

import tatara_path
from tatara.draft.accept import accept
from tatara.draft.review_page import refresh_review_page
from tatara.job.errors import InputError


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the domain, which holds draft/")
    parser.add_argument("--all", action="store_true", help="take every row that was not rejected")
    parser.add_argument("--review", type=Path, metavar="FILE", help="CSV that OUT/draft/review.html saved")
    arguments = parser.parse_args()
    review = arguments.review and arguments.review.expanduser()  # not every shell does that after REVIEW=
    try:
        refresh_review_page(arguments.out)
        counts = accept(arguments.out, tatara_path.REPOSITORY, arguments.all, review)
    except InputError as error:
        print(f"ERROR: {error}", file=sys.stderr)
        return 1
    print(f"{arguments.out}: " + ", ".join(f"{count} {what}" for what, count in counts.items()))
    return 0


if __name__ == "__main__":
    sys.exit(main())
