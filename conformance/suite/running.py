"""Ties a run to pytest: the controller sets up and decides, every process runs items."""

from __future__ import annotations

import io
import json
import os
import time
from collections.abc import Callable, Generator
from dataclasses import asdict
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Literal

import pytest
from rich.console import Console

import reports
from conformance.doors.http import DoorError
from conformance.doors.processes import Refused
from conformance.events import ItemResult, Result, RunFinished
from conformance.evidence import Entry
from conformance.pack import Pack, PackError
from conformance.suite.asked import OBSERVE, UsageProblem, files_of, finished_school_year, pack_of, read_text, sensible
from conformance.suite.bench import Bench
from conformance.suite.configuration import ConfigurationError, chosen
from conformance.suite.items import SUITE_FILE, SuiteFile, SuiteItem, visible
from conformance.suite.lanes import Lanes
from conformance.suite.observing import strangers_of
from conformance.suite.opening import open_run
from conformance.suite.outputs import EventFile, Outputs
from conformance.suite.plan import budget, plan, selected
from conformance.suite.settings import Options, Setup
from conformance.suite.setup import Run
from conformance.suite.terminal import Progress, ProgressPlugin
from conformance.suite.witness import plugins_of
from conformance.verdict import Baseline, Verdict, decide
from reports.terminal import summary

WRONG_USE, NOT_COMPLETED, DEFECTIVE = 2, 3, 4
WORKER_KEY = "hocba_setup"
ISOLATED_INI = Path(__file__).resolve().with_name("isolated.ini")


def last_word(config: pytest.Config, code: object) -> int:
    """Pytest's exit code at the very end: the verdict's if there is one; without one, success is "not completed"."""
    controller = config.pluginmanager.get_plugin("hocba-controller")
    if isinstance(controller, Controller) and controller.finished:
        return controller.code
    return int(code) if isinstance(code, int) and code else NOT_COMPLETED


def take_over(config: pytest.Config) -> None:
    """Replace the arguments by the suite and register this process's part."""
    config.args = [str(SUITE_FILE)]
    worker = getattr(config, "workerinput", None)
    if worker is not None:
        config.pluginmanager.register(Worker(Setup.model_validate_json(worker[WORKER_KEY])), "hocba-worker")
    else:
        try:
            options = options_of(config)
        except ConfigurationError as error:
            pytest.exit(visible(str(error)), WRONG_USE)
        config.pluginmanager.register(Controller(options), "hocba-controller")


def isolated(config: pytest.Config) -> bool:
    """Whether this is the process of ``hocba certify``, with nobody else's settings."""
    return config.inipath is not None and config.inipath.resolve() == ISOLATED_INI


def options_of(config: pytest.Config) -> Options:
    """The run's options: what was given to pytest, else what the configuration file says, else the defaults.

    Raises:
        ConfigurationError: the file cannot be used, or names no target and none was given.
    """
    return chosen(lambda name: config.getoption("hocba_" + name))


class Worker:
    """Every process that runs items: collects the suite, carries results to the controller in the reports."""

    def __init__(self, setup: Setup | None) -> None:
        self.setup = setup
        self.bench: Bench | None = None
        self.lanes: Lanes | None = None
        self.deadline: float | None = None

    def pytest_collect_file(self, file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
        """Only the suite is collected."""
        if file_path != SUITE_FILE or self.setup is None:
            return None
        worker = os.environ.get("PYTEST_XDIST_WORKER", "").removeprefix("gw")
        # processes of one run share its copies of the software; a single process lets lanes play on the further ones
        here = int(worker) % self.setup.copies if worker.isdigit() else 0
        self.bench = self.bench or Bench(self.setup.copy_at(here))
        if self.lanes is None and not worker and self.setup.copies > 1:
            self.lanes = Lanes(self.setup)
        reporter = parent.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            self.bench.say = partial(_told, reporter)
        if self.setup.time_budget is not None:
            self.deadline = time.monotonic() + self.setup.time_budget
        suite: SuiteFile = SuiteFile.from_parent(parent, path=file_path)
        suite.setup_data = self.setup
        suite.bench = self.bench
        return suite

    def pytest_runtest_setup(self, item: pytest.Item) -> None:
        """Give the item the run's deadline."""
        if isinstance(item, SuiteItem):
            item.deadline = self.deadline
            item.lanes = self.lanes
            if self.lanes is not None:
                self.lanes.start(one.planned for one in item.session.items if isinstance(one, SuiteItem))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_makereport(self, item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, Any]:
        """Attach the event and the evidence index lines to the item's report."""
        report = yield
        if call.when == "call" and isinstance(item, SuiteItem) and item.result is not None and self.bench is not None:
            report.hocba_result = json.dumps(item.result.model_dump(mode="json"))  # a lone surrogate stays an escape
            report.hocba_entries = json.dumps([asdict(entry) for entry in self.bench.entries])
            self.bench.entries.clear()
        return report

    def pytest_unconfigure(self) -> None:
        """Close bench and lanes."""
        self._leave_lanes()
        if self.bench is not None:
            self.bench.close()

    def _leave_lanes(self) -> None:
        if self.lanes is not None:
            self.lanes.close()
            self.lanes = None


def _told(reporter: pytest.TerminalReporter, text: str) -> None:
    reporter.ensure_newline()
    reporter.write_line(visible(text))
    reporter.flush()


class Controller(Worker):
    """The process that was started: sets up, gathers events, decides, writes reports, sets the exit code."""

    def __init__(self, options: Options) -> None:
        super().__init__(None)
        self.options = options
        self.run: Run | None = None
        self.items: list[ItemResult] = []
        self.verdict: Verdict | None = None
        self.result: Result | None = None
        self.code: int = DEFECTIVE
        self.finished = False
        self.trouble = ""
        self.strangers: tuple[str, ...] = ()
        self.outputs = Outputs(options.results, options.report, options.junit, options.sarif)
        self.stream = EventFile(options.events)
        self.baseline = Baseline()
        self.progress: Progress | None = None
        self.titles: dict[str, str] = {}

    def _show_progress(self, config: pytest.Config) -> None:
        writer = config.get_terminal_writer()
        file = getattr(writer, "_file", None)
        screen = file is not None and file.isatty()
        self.progress = Progress(writer, self.options.language, screen=screen)
        config.pluginmanager.register(ProgressPlugin(self.progress, lambda: self.titles), "hocba-progress")

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self, session: pytest.Session) -> None:
        """Set up, or end with the exit code that says why not."""
        if isolated(session.config) and session.config.pluginmanager.has_plugin("terminalreporter"):
            self._show_progress(session.config)
        try:
            if self.options.dry_run:
                self._dry_run(session)
            known = read_text(self.options.baseline, "--baseline") if self.options.baseline else ""
            self.baseline = Baseline.parse(known)
            plugins = self._plugins(session.config) if self.options.witness else ()
            self.outputs.claim()
            self.stream.open()
            self.run = open_run(self.options, plugins)
            self.setup = self.run.setup
            self.run.bundle.add("setup", "", self.setup.record())
            if known:
                self.run.bundle.add("baseline", "", known.encode())
            self.stream.begin(self.run.info)
            planned = selected(plan(self.setup.load(), self.setup), self.setup.items)
            self.titles = {one.id: one.title for one in planned}
            if self.progress is not None:
                self.progress.begin(self.pytest_report_header(), len(planned))
            reporter = session.config.pluginmanager.get_plugin("terminalreporter")
            if reporter is not None:
                for line in self.run.notice:
                    reporter.write_line(visible(line))
                reporter.flush()
        except (UsageProblem, Refused, PackError, ValueError, OSError) as error:
            pytest.exit(visible(str(error)), WRONG_USE)
        except DoorError as error:
            pytest.exit(visible(f"không bắt đầu được / cannot begin: {error}"), NOT_COMPLETED)
        except KeyboardInterrupt:
            pytest.exit("bị ngắt / interrupted", NOT_COMPLETED)

    def pytest_unconfigure(self) -> None:
        """Close what was opened; a run that ended before its first item never came to its finish."""
        super().pytest_unconfigure()
        if self.run is not None and not self.finished:
            self.finished = True
            self.stream.close()
            self.run.close()

    @staticmethod
    def _plugins(config: pytest.Config) -> tuple[str, ...]:
        found = {getattr(one, "__name__", "") or type(one).__module__ for one in config.pluginmanager.get_plugins()}
        return plugins_of(found - {""}, isolated=isolated(config))

    def _dry_run(self, session: pytest.Session) -> None:
        pack = pack_of(self.options)
        sensible(self.options, pack)
        files = files_of(self.options.target) if self.options.target.startswith("file:") else ()
        setup = Setup(
            run_id="dry-run",
            door="files" if files else "observe" if self.options.target == OBSERVE else "drive",
            pack=str(pack.folder),
            seed=self.options.seed or 0,
            school_year=self.options.school_year or finished_school_year(pack, datetime.now(pack.timezone)),
            programmes=self.options.programmes or pack.certified(),
            target=self.options.target,
            token="",
            max_examples=self.options.max_examples,
            language=self.options.language,
            files=files,
        )
        planned = selected(plan(pack, setup), self.options.items)
        cost = budget(planned)
        lines = [f"{one.id}  {one.title}" for one in planned]
        kinds = ", ".join(f"{kind}: {number}" for kind, number in cost["items"].items())
        lines.append(f"{len(planned)} mục / items ({kinds}); ~{cost['signatures']} chữ ký / signatures")
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        for line in lines:
            if reporter is not None:
                reporter.write_line(line)
        pytest.exit("chỉ in kế hoạch, chưa kiểm gì / plan only, nothing was tested", NOT_COMPLETED)

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Give a worker what it needs."""
        if self.setup is not None:
            node.workerinput[WORKER_KEY] = self.setup.model_dump_json()

    def pytest_report_header(self) -> list[str]:
        """What is being tested, against which text."""
        if self.run is None:
            return []
        info = self.run.info
        product = " ".join(str(info.vendor.get(key, "")) for key in ("vendor", "product", "version")).strip()
        return [
            visible(f"hocba {info.tool_version}: {info.target} {product}"[:200]),
            f"{info.pack} {info.revision}, {', '.join(info.programmes)}, --seed={info.seed}",
            *([f"← {self.options.configuration}"] if self.options.configuration else []),
        ]

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Gather an item's event."""
        result = getattr(report, "hocba_result", None)
        if result is None or self.run is None:
            return
        item = ItemResult.model_validate(json.loads(result))
        self.items.append(item)
        self.stream.item(item)
        for entry in json.loads(report.hocba_entries):
            self.run.bundle.enter(Entry(**entry))

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session, exitstatus: int) -> Generator[None]:
        """Decide from the manifest before anybody prints; nobody changes the exit code afterwards."""
        self._finish(int(exitstatus))
        try:
            return (yield)
        finally:
            session.exitstatus = self.code

    def _finish(self, exitstatus: int) -> None:
        if self.run is None:
            return
        try:
            self._decide(self.run, exitstatus)
        except KeyboardInterrupt:
            self.code = NOT_COMPLETED
        except Exception as error:
            self.trouble = f"lỗi của bộ kiểm thử / harness defect: {type(error).__name__}: {error}"
            self.code = DEFECTIVE
        finally:
            self.finished = True
            self._leave_lanes()
            self.stream.close()
            self.run.close()

    def _decide(self, run: Run, exitstatus: int) -> None:
        pack: Pack = run.setup.load()
        build = ""
        if run.vendor is not None:
            try:
                build = str(run.vendor.describe().get("buildHash", ""))[:200]
            except DoorError:
                build = ""
        interrupted = ""
        if exitstatus == pytest.ExitCode.INTERRUPTED:
            interrupted = "bị ngắt / interrupted"
        elif exitstatus in (pytest.ExitCode.INTERNAL_ERROR, pytest.ExitCode.USAGE_ERROR):
            interrupted = "pytest hỏng / pytest failed"
        elif self.options.time_budget is not None and len(self.items) < len(run.info.planned) and not run.setup.items:
            interrupted = "hết thời gian cho phép / time budget used up"
        if run.setup.door == "observe":
            self.strangers = strangers_of(run.https[0], run.setup)
        digest = run.bundle.close(run_id=run.setup.run_id)
        footer = RunFinished(
            finished=datetime.now(pack.timezone).isoformat(timespec="seconds"),
            items=len(self.items),
            evidence_digest=digest,
            build_hash_at_end=build,
            interrupted=interrupted,
        )
        items = tuple(sorted(self.items, key=lambda one: one.id))
        result = Result(run=run.info, items=items, footer=footer)
        self.verdict = decide(pack, result, baseline=self.baseline)
        self.result = result.model_copy(update={"verdict": self.verdict.to_json()})
        self.code = self.verdict.exit_code
        language = self.options.language
        contents: tuple[tuple[str, Callable[[Result], str]], ...] = (
            (self.options.results, lambda result: reports.json_text(result, pack)),
            (self.options.report, lambda result: reports.html(result, pack, language)),
            (self.options.junit, lambda result: reports.junit(result, pack, language)),
            (self.options.sarif, lambda result: reports.sarif(result, pack, language)),
        )
        try:
            self.stream.end(footer, self.verdict.to_json())
            for path, content in contents:
                if path:
                    self.outputs.write(path, content(self.result))
        except OSError as error:
            # what was found stands; but nobody may take a run whose report is missing for a pass
            self.trouble = f"không ghi được / cannot write: {error}"
            self.code = self.code or NOT_COMPLETED

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> Generator[None]:
        """The verdict, and where the reports are: the last thing on the screen."""
        yield
        self._conclude(terminalreporter)

    def _conclude(self, terminalreporter: pytest.TerminalReporter) -> None:
        if self.trouble:
            terminalreporter.write_line(visible(self.trouble), red=True)
        if self.verdict is None or self.result is None or self.run is None:
            return
        pack = self.run.setup.load()
        terminalreporter.section("học bạ số")
        printed = io.StringIO()
        colour = bool(getattr(terminalreporter, "hasmarkup", False))  # pytest's: --color, NO_COLOR, a screen or not
        system: Literal["standard"] | None = "standard" if colour else None
        console = Console(file=printed, width=100, force_terminal=colour, color_system=system, highlight=False)
        console.print(summary(self.result, self.verdict, pack, self.options.language))
        for line in printed.getvalue().splitlines():
            terminalreporter.write_line(line.rstrip())
        if self.strangers:
            told = ", ".join(one or "?" for one in self.strangers[:20])
            terminalreporter.write_line(
                visible(f"Hồ sơ của học sinh không có trong sổ ca / learners that stand in no case: {told}")
            )
        for path in self.outputs.written:
            terminalreporter.write_line(f"→ {path}")
        if any("nothing-shown" in one.reasons for one in self.verdict.lines) and self.run.setup.door == "drive":
            terminalreporter.write_line(visible(f"→ hocba doctor --target={self.options.target}"))
