"""Texts that want to be more than text: markup, scripts, formulas, queries, control characters."""

__all__ = ["FORMULAS", "HOSTILE"]

FORMULAS = (
    "=1+1",
    "+1",
    "-1",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1+1",
    '=HYPERLINK("http://bad.example";"x")',
    "=cmd|' /C calc'!A0",
)
HOSTILE = (
    "<img src=x onerror=alert(1)>",
    "<script>alert(1)</script>",
    "</script><svg onload=alert(1)>",
    "</style><body style='background:url(http://bad.example)'>",
    "\"><iframe src='http://bad.example'></iframe>",
    "&lt;b&gt; &amp; ]]> <!-- -->",
    "javascript:alert(1)",
    "{people} {0} %s {{x}}",
    "Robert'); DROP TABLE sites;--",
    "=cmd|' /C calc'!A0",
    "back\\slash and \u202eturned",
    "bell \x07 and escape \x1b[31m",
    "\x85 next line, nul-like \u0000".replace("\u0000", "\x01"),
)
