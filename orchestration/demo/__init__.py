"""The demo: people made up around real shopping, and how well a warehouse finds them. None of it runs in the graph."""
