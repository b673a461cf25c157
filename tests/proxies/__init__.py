"""The contact proxy between real clients and real servers."""
