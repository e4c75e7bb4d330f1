"""What lies in the drop folders."""

from orchestration.landing.drops import nobodys_folders
from tests.drop_data import put


def test_a_folder_with_a_misspelt_name_is_told(settings, tmp_path, monkeypatch):
    drops = tmp_path / "drops"
    monkeypatch.setenv("TESSERA_DROPS", str(drops))
    for folder in ("receipts", "reciepts", ".hidden"):
        put(drops, f"{folder}/2017-01-01/stores.csv", "store_id\n1\n")
    assert nobodys_folders(settings) == [
        f"{drops}/reciepts: no source has this name (is it 'receipts'?); nothing in it is read"
    ]
