//! Words for errors: the one that was probably meant, and those that are allowed.

/// The word of a list that was probably meant.
pub fn nearest<'a>(word: &str, list: impl IntoIterator<Item = &'a str>) -> Option<&'a str> {
    let word = word.to_lowercase();
    // The beginning or the whole of a longer one counts before a few wrong letters.
    let score = |candidate: &str| {
        let distance = strsim::damerau_levenshtein(&word, &candidate.to_lowercase());
        let within = word.len() >= 4 && candidate.len() > word.len() && candidate.contains(&word);
        (if within { 1 } else { distance }, distance)
    };
    let scored = list.into_iter().map(|candidate| (score(candidate), candidate));
    let most = (word.chars().count() / 3).max(1);
    scored.filter(|((score, _), _)| *score <= most).min_by_key(|(score, _)| *score).map(|(_, candidate)| candidate)
}

/// `left, right or up`, of words in backquotes.
pub fn listed<'a>(words: impl IntoIterator<Item = &'a str>) -> String {
    let words: Vec<String> = words.into_iter().map(|word| format!("`{word}`")).collect();
    match words.split_last() {
        Some((last, [])) => last.clone(),
        Some((last, others)) => format!("{} or {last}", others.join(", ")),
        None => String::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_nearest_word_is_found_and_a_far_one_is_not() {
        let list = ["focus", "focus-output", "fullscreen", "pretend-fullscreen", "float"];
        for (word, meant) in [
            ("focsu", Some("focus")),
            ("fullscren", Some("fullscreen")),
            ("output", Some("focus-output")),
            ("x", None),
            ("nothing", None),
        ] {
            assert_eq!(nearest(word, list), meant, "{word}");
        }
        assert_eq!([listed(["a"]), listed(["a", "b", "c"])], ["`a`", "`a`, `b` or `c`"]);
    }
}
