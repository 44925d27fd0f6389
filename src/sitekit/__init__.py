"""What builds the site: chapters are executed, Sphinx renders them, strict checks guard the result.

The order of a build is in `sitekit.build`. Each other module has one concern; those with a
``setup`` function are Sphinx extensions, listed in ``_config.yml``.
"""
