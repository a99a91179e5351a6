"""The binding to procrastinate: all that knows its classes, its tables and its private members.

A test names each private member that is used, so that a new version shows what it changed.
"""
