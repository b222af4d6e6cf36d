"""Invented clubs and leagues with the spellings that the feed has: accents, apostrophes, (W)."""

from __future__ import annotations

from typing import NamedTuple

EUROPE, ASIA, AFRICA, AMERICAS, OCEANIA, WORLD = range(6)


class League(NamedTuple):
    """A competition: its country ("" where the vendor gives none), region and `kind` (1 league,
    2 cup, 3 friendly); the UTC hours of its kick-offs, which may run over midnight; what follows
    its teams' names; `goals`, its mean goals a match; and `coverage`, how closely companies and
    vendor follow it (a standard normal score)."""

    name: str
    country: str
    region: int
    kind: int
    first_hour: int
    last_hour: int
    goals: float
    coverage: float
    team_suffix: str = ""


# In rounds of eight: every eighth league from each start covers the clock, so that a lane always
# finds one that plays.
LEAGUES = (
    League("English Premier Division", "England", EUROPE, 1, 11, 20, 2.9, 1.5),
    League("Spanish Primera Federal", "Spain", EUROPE, 1, 12, 20, 2.6, 1.4),
    League("German Bundesliga Nord", "Germany", EUROPE, 1, 11, 19, 3.2, 1.3),
    League("Italian Serie A2", "Italy", EUROPE, 1, 11, 19, 2.6, 1.2),
    League("Norwegian Eliteserie", "Norway", EUROPE, 1, 12, 18, 3.2, 0.9),
    League("Czech First Division", "Czech Republic", EUROPE, 1, 12, 18, 2.8, 0.8),
    League("Netherlands Tweede Divisie", "Netherlands", EUROPE, 1, 11, 19, 3.5, 0.6),
    League("Scottish Cup Qualifiers", "Scotland", EUROPE, 2, 12, 19, 3.1, 0.5),
    League("J-League Division Three", "Japan", ASIA, 1, 4, 11, 2.6, 0.7),
    League("K-League Challenge East", "South Korea", ASIA, 1, 5, 11, 2.6, 0.8),
    League("Chinese Super Division", "China", ASIA, 1, 7, 12, 2.9, 0.9),
    League("Thai League North", "Thailand", ASIA, 1, 9, 13, 2.8, 0.3),
    League("Indonesia Liga Utama", "Indonesia", ASIA, 1, 7, 13, 2.7, 0.4),
    League("Vietnam National Division", "Vietnam", ASIA, 1, 9, 12, 2.5, 0.2),
    League("Uzbekistan Pro League", "Uzbekistan", ASIA, 1, 10, 15, 2.4, -0.1),
    League("Indian State Women's League", "India", ASIA, 1, 8, 13, 3.6, -0.9, " (W)"),
    League("Brazilian Serie B Regional", "Brazil", AMERICAS, 1, 18, 0, 2.4, 1.1),
    League("Argentine Reserve Torneo", "Argentina", AMERICAS, 1, 13, 23, 2.5, -0.4, " Reserves"),
    League("Mexico Liga de Ascenso ", "Mexico", AMERICAS, 1, 22, 4, 2.8, 0.7),
    League("Colombian Primera", "Colombia", AMERICAS, 1, 20, 2, 2.3, 0.6),
    League("USL League Central", "United States", AMERICAS, 1, 22, 3, 2.9, 0.6),
    League("Chilean Segunda", "Chile", AMERICAS, 1, 16, 0, 2.7, 0.1),
    League("Paraguayan Cup Nacional", "Paraguay", AMERICAS, 2, 19, 1, 2.6, 0.0),
    League("Guatemala Liga Mayor", "Guatemala", AMERICAS, 1, 19, 3, 2.6, -0.3),
    League("Finnish Kolmonen East", "Finland", EUROPE, 1, 13, 18, 4.0, -0.9),
    League("Poland Liga 3 South", "Poland", EUROPE, 1, 10, 17, 3.2, -0.6),
    League("Danish U19 Division", "Denmark", EUROPE, 1, 10, 17, 3.8, -0.8, " U19"),
    League("Sweden Women's Elitettan", "Sweden", EUROPE, 1, 11, 17, 3.4, -0.2, " (w)"),
    League("Georgia Erovnuli 3", "Georgia", EUROPE, 1, 11, 16, 2.7, -0.3),
    League("Austrian Landesliga West", "Austria", EUROPE, 1, 13, 18, 3.7, -1.0),
    League("Serbian Druga Liga", "Serbia", EUROPE, 1, 11, 17, 2.5, 0.0),
    League("Iceland Besta Reserve", "Iceland", EUROPE, 1, 14, 21, 4.1, -0.5),
    League("Egyptian First Division", "Egypt", AFRICA, 1, 12, 19, 2.2, 0.8),
    League("Nigeria Professional League", "Nigeria", AFRICA, 1, 13, 17, 2.0, -0.2),
    League("South African Diski Cup", "South Africa", AFRICA, 2, 8, 17, 2.5, -0.3),
    League("Rwandan National Division", "Rwanda", AFRICA, 1, 11, 15, 2.2, -0.7),
    League("Moroccan Botola Two", "Morocco", AFRICA, 1, 14, 21, 2.1, 0.1),
    League("Tunisian Ligue Professionnelle Deux ", "Tunisia", AFRICA, 1, 12, 17, 2.0, -0.2),
    League("Saudi Arabia Second Division", "Saudi Arabia", ASIA, 1, 11, 18, 2.7, 0.2),
    League("Iraq Stars Division", "Iraq", ASIA, 1, 10, 17, 2.2, 0.0),
    League("Queensland State League", "Australia", OCEANIA, 1, 3, 10, 3.9, -0.1),
    League("Victoria NPL Women's League", "Australia", OCEANIA, 1, 2, 10, 3.7, -0.4, " (W)"),
    League("New Zealand Northern League", "new Zealand", OCEANIA, 1, 0, 8, 3.8, -0.6),
    League("Fiji National Cup", "Fiji", OCEANIA, 2, 1, 6, 3.0, -1.2),
    League("International Club Friendly", "", WORLD, 3, 0, 23, 3.1, -0.3),
    League("Brazilian Campeonato Paulista U20", "Brazil", AMERICAS, 1, 14, 23, 2.8, -0.5, " U20"),
    League("Canadian Western League", "Canada", AMERICAS, 1, 21, 4, 2.9, -0.2),
    League("CA U17 D", "", WORLD, 2, 0, 23, 3.0, -1.1, " U17"),
)

_ENGLISH = (
    "Ashcombe Barrowdale Cotterby Dunwick Elmbridge Fenton "
    "Garsdale Hollin Ickleton Kelham Lowick Marsden Norbury"
)
_LATIN = (
    "Alameda Belmira Caraval Dorada Esperanza Fuentes "
    "Guadal Itaúna Jacaré Laguna Mirador Olivar Palmeira"
)
_ANDEAN = (
    "Ayacuma Bocaray Curupay Huaranga Itapora Jaguari "
    "Llanquira Maracaju Nahuel Ocotlán Quilmay Tacuara Yaracuy"
)
_NORDIC = (
    "Askvik Bergsund Dalby Ekeby Fjelldal Granli "
    "Hovden Jarvela Korsnas Lindoya Mosvik Nordhamn Oravais"
)
_SLAVIC = (
    "Borovica Cerna Dubrava Gradec Hradek Jablon Kamenec Lipova Morava Novi-Dol Orlova Polana Ruda"
)
_ASIAN = (
    "Anwol Bandara Chiyoda Danjiang Fukuri Gimhwa "
    "Hanoka Jinyang Kuramo Longxi Minato Narathon Sakhon"
)
_ARABIC = (
    "Al Amal|Al Badr|Al Faris|Al Hilla|Al Jazira|Al Karama|"
    "Al Mina|Al Nahda|Al Qadim|Al Rayan|Al Salam|Al Wasl|Al Zahra"
)
_BERBER = (
    "Aïn Zerga|Bab Tamar|Beni Ouara|El Hamra|Fqih Nour|Hammam Selma|"
    "Kasr Adil|Mers El Bahr|Oued Rima|Ras Chergui|Sidi Amor|Tazmart|Wadi Safi"
)
_AFRICAN = (
    "Abeokuma Bamara Chilonga Dakoro Enuguta Gombela "
    "Ibaraka Kigara Lusanda Mbomo Nakuta Oshika Rubavo"
)

# A league's teams are the towns of one list in two of its region's forms.
TOWNS: dict[int, tuple[tuple[str, ...], ...]] = {
    EUROPE: (
        tuple(_ENGLISH.split()),
        tuple(_NORDIC.split()),
        tuple(_SLAVIC.replace("Novi-Dol", "Novi-Dol").split()),
    ),
    ASIA: (tuple(_ASIAN.split()), tuple(_ARABIC.split("|"))),
    AFRICA: (tuple(_AFRICAN.split()), tuple(_BERBER.split("|"))),
    AMERICAS: (tuple(_LATIN.split()), tuple(_ANDEAN.split())),
    OCEANIA: (tuple(_ENGLISH.split()),),
    WORLD: (tuple(_SLAVIC.split()), tuple(_LATIN.split()), tuple(_NORDIC.split())),
}
CLUB_FORMS = {
    EUROPE: (
        "{} FC",
        "{}",
        "FK {}",
        "SV {}",
        "{} United",
        "IF {}",
        "{} 1911",
        "Sporting {}",
        "{} BK",
        "Lokomotiv {}",
    ),
    ASIA: (
        "{}",
        "{} FC",
        "{} City",
        "{} SC",
        "{} Rangers",
        "{} Bank",
        "{} 2",
        "FC {}",
        "{} Club",
        "{} Athletic",
    ),
    AFRICA: ("{}", "{} Stars", "AS {}", "{} Sport", "US {}", "{} Warriors FC"),
    AMERICAS: (
        "{}",
        "Deportivo {}",
        "CA {}",
        "Atlético {}",
        "{} EC",
        "CD {}",
        "Club {}",
        "Union {}",
        "{} SC",
        "Real {}",
    ),
    OCEANIA: ("{} City", "{} Olympic", "North {}", "{} Rovers", "{} Wanderers", "{} Knights"),
    WORLD: ("{} XI", "Dynamo {}", "{} Select", "{}"),
}
# Whole names that no pattern gives, for the first teams of some leagues.
ODD_NAMES = {
    3: "Sant'Elmo Calcio",
    16: "Atlético Newell's Old Harbour Boys",
    24: "KäPa Äänekoski",
    30: "FK Čukarički Đorđe",
    45: "Kisvárda Olímpico",
}

GIVEN_NAMES = [
    "Adama",
    "Ahmed",
    "Aleksandr",
    "Anders",
    "Bruno",
    "Carlos",
    "Daniel",
    "Diego",
    "Emil",
    "Fabio",
    "Felipe",
    "Goran",
    "Hassan",
    "Hiroki",
    "Ibrahim",
    "Ivan",
    "Jakob",
    "João",
    "Jonas",
    "Karim",
    "Kenji",
    "Lars",
    "Luka",
    "Marek",
    "Mateo",
    "Mehdi",
    "Miguel",
    "Mikael",
    "Mohamed",
    "Nikola",
    "Omar",
    "Oscar",
    "Paulo",
    "Pedro",
    "Rafael",
    "Renat",
    "Santiago",
    "Sergei",
    "Thiago",
    "Tomáš",
    "Viktor",
    "Yusuf",
    "Zoran",
]
FAMILY_NAMES = [
    "Abdi",
    "Almeida",
    "Andersen",
    "Barbosa",
    "Benali",
    "Castillo",
    "Costa",
    "Diallo",
    "Dimitrov",
    "Fernandes",
    "Ferreira",
    "Gómez",
    "Haddad",
    "Hansen",
    "Hernandez",
    "Ito",
    "Ivanov",
    "Jensen",
    "Jovanović",
    "Kamara",
    "Kim",
    "Koskela",
    "Kovač",
    "Larsen",
    "Lindqvist",
    "Mahmoud",
    "Martinez",
    "Mensah",
    "Nguyen",
    "Novak",
    "Okafor",
    "Oliveira",
    "Park",
    "Petrov",
    "Ramírez",
    "Saleh",
    "Šušnjar",
    "Silva",
    "Sørensen",
    "Suzuki",
    "Traoré",
    "Vargas",
    "Virtanen",
    "Wójcik",
    "Yamada",
    "Zidane",
]

CATEGORIES = ("Europe", "Asia", "Africa", "Americas", "Oceania", "International")
COUNTRIES = (
    "England|Scotland|Wales|Northern Ireland|Ireland|France|Monaco|Spain|Andorra|Portugal|"
    "Gibraltar|"
    "Italy|San Marino|Malta|Germany|Austria|Switzerland|Liechtenstein|Netherlands|Belgium|"
    "Luxembourg|Denmark|Faroe Islands|Iceland|Norway|Sweden|Finland|Estonia|Latvia|Lithuania|"
    "Poland|"
    "Czech Republic|Slovakia|Hungary|Slovenia|Croatia|Bosnia and Herzegovina|Serbia|Montenegro|"
    "Kosovo|North Macedonia|Albania|Greece|Cyprus|Turkey|Bulgaria|Romania|Moldova|Ukraine|Belarus|"
    "Russia|Georgia|Armenia|Azerbaijan|Kazakhstan|Israel",
    "Japan|South Korea|North Korea|China|Hong Kong, China|Macao, China|Taipei, China|Mongolia|"
    "Vietnam|Laos|Cambodia|Thailand|Myanmar|Malaysia|Singapore|Indonesia|Brunei|Philippines|"
    "East Timor|India|Pakistan|Bangladesh|Nepal|Bhutan|Sri Lanka|Maldives|Afghanistan|Uzbekistan|"
    "Turkmenistan|Tajikistan|Kyrgyzstan|Iran|Iraq|Syria|Lebanon|Jordan|Palestine|Saudi Arabia|"
    "Kuwait|Bahrain|Qatar|United Arab Emirates|Oman|Yemen|Guam",
    "Morocco|Algeria|Tunisia|Libya|Egypt|Sudan|South Sudan|Ethiopia|Eritrea|Djibouti|Somalia|Kenya|"
    "Uganda|Rwanda|Burundi|Tanzania|Malawi|Zambia|Zimbabwe|Mozambique|Madagascar|Mauritius|"
    "Seychelles|Comoros|South Africa|Lesotho|Swaziland|Botswana|Namibia|Angola|Congo|"
    "Democratic Republic of the Congo|Gabon|Equatorial Guinea|Sao Tome and Principe|Cameroon|"
    "Central African Republic|Chad|Niger|Nigeria|Benin|Togo|Ghana|Ivory Coast|Liberia|Sierra Leone|"
    "Guinea|Guinea-Bissau|Gambia|Senegal|Mali|Burkina Faso|Mauritania|Cape Verde",
    "Canada|United States|Mexico|Guatemala|Belize|Honduras|El Salvador|Nicaragua|Costa Rica|Panama|"
    "Cuba|Jamaica|Haiti|Dominican Republic|Puerto Rico|Bahamas|Bermuda|Barbados|Grenada|Dominica|"
    "Saint Lucia|Saint Kitts and Nevis|Saint Vincent and the Grenadines|Antigua and Barbuda|"
    "Trinidad and Tobago|Aruba|Curacao|Montserrat|Anguilla|US Virgin Islands|"
    "British Virgin Islands|Cayman Islands|Turks and Caicos Islands|Colombia|Venezuela|Guyana|"
    "Suriname|Ecuador|Peru|Bolivia|Brazil|Paraguay|Uruguay|Argentina|Chile",
    "Australia|new Zealand|Fiji|Papua New Guinea|Solomon Islands|Vanuatu|New Caledonia|Tahiti|"
    "Samoa|"
    "American Samoa|Tonga|Cook Islands",
)
