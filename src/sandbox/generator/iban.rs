//! IBANs that pass the check a bank would make.

use super::Random;

/// An IBAN of chance for one of a few countries.
pub(super) fn make(random: &mut Random, country: &str) -> String {
    let digits = |random: &mut Random, count: usize| -> String {
        (0..count).map(|_| char::from(b'0' + u8::try_from(random.below(10)).expect("a digit"))).collect()
    };
    let bban = match country {
        "BE" => {
            let number = digits(random, 10);
            let check = number.parse::<u64>().expect("ten digits") % 97;
            format!("{number}{:02}", if check == 0 { 97 } else { check })
        }
        "FR" => french(&digits(random, 5), &digits(random, 5), &digits(random, 11)),
        "NL" => format!("ABNA0{}", digits(random, 9)),
        _ => digits(random, 18),
    };
    format!("{country}{}{bban}", check_digits(country, &bban))
}

fn french(bank: &str, branch: &str, account: &str) -> String {
    let number = |text: &str| text.parse::<u64>().expect("digits");
    let key = 97 - (89 * number(bank) + 15 * number(branch) + 3 * number(account)) % 97;
    format!("{bank}{branch}{account}{key:02}")
}

/// The two check digits of ISO 13616 for a country and the account part.
pub fn check_digits(country: &str, bban: &str) -> String {
    format!("{:02}", 98 - remainder(&format!("{bban}{country}00")))
}

/// Whether the check digits of an IBAN are right.
pub fn is_valid(iban: &str) -> bool {
    iban.len() > 4 && iban.is_ascii() && remainder(&format!("{}{}", &iban[4..], &iban[..4])) == 1
}

/// The remainder by 97, letters counted as 10 to 35.
fn remainder(text: &str) -> u32 {
    text.chars().fold(0, |remainder, character| match character.to_digit(36) {
        Some(value) if value < 10 => (remainder * 10 + value) % 97,
        Some(value) => (remainder * 100 + value) % 97,
        None => remainder,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn known_ibans_are_valid_and_made_ones_too() {
        assert!(is_valid("GB82WEST12345698765432"), "the example of the standard");
        assert!(is_valid("DE89370400440532013000") && !is_valid("DE88370400440532013000"));
        let mut random = Random::new(1);
        for country in ["BE", "FR", "NL", "DE"] {
            let iban = make(&mut random, country);
            assert!(is_valid(&iban), "{iban}");
        }
    }
}
