"""What numbers can and cannot say: published statistics, without random numbers.

Every module is pure. Where scipy has a method it is used; each function names its source.
"""
