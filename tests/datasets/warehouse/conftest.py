"""A book that is small enough to work out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

CONFIG = """
[accounts]
files = "accounts.csv"
[accounts.columns]
id = "id"
equity = "equity"
[positions]
files = "positions.csv"
[positions.columns]
account = "account"
market = "market"
side = "side"
quantity = "size"
entry = "entry"
margin_mode = "mode"
isolated_margin = "iso"
pnl = "upnl"
[marks]
files = "marks.csv"
[marks.columns]
market = "market"
mark = "mark"
previous_mark = "before"
[collateral]
files = "wallets.csv"
[collateral.columns]
account = "account"
asset = "asset"
amount = "amount"
[assets]
files = "assets.csv"
[assets.columns]
asset = "asset"
rate = "usd"
haircut = "haircut"
[contracts]
files = "contracts.csv"
[contracts.columns]
market = "market"
kind = "kind"
multiplier = "value"
lot_size = "lot"
settlement = "settle"
[liquidations]
files = "liquidations.csv"
[liquidations.columns]
account = "account"
market = "market"
side = "side"
quantity = "size"
bankruptcy = "bk"
[fills]
files = "fills.csv"
[fills.columns]
market = "market"
side = "side"
quantity = "size"
price = "price"
kind = "kind"
[rules]
isolated_margin_in_collateral = false
"""

FILES = {
    "accounts.csv": "id,equity\na,1000\nb,-40\nc,2010.65\n",
    # a: short 2 ETH from 2000 to 1800 (+400), cross.  b: long 1 ETH from 2000 (-200), cross.
    # c: long 100 BTC contracts of 100 USD, inverse, isolated, from 40,000 to 50,000.
    "positions.csv": (
        "account,market,side,size,entry,mode,iso,upnl\n"
        "a,ETH,short,2,2000,cross,,400\n"
        "b,ETH,long,1,2000,cross,,-200\n"
        "c,BTC,long,100,40000,isolated,500,2500\n"
    ),
    "marks.csv": "market,mark,before\nETH,1800,1900\nBTC,50000,49000\n",
    # c owes 0.039975 BTC, which counts in full, and has 1030 EUR, 2 % off.
    "wallets.csv": "account,asset,amount\na,USD,600\nb,USD,160\nc,BTC,-0.039975\nc,EUR,1030.0\n",
    "assets.csv": "asset,usd,haircut\nBTC,50000,0.1\nEUR,1.0,0.02\n",
    "contracts.csv": "market,kind,value,lot,settle\nETH,linear,1,0.5,USD\nBTC,inverse,100,1,BTC\n",
    "liquidations.csv": "account,market,side,size,bk\nb,ETH,long,,1840\n",
    "fills.csv": (
        "market,side,size,price,kind\nETH,long,0.5,1790,liquidation\nETH,long,0.5,1770,liquidation\n"
    ),
}


class Book:
    """Files that a test changes before it reads them."""

    def __init__(self, folder: Path):
        self.folder, self.config, self.files = folder, CONFIG, dict(FILES)

    def write(self) -> Path:
        for name, text in self.files.items():
            data = text if isinstance(text, bytes) else text.encode()
            (self.folder / name).write_bytes(data)
        path = self.folder / "book.toml"
        path.write_text(self.config)
        return path

    def read(self):
        import adl_opt as adl

        return adl.import_book(self.write())


@pytest.fixture
def book(tmp_path):
    return Book(tmp_path)
