"""The former place of `support.browser`."""

from support.browser import *  # noqa: F403
