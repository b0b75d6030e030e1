"""No card number and no security code outlives the scrubbing; nothing else is harmed."""

from __future__ import annotations

import html
import json
import re
import time
from collections.abc import Callable
from itertools import pairwise
from uuid import uuid4

import pytest
from hypothesis import given
from hypothesis import strategies as st

from innsync.domain import card_data
from innsync.domain.card_data import is_card_number, scrub, scrub_phone, scrub_text

PANS = {
    "visa": "4111111111111111",
    "visa 13": "4222222222222",
    "visa 19": "4000000000000000006",
    "mastercard": "5555555555554444",
    "mastercard 2": "2223003122003222",
    "amex": "378282246310005",
    "diners": "30569309025904",
    "discover": "6011111111111117",
    "jcb": "3530111333300000",
    "unionpay": "6240008631401148",
    "maestro": "6759649826438453",
    "mir": "2200700123456781",
    "troy": "9792000000000003",
    "uatp": "100100000000007",
    "jcb 15": "213100000000001",
    "rupay": "8171000000000006",
}
CODE = "737"


def holds(text: str, pan: str) -> bool:
    """Whether the digits of the number are still there in their order, whatever stands between them."""
    return pan in re.sub(r"%20|\D", "", text)


def grouped(pan: str, by: str) -> str:
    sizes = {15: (4, 6, 5), 14: (4, 6, 4)}.get(len(pan), (4,) * 5)
    parts, start = [], 0
    for size in sizes:
        parts.append(pan[start : start + size])
        start += size
    return by.join(part for part in parts if part)


@pytest.mark.parametrize("pan", PANS.values(), ids=PANS)
@pytest.mark.parametrize("by", ["", " ", "-", ".", "/", "\u00a0", "\u202f", "+", "%20"])
@pytest.mark.parametrize(
    "around",
    [
        "{}",
        "card {} please",
        "card no.{}",
        "card:{}.",
        "card#{}#",
        "({})",
        "cc={}&x=1",
        '{{"note": "charge {} now"}}',
        '<note to="desk">{}</note>',
        '<x number="{}"/>',
        "{} 12/28",
        "{} exp 12/28 cvv 737",
        "first {}, then {}",
        "\t{}\r\n",
    ],
)
def test_a_card_number_is_masked_to_its_last_four(pan: str, by: str, around: str) -> None:
    text = around.replace("{{", "{").replace("}}", "}").replace("{}", grouped(pan, by))
    scrubbed = scrub_text(text)
    assert not holds(scrubbed, pan), scrubbed
    assert pan[-4:] in scrubbed


@pytest.mark.parametrize("pan", [PANS["visa"], PANS["mastercard"], PANS["amex"]])
@pytest.mark.parametrize("around", ["Visa{}", "{}EUR", "card_{}", "no-{}", "{}-12/28", "x.{}", "{}_1"])
def test_a_number_glued_to_words_is_masked_too(pan: str, around: str) -> None:
    assert pan not in scrub_text(around.format(pan))


def test_a_number_in_groups_followed_by_expiry_and_code_in_groups_is_found() -> None:
    assert not holds(scrub_text("4111 1111 1111 1111 12 28 737"), PANS["visa"])
    assert not holds(scrub_text("2026 4111 1111 1111 1111"), PANS["visa"])


@pytest.mark.parametrize(
    "text",
    [
        '<PaymentCard CardNumber="{pan}" SeriesCode="{code}" ExpireDate="1228"/>',
        "<PaymentCard cardNumber='{pan}' seriesCode='{code}'/>",
        "<card><cc_number>{pan}</cc_number><cc_cvc>{code}</cc_cvc></card>",
        "<v:CardNumber>{pan}</v:CardNumber><v:SeriesCode>{code}</v:SeriesCode>",
        "<CardNumber><PlainText>{pan}</PlainText></CardNumber><SeriesCode><PlainText>{code}</PlainText></SeriesCode>",
        "<CardNumber><![CDATA[{pan}]]></CardNumber><SeriesCode><![CDATA[{code}]]></SeriesCode>",
        "<CVV2>\n  {code}\n</CVV2><PAN>{pan}</PAN>",
        '{{"card_number": "{pan}", "cvv": "{code}"}}',
        '{{"cardNumber":{pan},"cvc":{code}}}',
        '{{"card": {{"number": "{pan}", "security_code": {code}}}}}',
        '{{"cvv": {{"value": "{code}"}}, "pan": ["{pan}"]}}',
        "{{'card_number': '{pan}', 'cvv2': '{code}'}}",
        '{{"raw": "{{\\"cc_number\\": \\"{pan}\\", \\"cc_cvc\\": \\"{code}\\"}}"}}',
        '{{"cardCvvCode": "{code}", "creditCardNumber": "{pan}"}}',
        "card_number={pan}&cvv={code}&name=Zo%C3%AB",
        "card[number]={pan}&card[cvc]={code}",
        "payment%5Bcard_number%5D={pan}&payment%5Bcvc%5D={code}",
        "My card is {pan}, CVV {code}, thanks",
        "{pan} cvc: {code}",
        "{pan} CVV2 is {code}.",
        "{pan} security code = {code}",
        "{pan}\nCVC#{code}\n",
    ],
)
@pytest.mark.parametrize("pan", [PANS["visa"], PANS["amex"], "4111 1111 1111 1111", "5555-5555-5555-4444"])
def test_number_and_code_are_cut_from_every_notation(text: str, pan: str) -> None:
    planted = text.format(pan=pan, code="7371")
    scrubbed = scrub_text(planted)
    assert not holds(scrubbed, re.sub(r"\D", "", pan)), scrubbed
    assert "7371" not in scrubbed, scrubbed


@pytest.mark.parametrize("pan", [PANS["visa"], PANS["mastercard"], PANS["amex"], PANS["diners"]])
@pytest.mark.parametrize(
    "by",
    [
        "  ",
        " - ",
        "--",
        "\u200b",
        "\u2009",
        "\u2003",
        "\u2013",
        "\ufeff",
        "\t",
        " \u00a0",
        "\n",
        "\r\n",
        "\\n",
        "%C2%A0",
        "\u3000",
    ],
)
def test_a_number_in_groups_is_masked_whatever_stands_between(pan: str, by: str) -> None:
    assert not holds(scrub_text(f"charge {grouped(pan, by)} please"), pan)


@pytest.mark.parametrize("pan", [pan for pan in PANS.values() if len(pan) in (14, 15, 16)])
@pytest.mark.parametrize("by", [",", "|", ":", ";"])
def test_a_number_in_the_groups_of_a_card_is_masked_whatever_mark_stands_between(pan: str, by: str) -> None:
    scrubbed = scrub_text(f"charge {grouped(pan, by)} please")
    assert not holds(scrubbed, pan)
    assert pan[-4:] in scrubbed


@pytest.mark.parametrize("pan", [PANS["visa"], PANS["visa 19"], PANS["amex"], PANS["diners"], PANS["uatp"]])
@pytest.mark.parametrize("by", [",", "|", ":", ";"])
@pytest.mark.parametrize(
    "around",
    [
        "Card:{}",
        "cc:{}",
        "visa|{}",
        "visa|{}|12|28|737",
        "visa,{},12,28,737",
        "{};12/28;737",
        "{}:1228",
        "{}|2028|737",
        "7|{}|737",
        "card {}, exp 12/28",
        "{},",
        "No.{}.",
        '{{"notes": ["visa {}"]}}',
        '["visa,{},12/28"]',
    ],
)
def test_marks_around_the_groups_of_a_card_hide_nothing(pan: str, by: str, around: str) -> None:
    scrubbed = scrub_text(around.format(grouped(pan, by)))
    assert not holds(scrubbed, pan), scrubbed
    assert f"************{pan[-4:]}" in scrubbed
    assert scrub_text(scrubbed) == scrubbed


def test_a_code_behind_the_groups_of_a_card_hides_nothing() -> None:
    for by in ",|:;":
        scrubbed = scrub_text(f"cc{by}{grouped(PANS['visa'], by)}{by}737")
        assert not holds(scrubbed, PANS["visa"]), scrubbed


@pytest.mark.parametrize(
    "text",
    [
        "[\n4111,1111,1111,1111\n]",
        "[\r\n\t4111,1111,1111,1111,\n2000]",
        "[4111,1111,1111,1111, 2000]",
        '["x",4111,1111,1111,1111]',
        '["x" , 4111,1111,1111,1111,true]',
        '[{"a":[]},4111,1111,1111,1111]',
        '{"raw":"[\\n4111,1111,1111,1111\\n]"}',
        '{"raw":"[\\"x\\",4111,1111,1111,1111]"}',
        "nightly 980,4111,1111,1111,1111",
        "nightly 4111,1111,1111,1111,9800,1200",
        "4111,1111,1111,1111.50",
    ],
)
def test_a_list_of_numbers_is_no_card(text: str) -> None:
    assert scrub_text(text) == text


def test_amounts_in_a_list_are_no_card() -> None:
    text = json.dumps({"nightly": [4111, 1111, 1111, 1111], "dense": 1}, separators=(",", ":"))
    assert scrub_text(text) == text
    assert scrub_text(f"[7,{text}") == f"[7,{text}"


@pytest.mark.parametrize(
    "text",
    [
        "4111-1111 1111-1111",
        "4111 1111\n1111 1111",
        "3782 822463-10005",
        "4111.1111 - 1111/1111",
        "４１１１ １１１１ １１１１ １１１１",
        "٤١١١١١١١١١١١١١١١",
        "Ref 12, 4111-1111 1111-1111 12/28",
    ],
)
def test_a_number_in_groups_that_are_parted_differently_is_masked(text: str) -> None:
    scrubbed = scrub_text(text)
    assert "1111-1111" not in scrubbed
    assert "*" in scrubbed


ESCAPES: dict[str, Callable[[str], str]] = {
    "digits in JSON": lambda text: "".join(f"\\u{ord(one):04x}" for one in text),
    "digits in JSON within JSON": lambda text: "".join(f"\\\\u{ord(one):04X}" for one in text),
    "blanks in JSON": lambda text: json.dumps(grouped(text, "\u00a0"))[1:-1],
    "thin blanks in JSON": lambda text: json.dumps(grouped(text, "\u2009"))[1:-1],
    "digits in XML": lambda text: "".join(f"&#{ord(one)};" for one in text),
    "hexadecimal digits in XML": lambda text: "".join(f"&#x{ord(one):X};" for one in text),
    "one digit in XML": lambda text: f"{text[:5]}&#{ord(text[5])};{text[6:]}",
    "blanks in XML": lambda text: grouped(text, "&#160;"),
    "named blanks in XML": lambda text: grouped(text, "&nbsp;"),
}


@pytest.mark.parametrize("pan", [PANS["visa"], PANS["amex"]])
@pytest.mark.parametrize("escape", ESCAPES)
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "utf-16"])
def test_a_number_in_the_escapes_of_its_notation_is_masked(pan: str, escape: str, encoding: str) -> None:
    """The parser takes them out again, behind the scrubber's back."""
    planted = f"card {ESCAPES[escape](pan)} &#228; \\u2009 end"
    scrubbed = scrub(planted.encode(encoding)).decode(encoding)
    for _ in range(2):
        scrubbed = re.sub(r"\\+u([0-9a-fA-F]{4})", lambda found: chr(int(found[1], 16)), html.unescape(scrubbed))
    assert not holds(scrubbed, pan), scrubbed
    assert "end" in scrubbed


def test_escapes_stay_as_they_are_where_no_card_is() -> None:
    text = '{"name": "Zo\\u00eb \\u0034\\u0032", "to": "&#52;2 &nbsp; &#x34;2"}'
    assert scrub_text(text) == text


@pytest.mark.parametrize(
    "phone", ["+4915112345670", "+5511987654322", "+4366412345675", "+861391234567", "+35191234567890"]
)
def test_a_telephone_number_is_no_card(phone: str) -> None:
    """A tenth of those with thirteen digits or more pass the check by chance."""
    for last in range(10):
        number = phone[:-1] + str(last)
        for text in (number, f'{{"phone": "{number}"}}', f'<Phone number="{number}"/>', f"call {number} please"):
            assert scrub_text(text) == text


@pytest.mark.parametrize("phone", ["+1 212 555 0100 x1006", "+1-212-555-0100-1006", "121255501001006"])
def test_a_telephone_number_with_an_extension_is_no_card(phone: str) -> None:
    for last in range(10):
        assert scrub_phone(phone[:-1] + str(last)) == phone[:-1] + str(last)


@pytest.mark.parametrize("text", ["call +1-212-555-0100-1006", "call +1 212 555 1005 1 646 555 0199"])
def test_telephone_numbers_of_america_in_a_row_are_no_card(text: str) -> None:
    for last in range(10):
        assert scrub_text(text[:-1] + str(last)) == text[:-1] + str(last)


@pytest.mark.parametrize("text", ["100100000000007", "1001 00000 000007", "1001-000000-00007", "1001|00000|000007"])
def test_a_uatp_card_is_known_in_one_piece_and_as_it_is_printed(text: str) -> None:
    assert scrub_text(f"card {text} please") == "card ************0007 please"


def test_what_only_follows_a_plus_is_no_telephone_number() -> None:
    for text in ("note=card+30569309025904", "+4111111111111111", "1+30569309025904", "+378282246310005"):
        assert "*" in scrub_text(text), text


def test_a_number_of_json_stays_json() -> None:
    moments = [1_763_712_000_000 + offset for offset in range(200)]
    document = {"created": moments[0], "list": moments, "deep": json.dumps({"at": moments[7]}), "id": 4111111111111111}
    scrubbed = json.loads(scrub_text(json.dumps(document)))
    assert scrubbed == document | {"id": "************1111"}
    nested = json.loads(
        json.loads(scrub_text(json.dumps({"raw": json.dumps({"id": 4111111111111111, "n": 1})})))["raw"]
    )
    assert nested == {"id": "************1111", "n": 1}


def test_a_name_that_is_known_to_be_one_stays() -> None:
    """Two bookings whose numbers end alike must not become one."""
    ids = [number for number in range(72_039_482_170_000, 72_039_482_171_000) if is_card_number(str(number))]
    assert len(ids) > 50
    for number in ids:
        body = f'<Booking id="{number}"><Note>{number}1 4111111111111111</Note></Booking>'.encode()
        assert f'id="{number}"'.encode() in scrub(body, spare={str(number)})
        assert b"41111" not in scrub(body, spare={str(number)})


ENCODINGS = ["utf-8", "utf-8-sig", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "latin-1", "cp1252"]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_every_encoding_is_looked_into_and_kept(encoding: str) -> None:
    text = '<booking guest="Zoë Müller"><CardNumber>4111111111111111</CardNumber><CVV>737</CVV><id>12</id></booking>'
    scrubbed = scrub(text.encode(encoding))
    read = scrubbed.decode(encoding)
    assert not holds(read, PANS["visa"])
    assert "737" not in read
    assert 'guest="Zoë Müller"' in read
    assert "<id>12</id>" in read


@pytest.mark.parametrize(
    "text",
    [
        '{"id": "12345678-1234-1234-1234-123456789012", "check_in": "2026-12-01", "check_out": "2026-12-05"}',
        "2026-12-01T10:00:00.000000Z 2026-12-05T10:00:00+00:00",
        "+351 912 345 678, +44 20 7946 0958",
        '<Total amount="4100.00" next="1200.50"/>',
        "4100.00 1200.00 300.00 200.00",
        "booking 4000000001 of hotel 1234567, company Japan, panorama=view",
        "BDC-4000000001 HM00000012",
        '{"company": "Pan Am", "pancake": "with 3 eggs"}',
        '<PaymentCard cardCode="VI" expireDate="1228"/>',
        "Room 101, 102, 103; beds 2; arrival 18:30",
        "dropbox.example/s/8f14e45fceea167a5a36dedd4bea2543",
        "",
    ],
)
def test_what_is_no_card_stays_as_it_was(text: str) -> None:
    assert scrub_text(text) == text


def test_a_masked_number_keeps_its_last_four() -> None:
    text = scrub_text('{"card_number": "411111******1111", "cvv": "***"}')
    assert json.loads(text) == {"card_number": "************1111", "cvv": "***"}


@pytest.mark.parametrize("digits", ["4111111111111112", "0000000000000000", "411111111111", "4" * 20])
def test_not_every_number_is_a_cards(digits: str) -> None:
    assert not is_card_number(digits)


# --- laws


def with_check_digit(body: str) -> str:
    return next(body + str(last) for last in range(10) if is_card_number(body + str(last)))


pans = st.from_regex(r"(4[0-9]{14}|5[1-5][0-9]{13}|3[47][0-9]{12})", fullmatch=True).map(with_check_digit)
texts = st.text(st.characters(codec="utf-8", exclude_categories=("Nd", "Cs")), max_size=30)


@given(before=texts, pan=pans, after=texts)
def test_no_surrounding_hides_a_number(before: str, pan: str, after: str) -> None:
    assert pan not in scrub_text(f"{before} {pan} {after}")


@given(st.text(max_size=200))
def test_scrubbing_twice_is_scrubbing_once(text: str) -> None:
    once = scrub_text(text)
    assert scrub_text(once) == once


named = st.sampled_from(
    [
        *("cardNumber", "CC_NUM", "account_number_pan", "seriesCode", "cvv", "CVC2", "cvn2", "security_code", "pan"),
        *(
            "occupancy",
            "xpan",
            "securityCode",
            "verificationNumber",
            "code_verification",
            "cardVerification",
            "track_data",
            "Track2",
        ),
        *("magnetic_stripe", "card verification", "security code", "verification code", "Sicherheitscode"),
        *("magnet\u0130c_str\u0131pe", "\u017fecurity_code", "trac\u212a1"),
    ]
)
notations = st.sampled_from(
    ['{"%s":"%s"}', "<a %s='%s'/>", "<%s>%s</a>", "a=b&%s=%s", "%s: %s", "%s", '{"%s":{"a":"%s"}}']
)


_MARKS = [
    "",
    " ",
    "-",
    ".",
    "\u2009",
    "\u00a0",
    "\\n",
    "%20",
    "%C2%A0",
    ",",
    "|",
    "--",
    " - ",
    "    ",
    "x",
    '"',
    "&#45;",
    "\\u0020",
]
_PANS = ["4111111111111111", "378282246310005", "5555555555554444", "6304000000000000", "4111111111111112", "12"]
numbers = st.builds(
    lambda pan, cuts, mark: mark.join(pan[start:stop] for start, stop in pairwise([0, *sorted(cuts), len(pan)])),
    st.sampled_from(_PANS),
    st.lists(st.sampled_from([4, 8, 10, 12, 13]), max_size=4),
    st.sampled_from(_MARKS),
)


@given(st.lists(st.tuples(texts, named, notations, numbers), max_size=3))
def test_nothing_is_found_that_the_quick_looks_miss(pieces: list[tuple[str, str, str, str]]) -> None:
    """What is looked for first only saves time: without it the same would be cut out."""
    text = " ".join(f"{around}{notation.replace('%s', name, 1)}" for around, name, notation, _ in pieces)
    for _, _, _, number in pieces:
        text = text.replace("%s", number, 1)
    with pytest.MonkeyPatch.context() as patched:
        for quick in ("_MAY_BE_MARKED", "_MAY_RUN", "_NESTS", "_IS_MEMBER", "_SAYS_A_CODE"):
            patched.setattr(card_data, quick, re.compile(""))
        patched.setattr(card_data, "_telling_places", lambda text: [0])
        slowly = scrub_text(text)
    assert scrub_text(text) == slowly


@given(st.binary(max_size=300))
def test_any_bytes_can_be_scrubbed(body: bytes) -> None:
    scrub(body)


@given(st.text(st.characters(codec="utf-8", exclude_categories=("Nd", "Cs")), max_size=300))
def test_a_text_without_digits_stays_as_it_was(text: str) -> None:
    assert scrub(text.encode()) == text.encode()


names = st.text(st.sampled_from("abcdefghij_"), min_size=1, max_size=12)
leaves = st.one_of(
    st.none(), st.booleans(), st.integers(-1000, 1000), st.text(st.sampled_from("abcXYZ é,.-ö"), max_size=20), pans
)
documents = st.recursive(leaves, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(names, inner, max_size=4))


@given(document=documents, pan=pans)
def test_json_stays_json_of_the_same_shape(document: object, pan: str) -> None:
    planted = {"card_number": pan, "cvv": "737", "rest": document, "note": f"card {pan}"}
    scrubbed = json.loads(scrub_text(json.dumps(planted)))
    assert shape(scrubbed) == shape(planted)
    assert scrubbed["card_number"] == f"************{pan[-4:]}"
    assert scrubbed["cvv"] == "***"


def shape(value: object) -> object:
    if isinstance(value, dict):
        return {name: shape(member) for name, member in value.items()}
    if isinstance(value, list):
        return [shape(member) for member in value]
    return type(value).__name__


def test_an_id_whose_last_groups_look_like_a_card_stays_as_it_was() -> None:
    text = '["9f2b6c1e-7a3d-4c5e-4111-111111111111"]'
    assert scrub_text(text) == text


def test_ids_of_a_thousand_messages_stay_as_they_were() -> None:
    ids = [str(uuid4()) for _ in range(20_000)]
    text = json.dumps(ids)
    assert scrub_text(text) == text


# --- speed


@pytest.mark.parametrize(
    "piece",
    [
        "a", "1", "1 ", "1-", "12 ", "4111 ", "<", "<cvv>", "<cvv><", '"cvv":', '"cvv": "', "\\\"cvv\\\":", "cvv=", "&cvv=",
        "card", "card_number ", '"', "'", " ", "\\", "&", "a-", "a.", "[", "%5b", "\n", "\x00", "verification", "cvv ", "é",
        "4111,", "4111,1111,1111,1111 ", "[4111,1111,1111,1111,1111,", "4111|1111|1111|1111|", "3782,822463,1000", '[",4111,1111,1111,1111,',
        '<booking id="12" guest="Zoë"><night date="2026-12-01" price="120.00"/></booking>',
    ],
)  # fmt: skip
def test_eight_times_as_much_of_anything_takes_about_eight_times_as_long(piece: str) -> None:
    """No input makes the expressions walk back and forth, which would take 64 times as long."""

    def seconds(characters: int) -> float:
        body = (piece * (characters // len(piece))).encode()
        began = time.process_time()
        scrub(body)
        return time.process_time() - began

    assert seconds(400_000) < 24 * seconds(50_000) + 0.5
