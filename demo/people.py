"""The people who shop: who they are, and under how many names, addresses and cards the systems know them."""

from dataclasses import dataclass

import numpy as np
import polars as pl

from demo import retailer
from demo.retailer import COUNTRIES, stores

_FIRST_NAMES = """
Camille Léa Manon Chloé Inès Jade Louise Emma Alice Zoé Julie Sarah Margaux Clara Anaïs Pauline Lucie Marie Élodie
Céline Nathalie Sandrine Isabelle Sophie Valérie Catherine Martine Françoise Monique Aurélie Émilie Laura Mathilde Charlotte
Hugo Louis Lucas Gabriel Arthur Jules Adam Raphaël Nathan Thomas Nicolas Julien Pierre Antoine Maxime Alexandre Guillaume
Sofia Lucía Martina Giulia Chiara Beatriz Inês Mariana João Tiago Pablo Diego Marco Luca Lena Hannah Jonas Felix Noor
Aïcha Fatou Mehdi Karim Yasmine Amélie Océane Kévin Bruno Philippe Michel"""
_LAST_NAMES = """
Martin Bernard Thomas Petit Robert Richard Durand Dubois Moreau Laurent Simon Michel Lefebvre Leroy Roux David Bertrand
Morel Fournier Girard Bonnet Dupont Lambert Fontaine Rousseau Vincent Muller Lefèvre Faure André Mercier Blanc Guérin Boyer
Garnier Chevalier François Legrand Gauthier Garcia Perrin Robin Clément Morin Nicolas Henry Roussel Mathieu Gautier Masson
Marchand Duval Denis Dumont Marie Lemaire Noël Meyer Dufour Meunier Brun Blanchard Giraud Joly Rivière Lucas Brunet Gaillard
Barbier Arnaud Martínez Gérard Roche Renard Schmitt Roy Leroux Colin Vidal Caron Picard Roger Fabre Aubert Lemoine Renaud
Dumas Lacroix Olivier Philippe Bourgeois Pierre Benoît Rey Leclerc Payet Hoarau Grondin Peeters Janssens Maes Costa Silva
Ferreira Santos Rossi Russo Bianchi Weber Schneider Fischer López Sánchez Ruiz Diallo Traoré Benali Haddad Nguyen Kaya"""
_FIRST, _LAST = _FIRST_NAMES.split(), _LAST_NAMES.split()
_STREETS = ("rue de la République", "rue Victor-Hugo", "avenue Jean-Jaurès", "rue des Lilas", "impasse du Moulin",
            "boulevard Voltaire", "rue de l'Église", "chemin des Vignes", "place du Marché", "rue Pasteur")  # fmt: skip
_DOMAINS = ("example.com", "example.net", "example.org", "mail.example.com", "courriel.example.net")
# Mobile prefix and digits that follow, by country.
_PHONES = {
    "FR": ("+3361", 7), "BE": ("+3247", 7), "ES": ("+3461", 7), "PT": ("+35191", 7), "IT": ("+39333", 7),
    "DE": ("+491511", 7), "RE": ("+262692", 6), "GP": ("+590690", 6),
}  # fmt: skip
_PLAIN = str.maketrans("àâäãéèêëíîïôöóùûüúçñ", "aaaaeeeeiiiooouuuucn")


@dataclass(frozen=True)
class People:
    """One row per true person; strings are null where the person has none."""

    frame: pl.DataFrame  # first_name, last_name, email, other_email, crm_email, phone, card, other_card, account, crm_ref …
    home: np.ndarray  # store
    country: np.ndarray
    acquired: np.ndarray  # channel of the first purchase
    existing: np.ndarray  # was a customer before START
    has_account: np.ndarray
    has_card: np.ndarray

    def __len__(self) -> int:
        return len(self.home)


def people(size: int, rng: np.random.Generator) -> People:
    """`size` people around the stores; a person's position is the true identity."""
    s = stores()
    home = rng.choice(len(s.weight), size, p=s.weight / s.weight.sum())
    overseas = np.isin(s.frame["country"].to_numpy(), ["RE", "GP"])[home]
    acquired = rng.choice(5, size, p=[0.60, 0.22, 0.055, 0.115, 0.01])
    # The marketplace serves France only, and nothing is delivered overseas.
    abroad = s.country[home] != COUNTRIES.index("FR")
    acquired = np.where(overseas | (abroad & (acquired == retailer.MARKETPLACE)), retailer.STORE, acquired)
    existing = rng.random(size) < np.array([0.42, 0.28, 0.12, 0.22, 0.4])[acquired]
    has_account = rng.random(size) < np.array([0.42, 0.78, 0.97, 0.12, 0.7])[acquired]
    has_card = rng.random(size) < np.array([0.62, 0.30, 0.45, 0.06, 0.4])[acquired]

    number = np.arange(size)
    first, last = rng.integers(len(_FIRST), size=size), rng.integers(len(_LAST), size=size)
    style, domain = rng.integers(3, size=size), rng.integers(len(_DOMAINS), size=size)
    other_domain = (domain + 1 + rng.integers(len(_DOMAINS) - 1, size=size)) % len(_DOMAINS)
    plain_first = np.array([n.lower().translate(_PLAIN) for n in _FIRST])
    plain_last = np.array([n.lower().translate(_PLAIN) for n in _LAST])
    u = rng.random((size, 10))
    frame = pl.DataFrame(
        {
            "person": number.astype(np.int32),
            "first_name": np.array(_FIRST)[first],
            "last_name": np.array(_LAST)[last],
            "first": plain_first[first],
            "last": plain_last[last],
            "style": style,
            "domain": np.array(_DOMAINS)[domain],
            "other_domain": np.array(_DOMAINS)[other_domain],
            "country": s.frame["country"].to_numpy()[home],
            "cut": rng.integers(2, 6, size),
        }
    )
    local = (
        pl.when(pl.col("style") == 0)
        .then(pl.concat_str("first", pl.lit("."), "last", "person"))
        .when(pl.col("style") == 1)
        .then(pl.concat_str(pl.col("first").str.head(1), "last", "person"))
        .otherwise(pl.concat_str("first", "person"))
    )
    reached_by = pl.Series(u[:, 0] < 0.97)
    second = pl.Series(u[:, 1] < 0.14)
    typo = pl.Series(u[:, 2] < 0.035)
    frame = frame.with_columns(local=local).with_columns(
        email=pl.when(reached_by).then(pl.concat_str("local", pl.lit("@"), "domain")),
        other_email=pl.when(second).then(pl.concat_str("last", pl.lit("-"), "person", pl.lit("@"), "other_domain")),
    )
    # A typo of the person who keyed the loyalty form: one letter lost.
    misspelt = pl.concat_str(pl.col("email").str.head(pl.col("cut")), pl.col("email").str.slice(pl.col("cut") + 1))
    phones = _phones(frame["country"].to_numpy(), number)
    shares = (u[:, 3] < 0.05) & (number > 0) & (home == np.roll(home, 1))
    shares[1:] |= (u[1:, 3] < 0.03) & (s.country[home[1:]] == s.country[home[:-1]])
    phones = np.where(shares, np.roll(phones, 1), phones)
    has_phone = u[:, 4] < 0.82
    card_number = pl.concat_str(pl.lit("2900"), pl.col("person").cast(pl.String).str.zfill(9))
    other_card = pl.concat_str(pl.lit("2901"), pl.col("person").cast(pl.String).str.zfill(9))
    frame = frame.with_columns(
        crm_email=pl.when(pl.Series(u[:, 5] < 0.85)).then(pl.when(typo).then(misspelt).otherwise(pl.col("email"))),
        phone=pl.when(pl.Series(has_phone)).then(pl.Series(phones)),
        card=pl.when(pl.Series(has_card)).then(card_number),
        other_card=pl.when(pl.Series(has_card & (u[:, 6] < 0.05))).then(other_card),
        account=pl.when(pl.Series(has_account)).then(pl.concat_str(pl.lit("W"), pl.col("person").cast(pl.String).str.zfill(8))),
        crm_ref=pl.when(pl.Series(has_card)).then((pl.col("person") * 3 + 17).cast(pl.String).str.zfill(9)),
        other_crm_ref=pl.when(pl.Series(has_card & (u[:, 6] < 0.05))).then(
            (pl.col("person") * 3 + 18).cast(pl.String).str.zfill(9)
        ),
        knows_card=pl.Series(u[:, 7] < 0.42),  # the web account holds the card's number
        crm_phone=pl.Series(u[:, 8] < 0.72),
        birth_year=pl.Series(np.clip(rng.normal(1982, 13, size), 1938, 2007).astype(int)),
        birth_day=pl.Series(rng.integers(0, 365, size)),
        street=pl.Series(
            np.char.add(rng.integers(1, 180, size).astype(str), np.char.add(" ", np.array(_STREETS)[number % len(_STREETS)]))
        ),
        postcode=pl.Series(rng.integers(1, 95, size) * 1000 + rng.integers(0, 9, size) * 100).cast(pl.String).str.zfill(5),
        city=pl.Series(s.frame["town"].to_numpy()[home]),
        consents=pl.Series(u[:, 9] < 0.61),
    )
    return People(
        frame=frame.drop("first", "last", "style", "domain", "other_domain", "cut", "local"),
        home=home,
        country=s.country[home],
        acquired=acquired,
        existing=existing,
        has_account=has_account,
        has_card=has_card,
    )


def _phones(country: np.ndarray, number: np.ndarray) -> np.ndarray:
    """A mobile number in E.164 for each person, unique within a country."""
    frame = pl.DataFrame({"country": country, "number": number}).with_columns(
        prefix=pl.col("country").replace_strict({c: p for c, (p, _) in _PHONES.items()}),
        digits=pl.col("country").replace_strict({c: d for c, (_, d) in _PHONES.items()}),
    )
    mixed = (pl.col("number") * 7_919 + 1_234_567) % (10 ** pl.col("digits"))
    return frame.select(pl.concat_str("prefix", mixed.cast(pl.String).str.zfill(pl.col("digits"))))["prefix"].to_numpy()
