//! One source file as the layer test sees it: its modules, their imports, and every path that their tokens name.
//!
//! Items are told apart by `syn`; inside of them all tokens are scanned alike, so that a path counts wherever it stands:
//! in an expression, a type, a pattern, an attribute, `pub(in …)`, the arguments of a macro or the body of `macro_rules!`.
//! Nothing is resolved here, and nothing is expanded: a path that a macro puts together out of pieces is not seen.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Item;

/// One module: a file's own, or an inline one.
#[derive(Debug, Default, Clone)]
pub struct Scope {
    /// Compiled for tests only.
    pub test: bool,
    /// Names that are defined here, apart from modules.
    pub items: Vec<String>,
    /// Macros that `#[macro_export]` puts at the root of the crate.
    pub exported: Vec<String>,
    /// `macro_rules!` of this module: seen by everything below it, without a path.
    pub macros: Vec<String>,
    /// All `use`, those inside of functions too.
    pub imports: Vec<Import>,
    /// Modules that are declared here.
    pub children: Vec<Child>,
    /// Paths of two segments or more.
    pub paths: Vec<PathUse>,
    /// Single identifiers outside of tests, with the first line of each.
    pub words: BTreeMap<String, usize>,
    /// Macros that are called by their bare name outside of tests.
    pub calls: BTreeMap<String, usize>,
}

/// One leaf of a `use` tree.
#[derive(Debug, Clone)]
pub struct Import {
    /// As written; a leading `::` is an empty first segment.
    pub path: Vec<String>,
    /// The name that it gets here; none for a glob.
    pub name: Option<String>,
    /// Can be named from other modules.
    pub public: bool,
    /// Line of the leaf.
    pub line: usize,
    /// Compiled for tests only.
    pub test: bool,
}

/// `mod name;` or `mod name { … }`.
#[derive(Debug, Clone)]
pub struct Child {
    /// Its name.
    pub name: String,
    /// `#[path = "…"]`.
    pub path: Option<String>,
    /// The body of an inline module; none where it is a file.
    pub inline: Option<Scope>,
    /// Compiled for tests only.
    pub test: bool,
    /// Line of the declaration.
    pub line: usize,
}

/// A path in the code.
#[derive(Debug, Clone)]
pub struct PathUse {
    /// As written; a leading `::` is an empty first segment, `$crate` is `crate`.
    pub path: Vec<String>,
    /// Line of its first segment.
    pub line: usize,
    /// Compiled for tests only.
    pub test: bool,
}

/// Reads a file. The error says where it is no Rust.
pub fn read(source: &str) -> Result<Scope, String> {
    let file = syn::parse_file(source).map_err(|error| format!("line {}: {error}", error.span().start().line))?;
    let mut scope = Scope::default();
    scope.test = file.attrs.iter().any(|attribute| means_test(&attribute.meta.to_token_stream()));
    scope.items(file.items);
    Ok(scope)
}

impl Scope {
    /// The first line outside of tests where an identifier stands, in this module or one inside of it.
    pub fn names_line(&self, name: &str) -> Option<usize> {
        let segment = format!("::{name}");
        let here = [self.words.get(name), self.words.get(&segment)].into_iter().flatten().copied();
        let inside = self.children.iter().filter_map(|child| child.inline.as_ref()?.names_line(name));
        here.chain(inside).min()
    }

    fn items(&mut self, items: Vec<Item>) {
        for item in items {
            let name = match &item {
                Item::Mod(_) => None,
                Item::Macro(definition) => definition.ident.as_ref(),
                Item::Const(item) => Some(&item.ident),
                Item::Enum(item) => Some(&item.ident),
                Item::Fn(item) => Some(&item.sig.ident),
                Item::Static(item) => Some(&item.ident),
                Item::Struct(item) => Some(&item.ident),
                Item::Trait(item) => Some(&item.ident),
                Item::TraitAlias(item) => Some(&item.ident),
                Item::Type(item) => Some(&item.ident),
                Item::Union(item) => Some(&item.ident),
                _ => None,
            };
            self.items.extend(name.map(plain));
            match item {
                Item::Mod(module) => self.module(module),
                Item::Macro(definition) if definition.ident.is_some() => {
                    let name = definition.ident.as_ref().map(plain).unwrap_or_default();
                    let exported = definition.attrs.iter().any(|attribute| attribute.path().is_ident("macro_export"));
                    if exported {
                        self.exported.push(name.clone());
                    }
                    self.macros.push(name);
                    self.scan(definition.mac.tokens, self.test, None);
                }
                Item::ExternCrate(item) => {
                    let path = match plain(&item.ident).as_str() {
                        "self" => vec!["crate".to_owned()],
                        name => vec![String::new(), name.to_owned()],
                    };
                    let name = item.rename.as_ref().map_or_else(|| plain(&item.ident), |(_, name)| plain(name));
                    let line = item.ident.span().start().line;
                    let test =
                        self.test || item.attrs.iter().any(|attribute| means_test(&attribute.meta.to_token_stream()));
                    let public = !matches!(item.vis, syn::Visibility::Inherited);
                    self.imports.push(Import { path, name: Some(name), public, line, test });
                }
                other => self.scan(other.to_token_stream(), self.test, None),
            }
        }
    }

    fn module(&mut self, module: syn::ItemMod) {
        let test = self.test || module.attrs.iter().any(|attribute| means_test(&attribute.meta.to_token_stream()));
        let mut path = None;
        for attribute in &module.attrs {
            if let syn::Meta::NameValue(pair) = &attribute.meta
                && pair.path.is_ident("path")
            {
                path = Some(pair.value.to_token_stream().to_string().trim_matches('"').to_owned());
            }
            self.scan(attribute.to_token_stream(), test, None);
        }
        self.scan(module.vis.to_token_stream(), test, None);
        let inline = module.content.map(|(_, items)| {
            let mut scope = Scope { test, ..Scope::default() };
            scope.items(items);
            scope
        });
        let line = module.ident.span().start().line;
        self.children.push(Child { name: plain(&module.ident), path, inline, test, line });
    }

    /// All paths of these tokens. `line` stands for the tokens' own where they were a string.
    fn scan(&mut self, tokens: TokenStream, test: bool, line: Option<usize>) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while at < tokens.len() {
            at = self.step(&tokens, at, test, line);
        }
    }

    fn step(&mut self, tokens: &[TokenTree], at: usize, test: bool, line: Option<usize>) -> usize {
        match &tokens[at] {
            TokenTree::Group(group) => {
                self.scan(group.stream(), test, line);
                at + 1
            }
            TokenTree::Punct(mark) if mark.as_char() == '#' => self.attribute(tokens, at, test, line),
            TokenTree::Ident(ident) => {
                let word = plain(ident);
                let line_here = line.unwrap_or_else(|| ident.span().start().line);
                if word == "use" && !is_punct(tokens.get(at + 1), '<') && !is_punct(before(tokens, at), '.') {
                    if let Some(end) = self.use_item(tokens, at, test, line) {
                        return end;
                    }
                    return at + 1;
                }
                self.word_or_path(tokens, at, word, line_here, test)
            }
            _ => at + 1,
        }
    }

    /// An attribute, and with `#[cfg(test)]` all that it stands in front of.
    fn attribute(&mut self, tokens: &[TokenTree], at: usize, test: bool, line: Option<usize>) -> usize {
        let inner = is_punct(tokens.get(at + 1), '!');
        let Some(TokenTree::Group(group)) = tokens.get(at + 1 + usize::from(inner)) else { return at + 1 };
        if group.delimiter() != Delimiter::Bracket {
            return at + 1;
        }
        let next = at + 2 + usize::from(inner);
        let for_tests = !inner && means_test(&group.stream());
        self.attribute_content(group, test || for_tests, line);
        if test || !for_tests {
            return next;
        }
        let mut at = next;
        while at < tokens.len() {
            let ends = match &tokens[at] {
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                TokenTree::Punct(mark) => matches!(mark.as_char(), ';' | ','),
                _ => false,
            };
            at = self.step(tokens, at, true, line);
            if ends {
                break;
            }
        }
        at
    }

    /// Paths in an attribute, also those that serde and the like take as a string.
    fn attribute_content(&mut self, group: &Group, test: bool, line: Option<usize>) {
        let is_doc = matches!(group.stream().into_iter().next(), Some(TokenTree::Ident(name)) if name == "doc");
        if is_doc {
            return;
        }
        self.scan(group.stream(), test, line);
        for (text, at) in strings(group.stream()) {
            let is_path = text.contains("::") && text.chars().all(|c| c.is_alphanumeric() || "_:<>, ".contains(c));
            if is_path && let Ok(tokens) = text.parse::<TokenStream>() {
                self.scan(tokens, test, Some(line.unwrap_or(at)));
            }
        }
    }

    fn word_or_path(&mut self, tokens: &[TokenTree], at: usize, word: String, line: usize, test: bool) -> usize {
        let previous = before(tokens, at);
        let meta_variable = is_punct(previous, '$') && word != "crate";
        let colons = is_punct(previous, ':') && at >= 2 && is_punct(tokens.get(at - 2), ':');
        // `a::b` goes on; `Vec<u8>::new` too; but `-> ::a::b` and `= ::a::b` begin.
        let global = colons && starts_globally(tokens, at - 2);
        if meta_variable || (colons && !global) {
            return at + 1;
        }
        let mut path = if global { vec![String::new()] } else { Vec::new() };
        path.push(word.clone());
        let mut end = at + 1;
        while is_punct(tokens.get(end), ':') && is_punct(tokens.get(end + 1), ':') {
            let Some(TokenTree::Ident(segment)) = tokens.get(end + 2) else { break };
            path.push(plain(segment));
            end += 3;
        }
        let field = is_punct(previous, '.') && !(at >= 2 && is_punct(tokens.get(at - 2), '.'));
        let has_tail = is_punct(tokens.get(end), ':') && is_punct(tokens.get(end + 1), ':');
        if !field && !test {
            self.words.entry(word.clone()).or_insert(line);
            let is_call = end == at + 1 && is_punct(tokens.get(end), '!') && !is_punct(tokens.get(end + 1), '=');
            if is_call {
                self.calls.entry(word).or_insert(line);
            }
        }
        if path.len() > 1 || has_tail {
            self.paths.push(PathUse { path, line, test });
        }
        // Other segments are words as well: `Syncline` must not hide behind a module.
        if !test {
            for token in &tokens[at + 1..end] {
                if let TokenTree::Ident(segment) = token {
                    let line = segment.span().start().line;
                    self.words.entry(format!("::{}", plain(segment))).or_insert(line);
                }
            }
        }
        end
    }

    /// `use …;` from the keyword on; where it ends, or nothing if it is none.
    fn use_item(&mut self, tokens: &[TokenTree], at: usize, test: bool, line: Option<usize>) -> Option<usize> {
        let length = tokens[at..].iter().position(|token| is_punct(Some(token), ';'))?;
        let public = match before(tokens, at) {
            Some(TokenTree::Ident(word)) => word == "pub",
            Some(TokenTree::Group(group)) => {
                group.delimiter() == Delimiter::Parenthesis
                    && at >= 2
                    && matches!(&tokens[at - 2], TokenTree::Ident(word) if word == "pub")
            }
            _ => false,
        };
        let mut leaves = Vec::new();
        use_tree(&tokens[at + 1..at + length], &[], &mut leaves)?;
        for leaf in leaves {
            let line = line.unwrap_or(leaf.2);
            if !test {
                for segment in &leaf.0 {
                    self.words.entry(format!("::{segment}")).or_insert(line);
                }
            }
            self.imports.push(Import { path: leaf.0, name: leaf.1, public, line, test });
        }
        Some(at + length + 1)
    }
}

type Leaf = (Vec<String>, Option<String>, usize);

/// The leaves of one tree of a `use`; nothing where it is none (a macro's fragment, say).
fn use_tree(tokens: &[TokenTree], prefix: &[String], leaves: &mut Vec<Leaf>) -> Option<()> {
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
                        leaves.push((path, name, line));
                        return Some(());
                    }
                    Some(TokenTree::Ident(word)) if word == "as" => {
                        if path.last().is_some_and(|last| last == "self") && path.len() > 1 {
                            path.pop();
                        }
                        let Some(TokenTree::Ident(name)) = tokens.get(at + 1) else { return None };
                        leaves.push((path, Some(plain(name)), line));
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
                leaves.push((path, None, if star == 0 { line } else { star }));
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
fn starts_globally(tokens: &[TokenTree], at: usize) -> bool {
    match before(tokens, at) {
        None => true,
        Some(TokenTree::Ident(word)) => {
            matches!(
                plain(word).as_str(),
                "as" | "for" | "in" | "impl" | "dyn" | "return" | "mut" | "match" | "if" | "else"
            )
        }
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

/// The string literals of an attribute, with their lines.
fn strings(tokens: TokenStream) -> Vec<(String, usize)> {
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
fn means_test(attribute: &TokenStream) -> bool {
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

fn before(tokens: &[TokenTree], at: usize) -> Option<&TokenTree> {
    at.checked_sub(1).and_then(|at| tokens.get(at))
}

fn is_punct(token: Option<&TokenTree>, mark: char) -> bool {
    matches!(token, Some(TokenTree::Punct(punct)) if punct.as_char() == mark)
}

/// An identifier without `r#`.
fn plain(ident: &proc_macro2::Ident) -> String {
    let name = ident.to_string();
    name.strip_prefix("r#").map_or(name.clone(), str::to_owned)
}
