"""Sphinx's settings for the course as a site; `scripts/build_book.py` lays out the pages."""

project = html_title = "digitlab"
author = project_copyright = "digitlab contributors"
extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
html_theme = "sphinx_book_theme"
html_theme_options = {"use_fullscreen_button": False, "navbar_persistent": []}
html_context = {"default_mode": "auto"}  # light or dark, as the visitor's system
html_favicon = "icon.svg"
html_static_path = ["book.css"]
html_css_files = ["book.css"]

myst_heading_anchors = 3  # links to headings, as on GitHub
nb_execution_mode = "off"  # the outputs are the committed ones
# Pads are saved without their state: show their pictures, and fetch no JavaScript for widgets.
nb_mime_priority_overrides = [("html", "application/vnd.jupyter.widget-view+json", None)]
nb_ipywidgets_js: dict[str, dict[str, str]] = {}

default_role = "py:obj"  # `name` in a docstring is a link if there is such a name
autodoc_member_order = "bysource"
# The docstrings say more than the types: shapes, units and ranges.
autodoc_typehints = "none"
napoleon_attr_annotations = napoleon_use_rtype = False
autodoc_mock_imports = ["keras", "tensorflow"]  # they take long to import, for nothing here
