"""The pytest face: ``pytest --target=URL`` runs the installed suite in any directory.

Thin on purpose: it is loaded in every pytest run of an environment, so nothing heavy is imported before ``--target`` is
given. With a target, foreign ``conftest.py`` files are not loaded, the arguments are replaced by the suite, and the exit
code is the verdict's: computed from the manifest, not from what pytest ran.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Generator
from typing import Any

import pytest

OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("target", {"metavar": "URL", "help": "phần mềm cần kiểm: URL, reference, file:DIR / what to test"}),
    ("token", {"metavar": "TOKEN", "default": "", "help": "mã của giao diện kiểm thử (hoặc HOCBA_TARGET_TOKEN) / test interface token"}),
    ("programme", {"action": "append", "default": [], "metavar": "P", "help": "chương trình của bộ đặc tả, lặp được / a programme of the pack, repeatable"}),
    ("seed", {"type": int, "default": None, "help": "hạt giống ngẫu nhiên / seed of names, numbers and drawn cases"}),
    ("max-examples", {"type": int, "default": 0, "help": "số ca sinh thêm mỗi chương trình / freshly drawn cases per programme"}),
    ("explore", {"action": "store_const", "const": 25, "dest": "hocba_max_examples", "help": "sinh thêm ca mới / same as --max-examples=25"}),
    ("time-budget", {"type": float, "default": None, "metavar": "S", "help": "số giây tối đa / seconds, then no further item begins"}),
    ("report", {"default": "", "metavar": "FILE", "help": "báo cáo HTML / HTML report"}),
    ("results", {"default": "", "metavar": "FILE", "help": "kết quả JSON / JSON results"}),
    ("junit", {"default": "", "metavar": "FILE", "help": "JUnit XML theo yêu cầu / JUnit XML by requirement"}),
    ("evidence", {"default": "", "metavar": "DIR", "help": "thư mục chứng cứ / evidence bundle"}),
    ("lang", {"choices": ("vi", "en"), "default": "vi", "help": "ngôn ngữ / language"}),
    ("dry-run", {"action": "store_true", "help": "chỉ in kế hoạch và chi phí / print plan and budget only (exit code 3)"}),
    ("trust", {"action": "append", "default": [], "metavar": "FILE", "help": "chứng thư gốc tin cậy (file:) / trust anchors: PEM, DER, PKCS#7, folder"}),
    ("crl", {"action": "append", "default": [], "metavar": "FILE", "help": "danh sách thu hồi (file:) / revocation lists"}),
    ("ocsp", {"action": "append", "default": [], "metavar": "FILE", "help": "câu trả lời OCSP đã lấy (file:) / OCSP answers obtained before"}),
    ("schools", {"default": "", "metavar": "FILE", "help": "dòng «mã trường, mã số thuế» (file:) / lines of school code, tax code"}),
    ("leaders", {"default": "", "metavar": "FILE", "help": "số định danh người đứng đầu trường / identifiers of school leaders"}),
    ("subject-map", {"default": "", "metavar": "FILE", "help": "JSON: mã môn của phần mềm → mã của bộ đặc tả / subject codes"}),
    ("item", {"action": "append", "default": [], "metavar": "ID", "help": "chỉ chạy mục này / only this item (replay)"}),
    ("defect", {"action": "append", "default": [], "metavar": "NAME", "help": "lỗi cài sẵn, chỉ với reference / reference only"}),
    ("keys", {"choices": ("rsa-2048", "p-256"), "default": "rsa-2048", "help": "khóa của người ký / the signers' keys"}),
    ("school-year", {"type": int, "default": None, "metavar": "YYYY", "help": "năm đầu của năm học / first year of the school year"}),
    ("ministry-host", {"default": "127.0.0.1", "metavar": "HOST", "help": "địa chỉ lắng nghe của Bộ giả lập / mock Ministry's address"}),
    ("ministry-url", {"default": "", "metavar": "URL", "help": "URL công khai của Bộ giả lập / its URL as the software sees it"}),
    ("revision", {"default": "", "metavar": "R", "help": "đợt chấm, mặc định của bộ đặc tả / scored revision, the pack's own by default"}),
    ("pack", {"default": "", "metavar": "DIR", "help": "bộ đặc tả khác / another specification pack"}),
)  # fmt: skip


def pytest_addoption(parser: pytest.Parser) -> None:
    """Options, each also with a ``--hocba-`` prefix, since some short names belong to other plugins."""
    group = parser.getgroup("hocba", "học bạ số: kiểm thử tuân thủ / conformance (--target)")
    for name, settings in OPTIONS:
        keywords = {"dest": "hocba_" + name.replace("-", "_"), **settings}
        try:
            group.addoption(f"--{name}", f"--hocba-{name}", **keywords)
        except (ValueError, argparse.ArgumentError):
            group.addoption(f"--hocba-{name}", **keywords)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> Generator[None]:
    """A certification run loads nobody's conftest: what it may drop or change is none of the vendor's business."""
    if getattr(early_config.known_args_namespace, "hocba_target", None) is not None:
        early_config.known_args_namespace.noconftest = True
        _import_ours(early_config)
    return (yield)


def _import_ours(config: pytest.Config) -> None:
    """Import the suite now, past a foreign ``pythonpath`` setting that may hold a reports.py or yaml.py of its own."""
    foreign = {str(path) for path in config.getini("pythonpath")}
    path = sys.path[:]
    sys.path[:] = [one for one in path if one not in foreign]
    try:
        import conformance.suite.running  # noqa: F401
    finally:
        sys.path[:] = path


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, Any, Any]:
    """The last word on the exit code: whatever ended pytest (``--help``, another plugin), no verdict is no success."""
    code = yield
    if config.getoption("hocba_target", None) is None or hasattr(config, "workerinput"):
        return code
    from conformance.suite.running import last_word

    return last_word(config, code)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    """With ``--target``, hand over to the run."""
    if config.getoption("hocba_target", None) is not None:  # empty is wrong use, not "no target"
        from conformance.suite.running import take_over

        take_over(config)
