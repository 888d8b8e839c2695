"""Proposals: what is sure stands as it would load, every doubt is a comment, and nothing loads by guess."""

import fnmatch
import gzip
import io
import json
import zipfile
from pathlib import Path

import pytest
import xlsxwriter
import yaml
from typer.testing import CliRunner

import cli
from ingest import ConfigurationError, DataRefused
from ingest.mappings import load_mappings, read_mapping
from ingest.proposing import propose

TILL = "Ticket;Ligne;Type;Date;Magasin;Article;Qté;Prix;Carte\n" + "".join(
    f"T{number};1;VENTE;{day:02}/12/2025 18:05;S01;A-{number};2;1 019,90 €;9701234\n" for number, day in enumerate((13, 24, 31))
)


def proposal(installation, name: str, content: str | bytes) -> str:
    path = installation.drop(name, content)
    return propose(path, path.name, load_mappings(installation.settings).values())


def test_what_an_akin_export_says_is_sure_and_the_rest_is_in_doubt(installation) -> None:
    told = proposal(installation, "elsewhere/caisse_2026-01.csv", TILL.encode("cp1252")).splitlines()
    assert 'files: "caisse*.csv"  # doubt: which names have all files of this kind, and no others?' in told
    assert 'csv: {delimiter: ";", encoding: cp1252, decimal: ",", thousands: " ", symbols: ["€"]}' in told
    assert '    ordered_at: {from: "Date", format: "%d/%m/%Y %H:%M"}  # 99/99/9999 99:99' in told
    assert '    quantity: "Qté"  # 9' in told
    assert any(line.startswith("    # channel: …  # doubt: required") for line in told)
    assert '#  - "Type"  # doubt: no use? xxxxx' in told


def test_no_value_of_a_file_is_shown(installation) -> None:
    told = proposal(installation, "elsewhere/people.csv", "id,email,phone,name\n1,zoe@example.fr,0612345678,Zoé Martin\n")
    for text in ("zoe", "Zoé", "0612345678", "Martin"):
        assert text not in told
    assert '    email: "email"  # xxx@xxxxxxx.xx' in told


def test_a_day_that_may_be_a_month_is_a_doubt(installation) -> None:
    told = proposal(installation, "elsewhere/x.csv", "order_id,ordered_at,location_id\n7,01/02/2026,S1\n")
    assert '    # ordered_at: {from: "ordered_at", format: "%d/%m/%Y"}  # doubt: may as well be %m/%d/%Y; 99/99/9999' in told


def test_a_name_of_another_system_is_a_doubt(installation) -> None:
    told = proposal(installation, "elsewhere/x.csv", "order_id,sku,quantity,Prix\n7,A,1,2.5\n")
    assert '    # unit_price: "Prix"  # doubt: as in till.yml; 9.9' in told


def test_a_proposal_never_loads_as_it_is(installation, tmp_path: Path) -> None:
    path = tmp_path / "proposed.yml"
    path.write_text(proposal(installation, "elsewhere/caisse.csv", TILL), encoding="utf-8")
    with pytest.raises(ConfigurationError, match="required, but not mapped"):
        read_mapping(path, "Europe/Paris")


def book() -> bytes:
    content = io.BytesIO()
    with xlsxwriter.Workbook(content) as workbook:
        for name in ("Orders", "People"):
            workbook.add_worksheet(name).write_column(0, 0, ["order_id", "7"])
    return content.getvalue()


def archive() -> bytes:
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w") as packed:
        packed.writestr("a.csv", "order_id;sku\n7;A\n")
    return content.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "form"),
    [
        ("x.csv", "order_id;sku\n7;A\n", 'csv: {delimiter: ";", encoding: utf-8}'),
        ("x.tsv", "order_id\tsku\n7\tA\n".encode("utf-16"), 'csv: {delimiter: "\\t", encoding: utf-16}'),
        ("x.csv", "# report\n\norder_id,sku\n7,A\n", 'csv: {delimiter: ",", encoding: utf-8, skip_lines: "^#"}'),
        ("x.csv", "report of today\norder_id,sku\n7,A\n8,B\n", 'csv: {delimiter: ",", encoding: utf-8, skip_rows: 1}'),
        ("x.csv.gz", gzip.compress(b"order_id|sku\n7|A\n"), 'csv: {delimiter: "|", encoding: utf-8}'),
        ("x.zip", archive(), 'csv: {delimiter: ";", encoding: utf-8}'),
        ("x.ndjson", json.dumps({"order_id": "7", "sku": "A"}) + "\n", "ndjson: {}"),
        ("x.xlsx", book(), 'workbook: {sheet: "Orders"}'),
    ],
)
def test_every_format_is_told_by_its_content(installation, name: str, content: str | bytes, form: str) -> None:
    told = proposal(installation, f"elsewhere/{name}", content).splitlines()
    assert form in told
    assert any(line.startswith(('    order_id: "order_id"', '#  - "order_id"')) for line in told)


def test_an_empty_file_is_no_basis_for_a_mapping(installation) -> None:
    with pytest.raises(DataRefused, match="the file is empty"):
        proposal(installation, "elsewhere/x.csv", "\n\n")


def test_the_command_proposes_and_the_group_lists(installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OMNIKPI_SOURCES", str(installation.settings.sources))
    path = installation.drop("elsewhere/caisse.csv", TILL)
    told = CliRunner().invoke(cli.app, ["sources", "new", "--from", str(path)])
    assert told.exit_code == 0, told.output
    assert told.output.startswith('# Proposed from "caisse.csv"')
    listed = CliRunner().invoke(cli.app, ["sources"])
    assert "shop_customers" in listed.output


def test_a_name_with_signs_of_yaml_or_of_patterns_is_proposed_as_it_is(installation) -> None:
    name = 'ventes "Noël" [2].csv'
    proposed = yaml.safe_load(proposal(installation, f"elsewhere/{name}", "sku;quantity\nA1;2\n"))
    assert fnmatch.fnmatchcase(name, proposed["files"])


@pytest.mark.parametrize(("content", "told"), [(b'[{"a": 1}]\n', "one a line"), (b"%PDF\0\x9f", "no text, workbook or Parquet")])
def test_what_is_no_table_is_not_proposed_as_one(installation, content: bytes, told: str) -> None:
    with pytest.raises(DataRefused, match=told):
        proposal(installation, "elsewhere/export", content)


def test_the_words_of_the_examples_are_known(installation) -> None:
    prices = "Code article;Du;Prix TTC;Prix barré TTC;Nature\n0001;05/01/2026;19,90;29,90;PROMO\n"
    assert 'price: "Prix TTC"' in proposal(installation, "elsewhere/tarifs.csv", prices)


def test_an_entity_is_likely_by_its_other_columns_where_its_key_has_a_name_of_its_own(installation) -> None:
    parcels = "Bordereau;Transporteur;Expédié le;Livré le;Statut;Coût HT\nB1;DPD;05/01/2026 10:00;;En cours;4,50\n"
    told = proposal(installation, "elsewhere/colis.csv", parcels)
    assert "  shipments:\n    # shipment_id: …  # doubt: required" in told
