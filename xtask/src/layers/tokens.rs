//! Small questions about token streams, and the leaves of a `use` tree.

use proc_macro2::{Delimiter, Ident, TokenStream, TokenTree};

/// One leaf of a `use` tree.
#[derive(Debug)]
pub struct Leaf {
    /// As written; a leading `::` is an empty first segment.
    pub path: Vec<String>,
    /// The name that it gets; none for a glob.
    pub name: Option<String>,
    /// Line of its last segment.
    pub line: usize,
}

/// The leaves of one tree of a `use`; nothing where it is none (a macro's fragment, say).
pub fn use_tree(tokens: &[TokenTree], prefix: &[String], leaves: &mut Vec<Leaf>) -> Option<()> {
    let mut path = prefix.to_vec();
    let mut at = 0;
    let mut line = 0;
    if is_punct(tokens.first(), ':') && is_punct(tokens.get(1), ':') {
        if path.is_empty() {
            path.push(String::new());
        }
        at = 2;
    }
    // `$crate`
    if is_punct(tokens.get(at), '$') && matches!(tokens.get(at + 1), Some(TokenTree::Ident(word)) if word == "crate") {
        at += 1;
    }
    loop {
        match tokens.get(at)? {
            TokenTree::Ident(segment) => {
                line = segment.span().start().line;
                path.push(plain(segment));
                at += 1;
                match tokens.get(at) {
                    None => {
                        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
                            path.pop();
                        }
                        let name = path.last().cloned();
                        leaves.push(Leaf { path, name, line });
                        return Some(());
                    }
                    Some(TokenTree::Ident(word)) if word == "as" => {
                        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
                            path.pop();
                        }
                        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else { return None };
                        leaves.push(Leaf { path, name: Some(plain(name)), line });
                        return Some(());
                    }
                    _ => {
                        if !(is_punct(tokens.get(at), ':') && is_punct(tokens.get(at + 1), ':')) {
                            return None;
                        }
                        at += 2;
                    }
                }
            }
            TokenTree::Punct(mark) if mark.as_char() == '*' => {
                let star = mark.span().start().line;
                leaves.push(Leaf { path, name: None, line: if star == 0 { line } else { star } });
                return Some(());
            }
            TokenTree::Group(group) => {
                let inner: Vec<TokenTree> = group.stream().into_iter().collect();
                for branch in inner.split(|token| is_punct(Some(token), ',')).filter(|branch| !branch.is_empty()) {
                    use_tree(branch, &path, leaves)?;
                }
                return Some(());
            }
            _ => return None,
        }
    }
}

/// Whether the `::` at `at` has nothing in front of it that it continues.
pub fn starts_globally(tokens: &[TokenTree], at: usize) -> bool {
    match before(tokens, at) {
        None => true,
        Some(TokenTree::Ident(word)) => is_keyword(&plain(word)),
        Some(TokenTree::Punct(mark)) if mark.as_char() == '>' => {
            at >= 2 && (is_punct(tokens.get(at - 2), '-') || is_punct(tokens.get(at - 2), '='))
        }
        Some(TokenTree::Punct(_)) => true,
        Some(TokenTree::Group(group)) => {
            group.delimiter() == Delimiter::Brace || group.delimiter() == Delimiter::Bracket
        }
        Some(TokenTree::Literal(_)) => false,
    }
}

/// Keywords that can stand in front of a path, and are no segment of one.
pub fn is_keyword(word: &str) -> bool {
    const KEYWORDS: [&str; 30] = [
        "as", "async", "await", "break", "const", "continue", "dyn", "else", "enum", "extern", "fn", "for", "if",
        "impl", "in", "let", "loop", "match", "mod", "move", "mut", "pub", "ref", "return", "static", "type", "unsafe",
        "use", "where", "while",
    ];
    KEYWORDS.contains(&word)
}

/// Whether these tokens begin an item or a `let`, after more attributes and `pub`.
pub fn begins_item(tokens: &[TokenTree]) -> bool {
    const WORDS: [&str; 15] = [
        "async",
        "const",
        "enum",
        "extern",
        "fn",
        "impl",
        "let",
        "macro_rules",
        "mod",
        "static",
        "struct",
        "trait",
        "type",
        "unsafe",
        "use",
    ];
    let mut words = tokens.iter().filter(|token| !matches!(token, TokenTree::Group(_)) && !is_punct(Some(token), '#'));
    match words.find(|token| !matches!(token, TokenTree::Ident(word) if word == "pub")) {
        Some(TokenTree::Ident(word)) => WORDS.contains(&plain(word).as_str()),
        _ => false,
    }
}

/// The string literals of an attribute, with their lines.
pub fn strings(tokens: TokenStream) -> Vec<(String, usize)> {
    let mut found = Vec::new();
    for token in tokens {
        match token {
            TokenTree::Group(group) => found.extend(strings(group.stream())),
            TokenTree::Literal(literal) => {
                let text = literal.to_string();
                if let Some(inner) = text.strip_prefix('"').and_then(|text| text.strip_suffix('"')) {
                    found.push((inner.to_owned(), literal.span().start().line));
                }
            }
            _ => {}
        }
    }
    found
}

/// `cfg(test)`, or a `cfg` that holds for tests only, or `#[test]`.
pub fn means_test(attribute: &TokenStream) -> bool {
    let tokens: Vec<TokenTree> = attribute.clone().into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(name)] => name == "test",
        [TokenTree::Ident(name), TokenTree::Group(group)] if name == "cfg" => only_in_tests(group.stream()),
        _ => false,
    }
}

fn only_in_tests(predicate: TokenStream) -> bool {
    let tokens: Vec<TokenTree> = predicate.into_iter().collect();
    match tokens.as_slice() {
        [TokenTree::Ident(name)] => name == "test",
        [TokenTree::Ident(name), TokenTree::Group(group)] => {
            let inner: Vec<TokenTree> = group.stream().into_iter().collect();
            let mut parts = inner
                .split(|token| is_punct(Some(token), ','))
                .filter(|part| !part.is_empty())
                .map(|part| only_in_tests(part.iter().cloned().collect()));
            match name.to_string().as_str() {
                "all" => parts.any(|test| test),
                "any" => parts.all(|test| test),
                _ => false,
            }
        }
        _ => false,
    }
}

pub fn before(tokens: &[TokenTree], at: usize) -> Option<&TokenTree> {
    at.checked_sub(1).and_then(|at| tokens.get(at))
}

pub fn is_punct(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

/// An identifier without `r#`.
pub fn plain(ident: &Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}
