"""Renderings of one run, all from the same records: JSON document, text, Markdown, HTML."""
