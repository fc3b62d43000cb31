"""Files become pictures: formats, pages, sizes, orientation."""
