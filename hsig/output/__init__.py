"""From a page to a screen or a file: the only wing that knows colour, width, encodings and formats.

In: pages. Out: what is printed and written.
To import: `draw` from `screen`; JSON, CSV and Markdown from `formats`; progress and interrupts
from `terminal`, the way to stdout or a file from `streams`.
"""
