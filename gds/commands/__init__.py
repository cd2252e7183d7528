"""The subcommands of ``gds``, one a file: a docstring, ``add_arguments(parser)`` and ``run(args)``."""
