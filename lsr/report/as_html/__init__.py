"""Reports as one HTML file: a glance for the surgeon, traces and every number for the neurophysiologist.

Conventions
-----------
The file needs nothing beside it and asks nothing of a network; its policy allows only the scripts and styles
that are in it, by their digests. All text goes through the template's escaping, or into data that no browser
runs. Equal reports give equal bytes.
"""

from .page import as_html, summary_as_html

__all__ = ["as_html", "summary_as_html"]
