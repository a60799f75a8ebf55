"""What each command of people does: call the part that does it, print what it returned."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

from cocosearch.access.text import line
from cocosearch.cli.output import as_json as to_json
from cocosearch.cli.output import write_hits, write_project, write_projects
from cocosearch.cli.terminal import changes_said, say, settings_of_a_user
from cocosearch.search.types import SearchRequest

if TYPE_CHECKING:
    from cocosearch.database.projects import Job
    from cocosearch.database.status import ProjectStatus


def index(path: Path, name: str | None, *, as_json: bool) -> int:
    """`cocosearch index`."""
    settings = settings_of_a_user()
    from cocosearch.cli.progress import index_progress
    from cocosearch.indexing.run import index_project
    from cocosearch.projects import load_project

    project = load_project(path, name)
    with index_progress(project.name) as on_progress:
        result = index_project(
            settings,
            project,
            on_progress,
            on_wait=lambda: say(f"'{project.name}' is being indexed already; waiting."),
            on_held_up=changes_said(),
        )
    if as_json:
        sys.stdout.write(to_json(result))
    else:
        skipped = ", ".join(f"{count} {reason}" for reason, count in sorted(result.skipped.items()))
        sys.stdout.write(
            f"{result.project}: {result.files} files, {result.changed} changed, {result.deleted} deleted; "
            f"{result.embedded} chunks embedded, {result.cached} from the cache"
            + (f", {result.refused} refused by the model" if result.refused else "")
            + (f"; skipped: {skipped}" if skipped else "")
            + "\n"
        )
    return 0


def index_in_background(path: Path, name: str | None, *, as_json: bool) -> int:
    """`cocosearch index --background`."""
    settings = settings_of_a_user()
    from cocosearch.access.requests import enqueue
    from cocosearch.database import connect
    from cocosearch.projects import real_directory

    with connect(settings) as connection:
        job = enqueue(connection, real_directory(path), name, settings.max_queued_jobs)
    _write_job(job, as_json=as_json)
    return 0


def index_checked(path: Path, name: str | None, checked: str, *, background: bool, as_json: bool) -> int:
    """`cocosearch index` of a person whose right to read the directory was proved: the service does the work, and this waits for it."""
    settings = settings_of_a_user()
    from cocosearch.access.requests import enqueue_checked, wait_for
    from cocosearch.cli.progress import index_progress
    from cocosearch.database import connect
    from cocosearch.indexing.progress import Progress

    with connect(settings) as connection:
        job = enqueue_checked(connection, path, name, checked, settings.max_queued_jobs)
        if background:
            _write_job(job, as_json=as_json)
            return 0
        say_held_up = changes_said()
        with index_progress(job.project) as show:

            def follow(now: "ProjectStatus") -> None:
                show(Progress(now.files_total, now.files_done, now.chunks, now.chunks_embedded))
                say_held_up(now.held_up)

            status = wait_for(connection, job, follow)
    if as_json:
        sys.stdout.write(to_json(status))
    else:
        write_project(status)
    return 0


def _write_job(job: "Job", *, as_json: bool) -> None:
    if as_json:
        sys.stdout.write(to_json(job))
    else:
        sys.stdout.write(line(f"{job.project}: {job.root} is {job.state}; `cocosearch status {job.project}` shows how far it is."))


def search(request: SearchRequest, *, explain: bool, as_json: bool) -> int:
    """`cocosearch search`."""
    settings = settings_of_a_user()
    from cocosearch.database import open_pool
    from cocosearch.embedding.ollama import OllamaClient
    from cocosearch.search import search as run_search

    with open_pool(settings, settings.statement_timeout_seconds) as pool, OllamaClient(settings) as client:
        response = run_search(pool, client, request)
    if as_json:
        sys.stdout.write(to_json(response))
    else:
        write_hits(response, explain=explain)
    return 0


def list_all(*, as_json: bool) -> int:
    """`cocosearch list`."""
    settings = settings_of_a_user()
    from cocosearch.database import connect
    from cocosearch.database.status import list_projects

    with connect(settings) as connection:
        projects = list_projects(connection)
    if as_json:
        sys.stdout.write(to_json(projects))
    else:
        write_projects(projects)
    return 0


def status(name: str | None, *, as_json: bool) -> int:
    """`cocosearch status`."""
    settings = settings_of_a_user()
    from cocosearch.database import connect
    from cocosearch.database.status import list_projects, project_status

    with connect(settings) as connection:
        projects = [project_status(connection, name)] if name else list_projects(connection)
    if as_json:
        sys.stdout.write(to_json(projects[0] if name else projects))
    else:
        for project in projects:
            write_project(project)
    return 0


def clear(name: str, *, confirmed: bool) -> int:
    """`cocosearch clear`."""
    settings = settings_of_a_user()
    from cocosearch.database import connect
    from cocosearch.database.status import project_status
    from cocosearch.indexing.clear import clear_project

    with connect(settings) as connection:
        project = project_status(connection, name)
    if not confirmed:
        if not sys.stdin.isatty():
            say(f"Not a terminal, so nobody can be asked: `cocosearch clear {name} --yes` removes {project.chunks} chunks.")
            return 2
        say(f"Remove '{name}' ({project.root}, {project.files} files, {project.chunks} chunks) from the index? Its files stay. [y/N]")
        if sys.stdin.readline().strip().lower() not in {"y", "yes"}:
            say("Nothing was removed.")
            return 1
    chunks = clear_project(settings, name, on_wait=lambda: say(f"'{name}' is being indexed; waiting for its end."))
    sys.stdout.write(f"Removed '{name}' with {chunks} chunks from the index.\n")
    return 0
