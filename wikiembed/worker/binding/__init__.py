"""The binding to procrastinate: all code that uses its classes, tables and private members.

A test lists each private member in use, so that it fails when a new version changes one.
"""
