"""The static look: what a test's syntax tree says against its pass. Nothing is executed."""
