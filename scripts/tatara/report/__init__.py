"""Tables, figures, pages, cards."""
