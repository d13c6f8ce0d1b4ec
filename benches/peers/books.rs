//! Card transactions of any number, as an archive of NDJSON pages, and what is wrong with them: the same seed gives the
//! same bytes. Rows are made one after the other and never held, so that size is a matter of the disk alone.
//!
//! A card's rows carry ids that rise as its balance moves, so that a query can put rows of one second into their order
//! by id. Faults stand apart from each other and from shared seconds: each has one reading, which `planted.csv` tells.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{self, BufWriter, Write as _};
use std::path::Path;

use tieout::provider::anytime::auth::hash_of;
use tieout::record::Day;
use tieout::sandbox::generator::Random;

/// The API user to whom the pages were answered.
pub const USERNAME: &str = "bench";
/// The first day with rows.
const FIRST_DAY: &str = "2025-01-01";
const PAGE_ROWS: u64 = 500;
const CARDS_PER_ACCOUNT: u64 = 8;
/// Rows are booked from five in the morning to midnight: no clock is set back or forward then.
const MORNING_S: u64 = 5 * 3_600;
const SECONDS_OF_A_DAY: u64 = 19 * 3_600;
/// Around a fault each row has its second to itself.
const APART: u64 = 4;

const TEXTS: [&str; 14] = [
    "BOULANGERIE DU COIN",
    "SNCF INTERNET, PARIS",
    "Decathlon 0231",
    "AMAZON EU S.A.R.L.",
    "TOTAL ACCESS 4411",
    "Retrait DAB",
    "UBER *TRIP",
    "CARREFOUR CITY 75011",
    r#"Café \"Zoë\", Lyon"#,
    r"Caf\u00e9 de la Gare",
    "Pâtisserie 🥐 & fils",
    "=PROMO",
    r"Ligne 1\nLigne 2",
    r"C:\\temp",
];
const CURRENCIES: [(&str, i64); 4] = [("USD", 1_084_200), ("GBP", 851_300), ("CHF", 934_100), ("SEK", 11_204_500)];

/// What to make.
#[derive(Debug, Clone)]
pub struct Books {
    pub seed: u64,
    /// All rows, shared out evenly.
    pub rows: u64,
    pub cards: u64,
    /// Days with rows, from [`FIRST_DAY`] on.
    pub days: u64,
    /// Faults in a million rows.
    pub faults_per_million: u64,
    /// Rows of the first card that share one second.
    pub tied: u64,
}

/// What was made.
#[derive(Debug, Default)]
struct Made {
    rows: u64,
    /// Sum of all amounts, settled or not, in cents.
    amount: i64,
    /// Sum of all balances in cents.
    balance: i64,
    planted: String,
}

impl Books {
    /// Writes the archive `pages`, the job `job.toml`, the faults `planted.csv` and the sums `sums.json` into a folder.
    pub fn write(&self, folder: &Path) -> io::Result<()> {
        let mut accounts = Pages::create(&folder.join("pages/account"))?;
        for account in 0..self.cards.div_ceil(CARDS_PER_ACCOUNT) {
            let acc_id = acc_id(account * CARDS_PER_ACCOUNT);
            accounts.response(&format!(r#"{{"acc_id":"{acc_id}","acc_type":"business","acc_currency":"EUR"}}"#))?;
        }
        accounts.file.flush()?;
        let mut pages = Pages::create(&folder.join("pages/card_transactions"))?;
        let mut made = Made { planted: "card_ref,txid,expected,actual\n".to_owned(), ..Made::default() };
        let first = first_day();
        let days: Vec<String> = (0..self.days_i32()).map(|day| first.plus(day).to_string()).collect();
        for card in 0..self.cards {
            Card::new(self, &days, card).write(&mut pages, &mut made)?;
        }
        pages.file.flush()?;
        fs::write(folder.join("job.toml"), self.job())?;
        fs::write(folder.join("planted.csv"), &made.planted)?;
        let (amount, balance) = (euros(made.amount), euros(made.balance));
        fs::write(
            folder.join("sums.json"),
            format!(r#"{{"rows":{},"amount":"{amount}","balance_after":"{balance}"}}"#, made.rows),
        )
    }

    fn days_i32(&self) -> i32 {
        i32::try_from(self.days).expect("few days")
    }

    fn job(&self) -> String {
        let first = first_day();
        let last = first.plus(self.days_i32() - 1);
        format!(
            "[job]\nname = \"bench\"\ntimezone = \"Europe/Paris\"\nwindow = {{ from = \"{first}\", to = \"{last}\" }}\n\
             feeds = [\"card_transactions\"]\n[source]\nprovider = \"anytime\"\nusername = \"{USERNAME}\"\n\
             archive = \"pages\"\n"
        )
    }
}

fn first_day() -> Day {
    Day::parse(FIRST_DAY).expect("a day")
}

fn acc_id(card: u64) -> u64 {
    7_000 + card / CARDS_PER_ACCOUNT
}

/// Responses, one a line.
struct Pages {
    file: BufWriter<File>,
    responses: u64,
}

impl Pages {
    fn create(folder: &Path) -> io::Result<Pages> {
        fs::create_dir_all(folder)?;
        let file = BufWriter::with_capacity(1 << 20, File::create(folder.join("pages.ndjson"))?);
        Ok(Pages { file, responses: 0 })
    }

    fn response(&mut self, body: &str) -> io::Result<()> {
        self.responses += 1;
        let timestamp = format!("{}.{:03}7", 1_735_700_000 + self.responses, self.responses % 1_000);
        let (id, hash) = (90_466 + self.responses, hash_of(&timestamp, USERNAME));
        writeln!(
            self.file,
            r#"{{"request_id":{id},"type_response":"sync","timestamp":{timestamp},"hash":"{hash}","body":{body}}}"#
        )
    }
}

#[derive(Debug, Clone, Copy)]
enum Fault {
    /// A row that is left out.
    Missing,
    AmountAltered,
    BalanceAltered,
}

/// A card as its rows are made.
struct Card<'b> {
    books: &'b Books,
    index: u64,
    random: Random,
    rows: u64,
    /// The first of the rows that share one second, and how many do.
    tied: (u64, u64),
    /// The next row with a fault.
    fault_at: Option<u64>,
    /// The row from which on seconds may be shared again after a fault.
    apart_until: u64,
    days: &'b [String],
    second: u64,
    left_in_second: u64,
    balance: i64,
    txid: u64,
}

impl<'b> Card<'b> {
    fn new(books: &'b Books, days: &'b [String], index: u64) -> Self {
        let rows = books.rows / books.cards + u64::from(index < books.rows % books.cards);
        let mut random = Random::for_part(books.seed, index);
        let tied = if index == 0 { books.tied.min(rows.saturating_sub(2 * APART)) } else { 0 };
        let mut card = Card {
            books,
            index,
            rows,
            tied: ((rows - tied) / 2, tied),
            fault_at: None,
            apart_until: 0,
            days,
            second: 0,
            left_in_second: 0,
            balance: random.between(0, 2_000_000),
            txid: 90_000_000 + index * 10_000_000,
            random,
        };
        card.plan_fault(0);
        card
    }

    /// Chooses the next row with a fault, away from the ends and from the second that many share.
    fn plan_fault(&mut self, after: u64) {
        self.fault_at = None;
        let Some(every) = 1_000_000_u64.checked_div(self.books.faults_per_million) else { return };
        let mut at = after + 2 * APART;
        while at + APART < self.rows {
            if self.tied.1 > 0 && at + 2 * APART > self.tied.0 && at < self.tied.0 + self.tied.1 + 2 * APART {
                at = self.tied.0 + self.tied.1 + 2 * APART;
            } else if self.random.below(every) == 0 {
                self.fault_at = Some(at);
                return;
            } else {
                at += 1;
            }
        }
    }

    fn write(mut self, pages: &mut Pages, made: &mut Made) -> io::Result<()> {
        let pages_of_it = self.rows.div_ceil(PAGE_ROWS);
        let (card_ref, acc_id) = (self.card_ref(), acc_id(self.index));
        let mut body = String::new();
        let mut row = 0;
        for page in 0..pages_of_it {
            let start = page * PAGE_ROWS;
            body.clear();
            let _ = write!(
                body,
                r#"{{"card_ref":"{card_ref}","acc_id":"{acc_id}","filters":{{"limit_start":{start},"limit_number":{PAGE_ROWS}}},"transactions":["#
            );
            let end = (start + PAGE_ROWS).min(self.rows);
            while row < end {
                body.push_str(if row == start { "" } else { "," });
                self.row(row, &mut body, made);
                row += 1;
            }
            body.push_str("]}");
            pages.response(&body)?;
        }
        Ok(())
    }

    fn card_ref(&self) -> String {
        format!("ANY{:010}", 4_000_000_000 + self.index)
    }

    fn row(&mut self, row: u64, out: &mut String, made: &mut Made) {
        self.move_on(row);
        let fault = self.fault_at.filter(|at| *at == row).map(|_| {
            self.plan_fault(row);
            self.apart_until = row + APART;
            *self.random.pick(&[Fault::Missing, Fault::AmountAltered, Fault::BalanceAltered])
        });
        // What a reader takes for the balance before: of a row that is missing it knows nothing.
        let known = self.balance;
        if let Some(Fault::Missing) = fault {
            self.txid += 1;
            self.balance -= self.random.between(1_111, 9_999);
        }
        let is_settled = fault.is_some() || !self.random.chance(60);
        let size = self.random.between(100, 30_000);
        let effect = if self.random.chance(100) { size * 9 } else { -size };
        self.balance += if is_settled { effect } else { 0 };
        let off = self.random.between(1_111, 9_999);
        let amount = if let Some(Fault::AmountAltered) = fault { effect + effect.signum() * off } else { effect };
        let balance = if let Some(Fault::BalanceAltered) = fault { self.balance + off } else { self.balance };
        self.txid += 1 + self.random.below(3);
        if fault.is_some() {
            let (expected, actual) = (euros(known + amount), euros(balance));
            let _ = writeln!(made.planted, "{},{},{expected},{actual}", self.card_ref(), self.txid);
        }
        made.rows += 1;
        made.amount += amount;
        made.balance += balance;
        self.spell(amount, balance, is_settled, out);
    }

    /// Moves the clock on to the row's second: to the one before's, where they share it.
    fn move_on(&mut self, row: u64) {
        if self.left_in_second > 0 {
            self.left_in_second -= 1;
            return;
        }
        let seconds = self.books.days * SECONDS_OF_A_DAY;
        self.second = (self.second + u64::from(row > 0)).max(seconds * row / self.rows);
        assert!(self.second < seconds, "there are more rows than the days have seconds for");
        self.left_in_second = if self.tied.1 > 0 && row == self.tied.0 {
            self.tied.1 - 1
        } else if row < self.apart_until {
            0
        } else {
            // Where rows are many for their days, seconds are shared by as many as it takes.
            let crowd = if self.rows * 2 > seconds { 2 * self.rows / seconds + 1 } else { 0 };
            let wanted = if self.random.chance(60) { crowd + self.random.below(3) + 1 } else { crowd };
            wanted.min(self.room_after(row))
        };
    }

    /// How many rows after this one may share its second.
    fn room_after(&self, row: u64) -> u64 {
        let fault = self.fault_at.map(|at| at.saturating_sub(APART));
        let tied = (self.tied.1 > 0 && row < self.tied.0).then_some(self.tied.0);
        let stop = fault.into_iter().chain(tied).min().unwrap_or(self.rows);
        stop.saturating_sub(row + 1)
    }

    /// Writes the row in one of the provider's spellings; amounts are in cents.
    fn spell(&mut self, amount: i64, balance: i64, is_settled: bool, out: &mut String) {
        let draw = self.random.next_u64();
        let dice = |shift: u32, of: u64| (draw >> shift) % of;
        let pick = |shift, of: usize| usize::try_from(dice(shift, of as u64)).expect("below a length");
        let quote = |is_text: bool| if is_text { "\"" } else { "" };
        let (q_id, q_mcc, q_amount, q_balance) =
            (quote(dice(0, 3) == 0), quote(dice(2, 4) == 0), quote(dice(4, 4) == 0), quote(dice(6, 4) != 0));
        let (txid, mcc) = (self.txid, 5_000 + dice(8, 900));
        let foreign = (dice(20, 10) == 0).then(|| CURRENCIES[pick(24, CURRENCIES.len())]);
        let (currency, rate) = foreign.unwrap_or(("EUR", 1_000_000));
        let kind = if amount < 0 { 'D' } else { 'C' };
        let status = if is_settled { 'S' } else { ['P', 'D', 'C'][pick(28, 3)] };
        let _ = write!(out, r#"{{"txid":{q_id}{txid}{q_id},"mcc":{q_mcc}{mcc}{q_mcc},"amount":{q_amount}"#);
        cents(amount.abs(), out);
        let _ = write!(out, r#"{q_amount},"amount_fx":"#);
        cents(amount.abs() * rate / 1_000_000, out);
        let _ =
            write!(out, r#","currency":"{currency}","fx":"{}.{:06}","fx_fee":0,"#, rate / 1_000_000, rate % 1_000_000);
        match dice(32, 8) {
            0 => out.push_str(r#""vat_details":[],"#),
            1 => {
                out.push_str(r#""vat_details":[{"rate":20,"amount":"#);
                cents(amount.abs() / 6, out);
                out.push_str("}],");
            }
            _ => {}
        }
        match status {
            'D' => out.push_str(r#""failed_reason":{"code":"TRS0010","message":"Not sufficient funds"},"#),
            _ if dice(36, 2) == 0 => out.push_str(r#""failed_reason":[],"#),
            _ => {}
        }
        let _ = write!(out, r#""status":"{status}","type":"{kind}","balance_after":{q_balance}"#);
        cents(balance, out);
        let _ = write!(out, r#"{q_balance},"date":""#);
        self.local_time(0, out);
        out.push_str(r#"","date_transaction":""#);
        self.local_time(if dice(40, 3) == 0 { dice(44, 4 * 3_600) } else { 0 }, out);
        let _ = write!(out, r#"","description":"{} {}"}}"#, TEXTS[pick(50, TEXTS.len())], dice(8, 997));
    }

    /// `YYYY-MM-DD HH:MM:SS`, so many seconds before the row's own.
    fn local_time(&self, before_s: u64, out: &mut String) {
        let day = &self.days[usize::try_from(self.second / SECONDS_OF_A_DAY).expect("few days")];
        let clock = MORNING_S + self.second % SECONDS_OF_A_DAY - before_s;
        let _ = write!(out, "{day} {:02}:{:02}:{:02}", clock / 3_600, clock / 60 % 60, clock % 60);
    }
}

fn cents(cents: i64, out: &mut String) {
    let sign = if cents < 0 { "-" } else { "" };
    let _ = write!(out, "{sign}{}.{:02}", cents.abs() / 100, cents.abs() % 100);
}

fn euros(of_cents: i64) -> String {
    let mut text = String::new();
    cents(of_cents, &mut text);
    text
}
