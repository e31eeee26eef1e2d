//! What all processes of a run have sent, and what was answered.

use std::collections::BTreeMap;
use std::fmt;

/// Each request is to be answered so often.
const OFTEN: u64 = 100;
/// Of a hundred requests so many may be wrong.
const WRONG: u64 = 10;

/// Of a thousand clients so many may be refused although they kept to the rules: the rules here are
/// simpler than the protocols'.
const UNFAIR: u64 = 10;
/// Characters that are shown of a reason, and reasons.
const SHOWN: usize = 400;
const REASONS: usize = 5;

/// The sums.
#[derive(Debug, Default)]
pub struct Counts {
    /// Requests that were sent.
    pub sent: u64,
    wrong: u64,
    clients: u64,
    refused: u64,
    /// Why clients were refused that had done nothing wrong, by the fuzzer's rules.
    unfair: Vec<String>,
    /// By request: sent, and answered without an error.
    requests: BTreeMap<String, (u64, u64)>,
}

impl Counts {
    /// Adds what a process has printed.
    pub fn add(&mut self, output: &str) {
        for line in output.lines().filter_map(|line| line.split("fuzz: ").nth(1)) {
            let words: Vec<&str> = line.split_whitespace().collect();
            let number = |at: usize| words.get(at).and_then(|word| word.parse().ok()).unwrap_or(0);
            match words[..] {
                ["sent", ..] => {
                    self.sent += number(1);
                    self.wrong += number(3);
                    self.clients += number(5);
                    self.refused += number(7);
                }
                ["request", name, ..] => {
                    let (sent, answered) = self.requests.entry(name.to_owned()).or_default();
                    *sent += number(2);
                    *answered += number(3);
                }
                ["unfair", ..] => self.unfair.push(line.chars().take(SHOWN).collect()),
                _ => {}
            }
        }
    }

    /// What a run did not do that it should have done; with `whole`, also how often each request is
    /// to be answered.
    pub fn faults(&self, whole: bool) -> impl Iterator<Item = String> {
        let rare = self.requests.iter().filter(move |(_, (_, answered))| whole && *answered < OFTEN);
        let rare = rare.map(|(name, (_, answered))| format!("{name} was answered {answered} times, not {OFTEN}"));
        let wrong = (self.wrong * 100 > self.sent * WRONG)
            .then(|| format!("{} of {} requests were wrong: more than {WRONG} %", self.wrong, self.sent));
        let unfair = (self.unfair.len() as u64 * 1000 > self.clients * UNFAIR).then(|| {
            format!("{} of {} clients were refused although they did nothing wrong", self.unfair.len(), self.clients)
        });
        let nothing = (self.sent == 0).then(|| "nothing was sent".to_owned());
        rare.chain(wrong).chain(unfair).chain(nothing)
    }
}

impl fmt::Display for Counts {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{:<70} {:>9} {:>9}", "request", "sent", "answered")?;
        for (name, (sent, answered)) in &self.requests {
            writeln!(f, "{name:<70} {sent:>9} {answered:>9}")?;
        }
        let Self { sent, wrong, clients, refused, unfair, .. } = self;
        unfair.iter().take(REASONS).try_for_each(|why| writeln!(f, "{why}"))?;
        let share = 100.0 - *wrong as f64 * 100.0 / (*sent).max(1) as f64;
        write!(
            f,
            "{share:.1} % of the requests were right; {refused} of {clients} clients ended with a protocol error, {} \
             of them for nothing that the rules know",
            unfair.len()
        )
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_that_is_hardly_answered_is_a_fault() {
        let mut counts = Counts::default();
        counts.add(
            "fuzz: sent 1000 wrong 20 clients 4 refused 1\nfuzz: request wl_a.b 200 99\nfuzz: request wl_a.c 200 100\n",
        );
        assert_eq!(counts.faults(true).collect::<Vec<_>>(), ["wl_a.b was answered 99 times, not 100"]);
        assert_eq!(counts.faults(false).count(), 0);
        counts.add("fuzz: sent 0 wrong 200 clients 0 refused 0\nfuzz: request wl_a.b 1 1\n");
        assert_eq!(counts.faults(true).collect::<Vec<_>>(), ["220 of 1000 requests were wrong: more than 10 %"]);
        assert_eq!(Counts::default().faults(false).count(), 1);
    }
}
