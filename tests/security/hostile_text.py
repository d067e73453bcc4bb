"""Names and texts that break careless code (section "Names and text" of the reliability design).

Used as names of people and organisations here, of patients and files elsewhere. ``HOSTILE_TEXT`` can be
sent in a form field; ``REFUSED_TEXT`` must be refused with a form error, never stored and never a 500.
"""

HOSTILE_TEXT = {
    "path": "../../etc/passwd.jpg",
    "windows_path": "..\\..\\x.jpg",
    "absolute_path": "/etc/passwd",
    "only_dots": "...",
    "device_name": "con.jpg",
    "right_to_left_override": "gpj.exe\u202egpj",
    "nfc": "Andr\u00e9",
    "nfd": "Andre\u0301",
    "emoji": "👩🏽\u200d🔬 Novak",
    "double_extension": "a.php.jpg",
    "extension_and_semicolon": "a.jpg;.php",
    "script": "\"'><script>document.title='broken'</script>",
    "image_tag": "<img src=x onerror=alert(1)>",
    "formula": '=HYPERLINK("http://example.org","x")',
    "formula_plus": "+cmd|' /C calc'!A0",
    "template": "{{7*7}}{% load static %}",
    "sql": "Robert'); DROP TABLE accounts_user;--",
    "format": "%s %n {0} ${jndi:ldap://x}",
    "four_bytes": "𠜎𡃁 𝕏",
    "zalgo": "Z" + "\u0322\u0353" * 40,
    "inner_newline": "first\r\nSet-Cookie: a=b",
}
REFUSED_TEXT = {
    "empty": "",
    "blanks": "   ",
    "nul": "a\x00b",
    "long": "x" * 300,
    "megabyte": "Z\u0322" * 500_000,
}
