"""One module a family of commands; each imports what it needs when it is called."""
