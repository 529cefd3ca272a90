"""Sphinx settings of the documentation site; `.ci/site/build.py` puts the pages together and calls it.

Sphinx and not MkDocs: its search index is a script and not a file to be fetched, so search works from `file://`
and without a network; it reads numpydoc docstrings, Markdown and notebooks. The theme fetches nothing.
"""

from __future__ import annotations

import os

from ankle_imu import __version__

project = "ankle_imu"
author = "the ankle_imu developers"
copyright = "the ankle_imu developers, MIT licence"
release = version = __version__
language = "en"

extensions = [
    "sphinx.ext.autodoc",
    "numpydoc",
    "myst_nb",
    "on_our_pages",
]
root_doc = "index"
exclude_patterns = ["**/.ipynb_checkpoints"]
nitpicky = False
default_role = "py:obj"  # `name` in a docstring: a link where there is such a thing, else just code

smartquotes = False  # options are written with two hyphens

# Docstrings
autodoc_member_order = "bysource"
autodoc_typehints = (
    "none"  # shapes, units and frames stand in the docstring; the signature keeps names and defaults
)
autodoc_preserve_defaults = True
numpydoc_show_class_members = False
numpydoc_xref_param_type = False
add_module_names = False
toc_object_entries_show_parents = "hide"

# Markdown and notebooks
myst_enable_extensions = ["dollarmath", "colon_fence", "deflist"]
myst_heading_anchors = 3
myst_all_links_external = False
suppress_warnings = ["myst.header", "misc.highlighting_failure"]
nb_execution_mode = os.environ.get("ANKLE_IMU_SITE_NOTEBOOKS", "force")
nb_execution_timeout = 90
nb_execution_raise_on_error = True
nb_merge_streams = True

# Page
html_theme = "furo"
html_title = "ankle_imu"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_sourcelink = False
html_show_sphinx = False
html_show_search_summary = False  # the summaries are fetched, which a browser refuses on file://
html_math_renderer = "mathml"
html_domain_indices = False
html_use_index = False  # search finds more
html_theme_options = {
    "navigation_with_keys": True,
    "light_css_variables": {"color-brand-primary": "#1f5f8b", "color-brand-content": "#1f5f8b"},
    "dark_css_variables": {"color-brand-primary": "#7fb8de", "color-brand-content": "#7fb8de"},
}
pygments_style = "friendly"
