"""A first draft of a domain from its documents: headings, terms, facts and relations, each with its evidence."""
