"""Persons: personal data stays in the vault, and who is who does not depend on the order of loads."""

import hmac
import random
import re
from itertools import permutations

import duckdb
import phonenumbers
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ingest import vault
from ingest.loading import MASK

PLANTED = ("zoe.planted@example.org", "06 98 76 54 32", "0698765432", "+33698765432", "Plantagenet", "1987-06-05", "05/06/1987")
SOUND = "id,email,phone,name,born\n1,Zoe.Planted@Example.org,06 98 76 54 32,Plantagenet,1987-06-05\n"


def test_no_planted_identifier_is_found_in_any_byte_outside_the_vault(installation, capsys: pytest.CaptureFixture[str]) -> None:
    faulty = '2,zoe.planted@example.org,0698765432,Plantagenet,05/06/1987\n3,"zoe.planted@example.org\n",0698765432,Plantagenet\n'
    installation.drop("shop/customers_1.csv", SOUND)
    sound = "".join(f"{number},,,\n".replace(",\n", ",,\n") for number in range(10, 13))
    slipped = "4,x,zoe.planted@example.org,0698765432,Plantagenet\n"
    installation.drop("shop/customers_2.csv", SOUND + faulty + sound + slipped)
    installation.drop("shop/customers_3.csv", SOUND.replace("email", "courriel"))
    installation.drop("shop/customers_4.csv", SOUND.splitlines()[0] + "\n" + faulty)
    installation.drop("shop/customers_5.csv", SOUND + '4,"zoe.planted@example.org,0698765432,Plantagenet\n')
    installation.drop("shop/customers_6.csv", SOUND.encode("utf-16"))
    installation.drop("shop/customers_7.csv", SOUND.splitlines()[1] + "\n")  # no header
    told = []
    summary = installation.ingest(report=lambda load: told.append(str(load.facts())))
    told += [summary.text(), *capsys.readouterr()]
    assert [load.verdict for load in summary.loads] == ["loaded", "loaded_with_rejects", *["refused"] * 5]
    assert installation.ask("select distinct value from ledger.rejects where value is not null") == [(MASK,)]

    data = installation.settings.data_dir
    originals = (installation.settings.archive, installation.settings.quarantine)
    files = [path for path in data.rglob("*") if path.is_file() and path != installation.settings.vault]
    searched = [
        path for path in files if path.name.endswith(".txt") or not any(path.is_relative_to(place) for place in originals)
    ]
    assert {"warehouse.duckdb", "customers_3.csv.reason.txt"} <= {path.name for path in searched}
    for content in [path.read_bytes() for path in searched] + [text.encode() for text in told]:
        for value in PLANTED:
            for encoding in ("utf-8", "utf-16-le"):
                assert value.lower().encode(encoding) not in content.lower()
    assert b"plantagenet" in installation.settings.vault.read_bytes().lower(), "the search itself works"


def test_hashes_are_keyed_hmacs_of_the_normalised_value(installation) -> None:
    installation.drop("shop/customers.csv", SOUND)
    installation.ingest()
    key = installation.settings.data_dir.joinpath(".hash_key")
    assert key.stat().st_mode & 0o077 == 0

    def digest(message: str) -> str:
        return hmac.digest(key.read_text().encode(), message.encode(), "sha256").hex()[: vault.HASH_LENGTH]

    assert installation.ask("select email_hash, phone_hash, identity_key from raw.customers") == [
        (digest("email:zoe.planted@example.org"), digest("phone:+33698765432"), digest("customer:shop:1"))
    ]


def test_an_unreadable_identifier_links_nobody_and_stays_in_the_vault(installation) -> None:
    installation.drop("shop/customers.csv", "id,email,phone,name\n1,none,00000,A\n2,none,00000,B\n")
    summary = installation.ingest()
    assert installation.ask("select count(email_hash), count(phone_hash), count(*) from raw.customers") == [(0, 0, 2)]
    assert installation.ask("select email, phone from customers", "vault") == [("none", "00000")] * 2
    assert summary.resolution
    assert summary.resolution.persons == 2


PEOPLE = [
    "id,email,phone,name\n1,a@x.fr,,A\n2,b@x.fr,0612345678,B\n",
    "id,email,phone,name\n3,A@X.fr ,0612345679,C\n4,,06.12.34.56.78,D\n",
    "id,email,phone,name\n5,c@x.fr,+33612345679,E\n6,d@x.fr,,F\n",
]


def persons(installation) -> dict[str, str]:
    rows = installation.ask("select customer_ref, person_id from raw.customers join ledger.identities using (identity_key)")
    return dict(rows)


def test_persons_do_not_depend_on_the_order_of_loads(installation, tmp_path, monkeypatch: pytest.MonkeyPatch) -> None:
    from dataclasses import replace

    found = []
    for number, order in enumerate([*permutations(PEOPLE)][::2]):
        fresh = installation.settings.model_copy(update={"data_dir": tmp_path / f"data{number}"})
        fresh = replace(installation, settings=fresh)
        fresh.settings.data_dir.mkdir()
        (fresh.settings.data_dir / ".hash_key").write_text("the same key")
        for position, content in enumerate(order):
            fresh.drop(f"shop/customers_{position}.csv", content)
            if position != number % 2:  # together or one by one
                fresh.ingest()
        fresh.ingest()
        found.append(persons(fresh))
    assert all(result == found[0] for result in found)
    assert found[0]["1"] == found[0]["3"] == found[0]["5"]
    assert found[0]["2"] == found[0]["4"]
    assert len(set(found[0].values())) == 3
    assert min(found[0].values()) in found[0].values()


def test_only_changed_persons_are_written_again(installation) -> None:
    for position, content in enumerate(PEOPLE):
        installation.drop(f"shop/customers_{position}.csv", content)
        installation.ingest()
    sixth = installation.ask(
        "select changed_file_id from ledger.identities join raw.customers using (identity_key) where customer_ref = '6'"
    )
    assert sixth == [(3,)]
    assert installation.ingest().resolution is None, "nothing new, nothing resolved"
    before = installation.ask("select * from ledger.identities order by 1")
    installation.drop("shop/customers_9.csv", "id,email,phone,name\n9,z@x.fr,,Z\n")
    resolution = installation.ingest().resolution
    assert resolution
    assert (resolution.changed, resolution.persons) == (1, 4)
    after = installation.ask("select * from ledger.identities order by 1")
    assert [row for row in after if row[2] <= 3] == before


def test_an_identifier_of_too_many_records_joins_nobody(installation) -> None:
    many = "".join(f"{number},noreply@shop.fr,,N\n" for number in range(vault.MAX_RECORDS_OF_AN_IDENTIFIER + 1))
    few = "".join(f"f{number},family@x.fr,,N\n" for number in range(vault.MAX_RECORDS_OF_AN_IDENTIFIER))
    installation.drop("shop/customers.csv", "id,email,phone,name\n" + many + few)
    resolution = installation.ingest().resolution
    assert resolution
    assert (resolution.persons, resolution.too_common) == (vault.MAX_RECORDS_OF_AN_IDENTIFIER + 2, 1)


def test_customer_numbers_of_two_systems_meet_only_where_their_space_is_one(installation) -> None:
    text = (installation.settings.sources / "shop_customers.yml").read_text()
    installation.map("oms", text.replace("source: shop", "source: oms\ncustomer_space: shop"))
    installation.map("crm", text.replace("source: shop", "source: crm"))
    for source in ("shop", "oms", "crm"):
        installation.drop(f"{source}/customers.csv", f"id,email,phone,name\n1,{source}@x.fr,,A\n")
    installation.ingest()
    found = dict(installation.ask("select _source, person_id from raw.customers join ledger.identities using (identity_key)"))
    assert found["shop"] == found["oms"] != found["crm"]


def test_a_customer_number_that_is_also_a_card_number_is_kept_as_a_hash(installation) -> None:
    installation.map(
        "cards",
        "source: cards\nfiles: cards.csv\nentities:\n  customers:\n    customer_ref: card\n    loyalty_id: card\n",
    )
    installation.drop("cards/cards.csv", "card\nC-12345\n")
    installation.ingest()
    assert b"C-12345" not in installation.settings.warehouse.read_bytes()
    assert installation.ask("select customer_ref = identity_key from raw.customers") == [(True,)]


def library(number: str, country: str) -> str | None:
    try:
        parsed = phonenumbers.parse(number, country)
    except phonenumbers.NumberParseException:
        return None
    if not phonenumbers.is_valid_number(parsed):
        return None
    return phonenumbers.format_number(parsed, phonenumbers.PhoneNumberFormat.E164)


@settings(max_examples=300, deadline=None)
@given(
    st.sampled_from(["FR", "BE", "DE", "ES", "CH", "PT", "NL", "IT", "GB", "BR"]),
    st.sampled_from(["0", "+33", "0033", "+32", "+49", "+34", "0034", "", "+44 (0)"]),
    st.from_regex(r"[0-9]{4,11}", fullmatch=True),
)
def test_the_quick_reading_of_phones_agrees_with_the_library(country: str, prefix: str, digits: str) -> None:
    assert vault.e164(prefix + digits, country) == library(prefix + digits, country)


PHONES = st.tuples(
    st.sampled_from(["0", "+33", "0033", "+32", "06 ", "+33 (0)6", ""]), st.from_regex(r"[0-9]{4,10}", fullmatch=True)
)


@settings(max_examples=20, deadline=None)
@given(st.sampled_from(["FR", "BE", "ES", "BR"]), st.lists(PHONES, min_size=30, max_size=30))
def test_phones_read_by_duckdb_agree_with_the_library(country: str, parts: list[tuple[str, str]]) -> None:
    numbers = [prefix + digits for prefix, digits in parts]
    sql = vault.normalised("phone", "number", f"'{country}'", country)
    with duckdb.connect() as connection:
        connection.create_function("e164", vault.e164, ["VARCHAR", "VARCHAR"], "VARCHAR", null_handling="special")  # pyright: ignore
        read = connection.execute(f"select {sql} from (select unnest($numbers) as number)", {"numbers": numbers}).fetchall()
    assert [number for (number,) in read] == [library(number, country) for number in numbers]


def test_written_forms_of_one_phone_are_one_number() -> None:
    forms = [
        "0612345678",
        "06 12 34 56 78",
        "06.12.34.56.78",
        "+33612345678",
        "0033 6 12 34 56 78",
        "+33 (0)6 12 34 56 78",
        "'0612345678",
    ]
    assert {vault.e164(form, "FR") for form in forms} == {"+33612345678"}
    assert vault.e164("0000000000", "FR") is None
    assert vault.e164("0612345678", None) is None
    random.seed(7)
    spaced = "".join(digit + random.choice(["", " ", "-"]) for digit in "0612345678")
    assert vault.e164(spaced, "FR") == "+33612345678"
    assert re.fullmatch(r"\+\d+", vault.e164("0612345678", "FR") or "")
