//! Names, merchants and texts. The people, companies and partners are invented.

/// First name, last name, gender.
pub(super) const HOLDERS: [(&str, &str, char); 12] = [
    ("Camille", "Lefèvre", 'F'),
    ("Noé", "Martin", 'M'),
    ("Zoë", "Van den Berg", 'F'),
    ("Jean-Luc", "D'Almeida", 'M'),
    ("Inès", "Moreau", 'F'),
    ("Lukas", "Peeters", 'M'),
    ("Aurélie", "Girard", 'F'),
    ("Søren", "Kjær", 'M'),
    ("Chloé", "Dubois", 'F'),
    ("Paweł", "Nowak", 'M'),
    ("Élodie", "Roux", 'F'),
    ("Mehdi", "Benali", 'M'),
];

/// Company, town, postal code, country.
pub(super) const COMPANIES: [(&str, &str, &str, &str); 6] = [
    ("Atelier Bréhat", "Nantes", "44000", "FR"),
    ("Zuid Logistiek", "Antwerpen", "2000", "BE"),
    ("Les Fermiers de l'Ourcq", "Meaux", "77100", "FR"),
    ("Kanaal & Zonen", "Gent", "9000", "BE"),
    ("Studio Ménilmontant", "Paris", "75020", "FR"),
    ("Ixelles Conseil", "Ixelles", "1050", "BE"),
];

/// Merchant and category code.
pub(super) const MERCHANTS: [(&str, u16); 18] = [
    ("SNCF INTERNET PARIS", 4112),
    ("BOULANGERIE DU PORT NANTES", 5462),
    ("CARREFOUR CITY 4471", 5411),
    ("TotalEnergies Relais A6", 5541),
    ("RATP PARIS", 4111),
    ("Leroy Merlin Nantes", 5200),
    ("Hôtel de la Gare", 7011),
    ("Brasserie L'Épicentre", 5812),
    ("OVH SAS", 4816),
    ("La Poste Boutique", 9402),
    ("Delhaize Flagey", 5411),
    ("NMBS/SNCB TICKETS", 4112),
    ("Pharmacie Centrale", 5912),
    ("Decathlon 0231", 5941),
    ("Librairie Mollat, Bordeaux", 5942),
    ("G7 Taxi", 4121),
    ("Bureau Vallée", 5943),
    ("Cloud Hosting Ltd", 7372),
];

/// Merchant, category code and currency of a payment abroad.
pub(super) const MERCHANTS_ABROAD: [(&str, u16, &str); 9] = [
    ("AMZN Mktp US*2K4TF", 5942, "USD"),
    ("GITHUB, INC.", 7372, "USD"),
    ("Delta Air Lines", 3058, "USD"),
    ("TfL Travel Charge", 4111, "GBP"),
    ("Pret A Manger 112", 5814, "GBP"),
    ("WHSmith St Pancras", 5994, "GBP"),
    ("JR EAST SHINJUKU", 4112, "JPY"),
    ("ローソン 渋谷", 5411, "JPY"),
    ("Yodobashi Camera", 5732, "JPY"),
];

/// What one unit costs in EUR, in millionths, before the day's drift.
pub(super) const RATES: [(&str, i64); 6] =
    [("EUR", 1_000_000), ("USD", 861_400), ("GBP", 1_148_900), ("JPY", 5_712), ("CHF", 1_071_300), ("BHD", 2_284_700)];

/// Texts that a careless reader stumbles over.
pub(super) const HOSTILE: [&str; 16] = [
    "Café \"Chez l'Ami\", Lyon",
    "=1+1",
    "=HYPERLINK(\"http://example.test\",\"Remboursement\")",
    "+33 1 23 45 67 89",
    "-2+3+cmd|' /C calc'!A0",
    "@SUM(A1:A9)",
    "Ligne 1\nLigne 2, \"fin\"",
    "Tab\tau milieu",
    "\tTab au début",
    "Retour\r\nchariot",
    "Pâtisserie 🥐🥖 & fils",
    "<script>alert('x')</script>",
    "مطعم السلام",
    "C:\\temp\\\"x\"; DROP TABLE rows;--",
    "  espaces autour  ",
    "e\u{301}clair (accent séparé)",
];

/// Code and text of refusals, from the provider's reference.
pub(super) const REFUSALS: [(&str, &str); 5] = [
    ("TRS0010", "Not sufficient funds"),
    ("TRS0016", "Incorrect PIN"),
    ("TRS0015", "Exceeds withdrawal amount limit"),
    ("TRS0208", "Declined due to potential fraud"),
    ("TRS0085", "Recurring txn not allowed"),
];

/// Whom an account pays, or who pays it: name, country, BIC.
pub(super) const PARTNERS: [(&str, &str, &str); 10] = [
    ("Imprimerie Vauban", "FR", "BNPAFRPP"),
    ("Müller Maschinenbau GmbH", "DE", "COBADEFF"),
    ("De Groene Winkel BV", "NL", "ABNANL2A"),
    ("URSSAF Pays de la Loire", "FR", "CEPAFRPP"),
    ("Assurances Saint-Éloi", "FR", "AGRIFRPP"),
    ("Transports Dupont & Cie", "BE", "GKCCBEBB"),
    ("Jansen, Peeters & Co", "BE", "BBRUBEBB"),
    ("SCI du Vieux-Port", "FR", "SOGEFRPP"),
    ("Énergie Verte SA", "BE", "KREDBEBB"),
    ("Bäckerei Sonnenschein", "DE", "DEUTDEFF"),
];

/// Remittance texts; `{}` becomes a number.
pub(super) const REASONS: [&str; 7] = [
    "Facture {}",
    "FACT-2026-{}",
    "Loyer réf. {}",
    "Acompte {} / solde",
    "Notre réf: {}",
    "Salaire {}",
    "Bestelling nr {}",
];

/// Fees of an account and their greatest amount in minor units.
pub(super) const FEES: [(&str, i64); 4] = [
    ("Frais de tenue de compte", 1500),
    ("Commande de carte", 999),
    ("Frais de virement", 80),
    ("Commission de mouvement", 450),
];
