"""From a Summary to the words, tables and figures that people read, in no format yet.

In: summaries. Out: pages. Nothing here knows width, colour or encodings.
To import: the nouns of a page and how numbers look from `page`; a page from the module
of its result; the columns of a comparison from `columns`.
"""
