"""Where a sentence ends, in Japanese and in Latin script."""

import re

# A stop of Latin script ends one only before white space (1.5, example.org); brackets after a stop belong to it.
_SENTENCE = re.compile(r"[^\n]+?(?:[。！？]+[」』）】]*|[.!?]+[)\"'”’]*(?=\s|$)|(?=\n)|$)")


def sentences(text: str) -> list[str]:
    """Return the sentences of a text with their stops, without white space around them; a line break ends one as well.

    An abbreviation with a full stop before a space (`e.g. `) ends one too, which no count here minds.
    """
    return [sentence for match in _SENTENCE.findall(text) if (sentence := match.strip())]
