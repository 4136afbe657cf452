"""The small word lists from which invented people and companies are put together; any likeness is chance."""

from __future__ import annotations

import unicodedata

FIRST_NAMES = (
    *("Agnieszka", "Ana", "Anders", "Annika", "Bartosz", "Beatriz", "Bilal", "Bjørn", "Brigitte", "Camille"),
    *("Carmen", "Chloé", "Claudio", "Dagmar", "Daniel", "Dewi", "Dorota", "Eero", "Elena", "Emeka", "Emma"),
    *("Erik", "Fatima", "Femke", "Filip", "François", "Freya", "Gerard", "Giulia", "Grace", "Gunther"),
    *("Hanna", "Henrik", "Hugo", "Ilse", "Imran", "Ingrid", "Iwona", "Jakub", "Jamal", "Joanna", "Jörg"),
    *("Karin", "Kofi", "Lars", "Leila", "Liam", "Lucía", "Małgorzata", "Marek", "Margot", "Mateo", "Mei"),
    *("Miriam", "Nadia", "Niels", "Noor", "Olga", "Oskar", "Pádraig", "Paula", "Priya", "Rafael", "Rania"),
    *("Renate", "Sander", "Siobhán", "Sofia", "Sören", "Tariq", "Teresa", "Thijs", "Ursula", "Viktor"),
    *("Wanda", "Wim", "Yara", "Yusuf", "Zofia", "Željko"),
)
LAST_NAMES = (
    *("Achterberg", "Adeyemi", "Almqvist", "Barros", "Baumann", "Bielecki", "Bouchard", "Brandvold", "Cassano"),
    *("Castellanos", "Czajka", "Dahlgren", "De Wilde", "Delacroix", "Dittmer", "Dubois", "Eklund", "Espinoza"),
    *("Fairweather", "Falkenrath", "Ferreira", "Gajewska", "Grünwald", "Haddad", "Halvorsen", "Hartono", "Hoekstra"),
    *("Iyer", "Jabłoński", "Jansen", "Kaczmarek", "Kettering", "Kovač", "Kristensen", "Laurent", "Lindholm"),
    *("López", "MacAlister", "Mancini", "Marchetti", "Mazur", "Mbeki", "Müller", "Nakamura", "Nordström", "O'Farrell"),
    *("Okonkwo", "Olszewski", "Östberg", "Pacheco", "Peeters", "Pettersson", "Quispe", "Rahman", "Rosenthal"),
    *("Rossi", "Sandoval", "Schäfer", "Sikorska", "Silva", "Steenkamp", "Suryadi", "Szymański", "Tanaka", "Thorsen"),
    *("Urbański", "Vandenberg", "Vermeulen", "Wagner", "Weatherby", "Wójcik", "Yilmaz", "Zawadzki", "Zimmermann"),
)
COMPANY_ADJECTIVES = (
    *("Amber", "Arctic", "Aurora", "Baltic", "Birch", "Blue", "Bright", "Cedar", "Cobalt", "Copper", "Coral"),
    *("Crimson", "Delta", "Eastern", "Elm", "Evergreen", "Falcon", "First", "Garnet", "Golden", "Granite"),
    *("Green", "Harbour", "Hazel", "Indigo", "Iron", "Ivory", "Jade", "Linden", "Lunar", "Maple", "Meridian"),
    *("Northern", "Oak", "Olive", "Onyx", "Opal", "Polar", "Quartz", "Red", "River", "Rowan", "Sable"),
    *("Silver", "Solar", "Southern", "Stone", "Summit", "Tidal", "Willow"),
)
COMPANY_NOUNS = (
    *("Anchor", "Arc", "Atlas", "Beacon", "Bridge", "Canyon", "Circuit", "Compass", "Crane", "Crest", "Current"),
    *("Delta", "Field", "Forge", "Gate", "Grove", "Gear", "Harvest", "Haven", "Hill", "Kiln", "Lantern", "Lever"),
    *("Line", "Loom", "Mill", "Orbit", "Path", "Peak", "Pier", "Pulse", "Quay", "Rail", "Ridge", "Sail", "Signal"),
    *("Spark", "Spring", "Stream", "Tower", "Valley", "Vector", "Wharf", "Works"),
)
COMPANY_KINDS = (
    *("Software", "Logistics", "Machinery", "Foods", "Health", "Energy", "Finance", "Retail", "Consulting"),
    *("Automation", "Pharma", "Telecom"),
)
#: Industry by company kind, same order.
INDUSTRY_OF_KIND = (
    *("COMPUTER_SOFTWARE", "LOGISTICS_AND_SUPPLY_CHAIN", "MACHINERY", "FOOD_PRODUCTION"),
    *("HOSPITAL_HEALTH_CARE", "UTILITIES", "FINANCIAL_SERVICES", "RETAIL", "STAFFING_AND_RECRUITING"),
    *("INDUSTRIAL_AUTOMATION", "PHARMACEUTICALS", "TELECOMMUNICATIONS"),
)
JOB_TITLES = (
    *("VP Marketing", "Head of Sales Operations", "Chief Executive Officer", "Marketing Manager", "CRM Manager"),
    *("Director of Operations", "Procurement Manager", "IT Manager", "Sales Representative", "Data Analyst"),
    *("Software Engineer", "Managing Director", "Head of Digital", "Chief Financial Officer", "Office Manager"),
    *("Product Manager", "VP of Engineering", "Plant Manager", "Supply Chain Director", "HR Business Partner"),
    *("Chief Marketing Officer", "Founder", "Revenue Operations Lead", "Assistant to VP Sales", "Consultant"),
    *("Demand Generation Manager", "Business Development Manager", "Head of Procurement", "Controller"),
    *("Kierownik ds. sprzedaży", "Geschäftsführer", "Directeur général", "Responsable marketing", "Leiter Einkauf"),
)
#: What people type into a job title field when nobody checks.
ODD_JOB_TITLES = (
    *("student", "Intern (marketing)", "n/a", "CEO / Chief Everything Officer", "  head of   growth ", "-"),
    *("MARKETING MGR.", "asdf", "Retired", "Looking for a job", "VP, Sales & Marketing EMEA", "Freelancer"),
)
PLACES = (
    *(("Germany", "Hamburg"), ("Germany", "München"), ("Poland", "Kraków"), ("Poland", "Gdańsk")),
    *(("Netherlands", "Utrecht"), ("France", "Lyon"), ("United Kingdom", "Leeds"), ("United States", "Austin")),
    *(("United States", "Denver"), ("Indonesia", "Surabaya"), ("Spain", "València"), ("Sweden", "Göteborg")),
    *(("Italy", "Torino"), ("Canada", "Halifax"), ("Brazil", "Curitiba"), ("India", "Pune")),
)
FREE_MAIL = ("gmail.com", "hotmail.com", "outlook.com", "yahoo.com", "gmx.de", "wp.pl")
PRODUCTS = ("Platform", "Starter pack", "Maintenance", "Pilot", "Expansion", "Migration", "Team plan")
CALL_TITLES = ("Intro call", "Follow-up call", "Qualification call", "Call back")
EMAIL_SUBJECTS = ("Your question about pricing", "Next steps", "Checking in", "The comparison you asked for")

_LETTERS = str.maketrans({"ø": "o", "Ø": "O", "ł": "l", "Ł": "L", "ß": "ss", "'": "", " ": ""})


def plain(text: str) -> str:
    """The text as it stands in an address: lower case, no accents, no blanks ("Małgorzata" -> "malgorzata")."""
    bare = unicodedata.normalize("NFKD", text.translate(_LETTERS))
    return "".join(letter for letter in bare if not unicodedata.combining(letter)).lower()


PLAIN_FIRST = tuple(plain(name) for name in FIRST_NAMES)
PLAIN_LAST = tuple(plain(name) for name in LAST_NAMES)
