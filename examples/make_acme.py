"""Writes the users of the company ACME as CSV, always the same: python examples/make_acme.py > examples/acme.csv"""

import csv
import random
import string
import sys
import unicodedata
from collections import Counter
from collections.abc import Iterator

SEED = 1000
FIRST_EXTEN, LAST_EXTEN = 1001, 1200
# Mobile numbers that are set aside for fiction in France.
FIRST_MOBILE = 33639980000

WEIGHTS = {"fr_FR": 8, "fr_CA": 4, "de_DE": 6, "es_ES": 3, "vi_VN": 3, "en_GB": 3, "en_US": 3}
PEOPLE = {
    "fr_FR": (
        "Camille Léa Chloé Zoé Anaïs Inès Hélène Théo Jérôme François Loïc Gaël Noé Aurélien Benoît Cédric Thomas",
        "Martin Martin Martin Bernard Lefèvre Dubois Garçon Béranger Le~Goff Guérin Chevallier Mérieux D'Hondt",
    ),
    "fr_CA": (
        "Étienne Maëlle Frédérique Jean-Philippe Marie-Ève Rosalie Mathieu Océane",
        "Tremblay Gagné Côté Bélanger Lévesque Ouellet Pelletier-Roy",
    ),
    "de_DE": (
        "Jürgen Jörg Björn Käthe Änne Lukas Günther Sören Heike Antje Ulrike Matthias",
        "Müller Müller Müller Weiß Schäfer Groß Köhler Böhm Schröder Jäger Krüger von~der~Heydt",
    ),
    "es_ES": (
        "José María Íñigo Ángel Lucía Sofía Begoña Andrés Raúl Mónica Nuria",
        "García Núñez Peña Ibáñez Gutiérrez López~Muñoz Fernández Cañas Zubizarreta",
    ),
    "pt_BR": ("João Conceição Tomás Inês Luísa Antônio Márcia", "Gonçalves Simões Magalhães Araújo da~Conceição"),
    "it_IT": ("Niccolò Chiara Nicolò Cosimo Giulia Ilaria", "D'Angelo Esposito De~Luca Lo~Bianco Nicolò"),
    "pl_PL": ("Łukasz Małgorzata Grażyna Paweł Agnieszka Zbigniew", "Wójcik Wiśniewska Łuczak Dąbrowski Żak Gołąb"),
    "cs_CZ": ("Jiří Věra Šimon Tomáš Zdeňka Ondřej", "Dvořák Novotná Říha Kučera Černý"),
    "tr_TR": ("Ayşe Çağla Gökhan Oğuz Işıl Şule", "Yıldız Çelik Şahin Öztürk Güneş"),  # noqa: RUF001
    "vi_VN": (
        "Ánh Dũng Hương Hải Thảo Tuấn Quỳnh Đức Linh",
        "Nguyễn Nguyễn Nguyễn Nguyễn Trần Phạm Đặng Lê Võ",
    ),
    "sv_SE": ("Åsa Göran Märta Håkan Björn Ebba", "Lindström Åkesson Sjöberg Öberg Nyström"),
    "nb_NO": ("Øyvind Håvard Sølvi Åse Bjørg Torbjørn", "Ødegård Bjørnstad Sæther Hansen Nygård"),
    "da_DK": ("Søren Jørgen Mette Astrid", "Sørensen Kjær Højgaard Mikkelsen"),
    "hu_HU": ("Zoltán György Ágnes Réka Csaba", "Szabó Kovács Tóth Nagy Szőke"),
    "en_GB": (
        "Siobhán Aoife Rhys Zoë Chloë Ruth Kwame Priya",
        "O'Brien Brontë Ó~Súilleabháin Okonkwo Sharma Smith-Jones",
    ),
    "en_US": ("Renée Beyoncé José André Maya Jordan", "Hernández Washington Peña-Ortiz Kim Chen Lee"),
}
THINGS = ("Reception", "Night Desk", "Loading Dock", "Front Gate", "Meeting Room Hédy Lamarr", "Meeting Room Ampère")
DEPARTMENTS = ("Sales", "Support", "Engineering", "Finance", "Logistics", "Human Resources")
LETTERS = str.maketrans(
    {"ß": "ss", "ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "đ": "d", "Đ": "D", "æ": "ae", "\u0131": "i", " ": "-", "'": ""}
)
COLUMNS = (
    "firstname", "lastname", "email", "language", "userfield", "mobile_phone_number", "line_protocol", "sip_username",
    "sip_secret", "exten", "voicemail_name", "voicemail_number", "voicemail_password", "voicemail_email",
    "voicemail_attach_audio", "voicemail_delete_messages", "voicemail_ask_password",
)  # fmt: skip


def address(*names: str) -> str:
    """Names as the part of an e-mail address before the @."""
    text = unicodedata.normalize("NFKD", ".".join(filter(None, names)).translate(LETTERS))
    return text.encode("ascii", "ignore").decode().lower()


def names(chance: random.Random) -> Iterator[tuple[str, str, str]]:
    """First name, last name and language of one person after another; a few have the same names."""
    weights = [WEIGHTS.get(language, 1) for language in PEOPLE]
    seen = set()
    while True:
        (language,) = chance.choices(list(PEOPLE), weights)
        firsts, lasts = PEOPLE[language]
        found = chance.choice(firsts.split()), chance.choice(lasts.split()).replace("~", " "), language
        if found not in seen or chance.random() < 0.1:
            seen.add(found)
            yield found


def users() -> Iterator[dict[str, str]]:
    """The rows of the file."""
    chance = random.Random(SEED)
    people = names(chance)
    taken: Counter[str] = Counter()
    secret = string.ascii_letters + string.digits
    for exten in range(FIRST_EXTEN, LAST_EXTEN + 1):
        thing = THINGS[LAST_EXTEN - exten] if LAST_EXTEN - exten < len(THINGS) else None
        firstname, lastname, language = (thing, "", "en_GB") if thing else next(people)
        local = address(firstname, lastname)
        taken[local] += 1
        email = f"{local}{taken[local] if taken[local] > 1 else ''}@acme.example"
        row = {
            "firstname": firstname,
            "lastname": lastname,
            "email": email,
            "language": language,
            "userfield": "" if thing else chance.choice(DEPARTMENTS),
            "mobile_phone_number": f"+{FIRST_MOBILE + exten}" if not thing and chance.random() < 0.6 else "",
            "line_protocol": "webrtc" if chance.random() < 0.2 else "sip",
            "sip_username": f"acme{exten}",
            "sip_secret": "".join(chance.choices(secret, k=16)),
            "exten": str(exten),
        }
        if not thing and chance.random() < 0.85:
            row |= {
                "voicemail_name": f"{firstname} {lastname}",
                "voicemail_number": str(exten),
                "voicemail_password": f"{chance.randrange(10000):04}",
                "voicemail_email": email,
                "voicemail_attach_audio": "1",
                "voicemail_delete_messages": "0",
                "voicemail_ask_password": "1",
            }
        yield row


if __name__ == "__main__":
    writer = csv.DictWriter(sys.stdout, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    writer.writerows(users())
