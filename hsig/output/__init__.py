"""From a page to a screen or a file: the only wing that knows colour, width, encodings and formats.

In: pages. Out: what is printed and written.
To import: `screen`, `export` and `terminal`.
"""
