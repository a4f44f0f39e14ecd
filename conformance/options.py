"""The suite's options by name, with the keywords of argparse: for pytest, ``hocba certify`` and ``hocba.toml``.

Loaded in every pytest run of an environment: nothing is imported here.
"""

from __future__ import annotations

from typing import Any

OPTIONS: tuple[tuple[str, dict[str, Any]], ...] = (
    ("target", {"metavar": "URL", "nargs": "?", "const": "config:", "help": "phần mềm cần kiểm: URL, reference, file:DIR; trống: theo hocba.toml / what to test; alone: as hocba.toml says"}),
    ("config", {"metavar": "FILE", "default": "", "help": "tệp cấu hình, mặc định hocba.toml nếu có / configuration file, hocba.toml if there is one"}),
    ("no-config", {"action": "store_true", "help": "không đọc hocba.toml / read no configuration file"}),
    ("token", {"metavar": "TOKEN", "default": "", "help": "mã của giao diện kiểm thử (hoặc HOCBA_TARGET_TOKEN) / test interface token"}),
    ("programme", {"action": "append", "default": [], "metavar": "P", "help": "chương trình của bộ đặc tả, lặp được / a programme of the pack, repeatable"}),
    ("seed", {"type": int, "default": None, "help": "hạt giống ngẫu nhiên / seed of names, numbers and drawn cases"}),
    ("max-examples", {"type": int, "default": 0, "help": "số ca sinh thêm mỗi chương trình / freshly drawn cases per programme"}),
    ("explore", {"action": "store_const", "const": 25, "dest": "hocba_max_examples", "help": "sinh thêm ca mới / same as --max-examples=25"}),
    ("time-budget", {"type": float, "default": None, "metavar": "S", "help": "số giây tối đa / seconds, then no further item begins"}),
    ("report", {"default": "", "metavar": "FILE", "help": "báo cáo HTML / HTML report"}),
    ("results", {"default": "", "metavar": "FILE", "help": "kết quả JSON / JSON results"}),
    ("junit", {"default": "", "metavar": "FILE", "help": "JUnit XML theo yêu cầu / JUnit XML by requirement"}),
    ("sarif", {"default": "", "metavar": "FILE", "help": "SARIF 2.1.0, dòng và cột trong XML / with line and column in the XML"}),
    ("events", {"default": "", "metavar": "FILE", "help": "dòng sự kiện NDJSON, ghi trong lúc chạy / NDJSON event stream, written while it runs"}),
    ("baseline", {"default": "", "metavar": "FILE", "help": "danh sách lỗi đã biết / known failures, see hocba baseline"}),
    ("witness", {"default": "", "metavar": "FILE", "help": "danh sách của bên kiểm định: lần chạy có chứng kiến / a testing body's list: a witnessed run"}),
    ("build-hash", {"default": "", "metavar": "HASH", "help": "mã băm bản dựng đã nộp (--witness) / hash of the build deposited with the body"}),
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
    ("ministry-port", {"type": int, "default": 0, "metavar": "PORT", "help": "cổng của Bộ giả lập; 0: cổng bất kì / its port; 0: any free one"}),
    ("ministry-tls", {"choices": ("auto", "on", "off"), "default": "auto", "help": "Bộ giả lập dùng TLS; auto: khi có kịch bản cần / the mock Ministry speaks TLS; auto: when an exchange needs it"}),
    ("casebook", {"default": "hocba-so-ca", "metavar": "DIR", "help": "thư mục ghi sổ ca (observe:) / folder of the case book"}),
    ("observe-timeout", {"type": float, "default": 14400.0, "metavar": "S", "help": "số giây chờ hồ sơ (observe:) / seconds to wait for arrivals"}),
    ("observe-patience", {"type": float, "default": 600.0, "metavar": "S", "help": "số giây im lặng thì thôi chờ một học sinh / seconds of silence that end a learner's case"}),
    ("revision", {"default": "", "metavar": "R", "help": "đợt chấm, mặc định của bộ đặc tả / scored revision, the pack's own by default"}),
    ("pack", {"default": "", "metavar": "DIR", "help": "bộ đặc tả khác / another specification pack"}),
)  # fmt: skip
