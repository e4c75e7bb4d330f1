"""The demo: people made up around real shopping, and how well a warehouse finds them. Nothing here runs in the graph."""
