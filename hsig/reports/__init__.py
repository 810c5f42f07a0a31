"""From a Summary to the words, tables and figures that people read, in no format yet.

In: summaries. Out: pages. Nothing here knows width, colour or encodings.
To import: the nouns of a page from `page`; one module for each kind of result.
"""
