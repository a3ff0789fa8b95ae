"""Tells what Prefect makes of each case on standard input."""

import contextlib
import io
import json
import os
import pathlib
import sys

import prefect.cli._app as app
import prefect.cli.config as config
import prefect.context as context
import prefect.settings.models.root as root
import prefect.settings.sources as sources

base = {name: value for name, value in os.environ.items() if not name.upper().startswith("PREFECT_")}
told = []
for case in json.load(sys.stdin):
    os.environ.clear()
    os.environ.update({**base, **case["env"]})
    os.chdir(case["folder"])
    sources._file_cache.clear()
    sources.DEFAULT_PREFECT_HOME = pathlib.Path(os.environ["HOME"], ".prefect")
    try:
        values = root.Settings().to_environment_variables()
        # It looks for profiles where those of the context before were.
        context.refresh_global_settings_context()
        context.refresh_global_settings_context()
        text = io.StringIO()
        app.console.file = text
        with contextlib.redirect_stdout(text), contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(SystemExit):
            config.view(show_defaults=True, output="json")
        view = {setting["name"]: setting["source"] for setting in json.loads(text.getvalue())["settings"]}
        told.append({"values": values, "sources": view})
    except Exception as error:
        told.append({"error": str(error)})
print(json.dumps(told))
