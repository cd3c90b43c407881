"""One module a page, named after its path: the values, tables and figures that its texts ask for."""
