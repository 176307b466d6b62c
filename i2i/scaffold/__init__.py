"""New plug-ins: a complete package of one's own, written from the templates in this folder."""

from i2i.scaffold.package import TEMPLATES, NewPlugin, new_plugin

__all__ = ["TEMPLATES", "NewPlugin", "new_plugin"]
