//! Amounts as Python's `decimal` reads them.

use std::io::Write;
use std::process::{Command, Stdio};

use tieout::record::Money;
use tieout::sandbox::generator::Random;

/// Reads each line as an amount with four decimals and at most 18 digits, or says that it is none.
const PYTHON: &str = r"
import decimal, re, sys
decimal.getcontext().prec = 400
decimal.getcontext().Emax = decimal.MAX_EMAX
decimal.getcontext().Emin = decimal.MIN_EMIN
shape = re.compile(r'[+-]?([0-9]+\.?[0-9]*|\.[0-9]+)([eE][+-]?[0-9]+)?\Z')
for line in sys.stdin:
    text = line.rstrip('\n')
    found = shape.match(text)
    # Bounds of tieout's own: a text of 64 bytes, an exponent of four digits.
    if not found or len(text) > 64 or len((found.group(2) or '').lstrip('eE+-')) > 4:
        print('no'); continue
    scaled = decimal.Decimal(text).scaleb(4)
    if scaled == 0:
        print(0); continue
    if scaled.adjusted() > 17 or scaled.normalize().as_tuple().exponent < 0:
        print('no'); continue
    print(int(scaled))
";

/// Compares that many amounts.
pub fn check(count: usize, seed: u64) -> Result<(), String> {
    let mut random = Random::for_part(seed, 5);
    let texts: Vec<String> = (0..count).map(|_| text(&mut random)).collect();
    let theirs = python(&texts)?;
    if theirs.len() != texts.len() {
        return Err(format!("python3 answered {} lines for {}", theirs.len(), texts.len()));
    }
    let mut held = 0;
    for (text, theirs) in texts.iter().zip(&theirs) {
        let ours = Money::parse(text).map_or_else(|_| "no".to_owned(), |money| money.unscaled().to_string());
        held += usize::from(ours != "no");
        if ours != *theirs {
            return Err(format!("{text}: Python reads {theirs}, tieout {ours} (ten-thousandths)"));
        }
        if let Ok(money) = Money::parse(text)
            && Money::parse(&money.text(2)) != Ok(money)
        {
            return Err(format!("{text}: written as {}, which reads differently", money.text(2)));
        }
    }
    if held * 5 < count || held * 10 > count * 9 {
        return Err(format!("the mix is off: {held} of {count} are amounts"));
    }
    Ok(())
}

fn python(texts: &[String]) -> Result<Vec<String>, String> {
    let mut command = Command::new("python3");
    command.args(["-c", PYTHON]).stdin(Stdio::piped()).stdout(Stdio::piped());
    let mut python = super::stories::start(&mut command).map_err(|error| format!("python3 is needed: {error}"))?;
    let mut stdin = python.stdin.take().expect("it is piped");
    let all = texts.join("\n") + "\n";
    let writer = std::thread::spawn(move || stdin.write_all(all.as_bytes()));
    let output = python.wait_with_output().map_err(|error| error.to_string())?;
    writer.join().expect("no panic").map_err(|error| error.to_string())?;
    let text = String::from_utf8(output.stdout).map_err(|error| error.to_string())?;
    Ok(text.lines().map(str::to_owned).collect())
}

/// A text that is an amount, or nearly one.
fn text(random: &mut Random) -> String {
    let mut text = (*random.pick(&["", "", "", "-", "-", "+", "--", "- "])).to_owned();
    text.push_str(&"0".repeat(if random.chance(200) { random.index(30) } else { 0 }));
    text.push_str(&digits(random, 20));
    match random.index(8) {
        0..4 => text = format!("{text}.{}", digits(random, 7)),
        4 => text = format!("{text}.{}{}", digits(random, 4), "0".repeat(random.index(40))),
        5 => text.push('.'),
        _ => {}
    }
    if random.chance(250) {
        let exponent =
            if random.chance(50) { random.below(u64::MAX).to_string() } else { random.index(30).to_string() };
        text = format!("{text}{}{}{exponent}", random.pick(&["e", "E"]), random.pick(&["", "+", "-"]));
    }
    if random.chance(20) {
        let at = random.index(text.len() + 1);
        let odd = *random.pick(&["_", ",", " ", "x", ".", "\u{a0}", "٣", "e", "NaN", "Infinity"]);
        text.insert_str(at, odd);
    }
    text
}

/// Usually few.
fn digits(random: &mut Random, most: usize) -> String {
    let many = if random.chance(600) { most.min(5) } else { most };
    (0..random.index(many + 1)).map(|_| char::from(b'0' + u8::try_from(random.index(10)).expect("a digit"))).collect()
}
