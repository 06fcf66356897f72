"""Data (§4): the pairs by relation type, and what undersampling leaves."""

from paper_audit.checks import Check, Paper, compare, equal


def data(paper: Paper) -> list[Check]:
    """Return the checks of the data."""
    text, types = paper.text, paper["relations"]
    total = sum(row["pairs"] for row in types)
    chapter = next(row for row in types if row["relation_type"] == "HAS_CHAPTER")
    kept = text["retain"] * chapter["pairs"]
    removed = chapter["pairs"] - text["kept"]
    left = text["pool"] - removed
    printed, shares = [row["percent"] for row in types], [100 * row["pairs"] / total for row in types]
    after = 100 * text["kept"] / left
    return [
        Check(
            "§4.2",
            "The pairs of the 11 relation types add up to all pairs",
            f"{text['pairs']:,.0f}",
            f"{total:,}",
            equal(text["pairs"], total, 0),
        ),
        compare("§4.2", "Share of each of the 11 relation types", printed, shares, 1, unit=" %"),
        Check(
            "§4.2", "70 % of the HAS_CHAPTER pairs", f"{text['kept']:.0f}", f"{kept:.1f}", equal(text["kept"], kept, 0)
        ),
        Check(
            "§4.2, Figure 2, §8.5",
            "Share of HAS_CHAPTER after undersampling",
            f"{text['share_after']} %",
            f"{text['kept']:.0f} of {left:,.0f} is {after:.1f} %; {text['share_after']} % comes from dividing by the "
            f"{text['pool']:,.0f} of before",
            equal(text["share_after"], after, 1),
        ),
        Check(
            "§4.3",
            "Pairs in the pool after undersampling",
            f"{text['pool']:,.0f}",
            f"{text['pool']:,.0f} − {removed:.0f} = {left:,.0f}",
            equal(text["pool"], left, 0),
        ),
    ]
