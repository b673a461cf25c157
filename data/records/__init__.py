"""Frozen records: the words of the design as types. No I/O, no clock."""
