"""Charts: facts become a Vega-Lite specification (one file a chart, pure), a child process draws it as SVG.

A chart says nothing that its table does not: both are made of the same rows.
"""
