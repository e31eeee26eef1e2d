//! Reads one source file: its modules, their imports, and every path that its tokens name.
//!
//! `syn` tells the items apart; inside of an item all tokens are scanned alike. So a path counts
//! wherever it is: in an expression, a type, a pattern, an attribute, `pub(in …)`, the arguments of
//! a macro or the body of `macro_rules!`. Nothing is resolved here and no macro is expanded: a path
//! that a macro assembles from pieces is seen only as far as it is written out.

use std::collections::BTreeMap;

use proc_macro2::{Delimiter, Group, TokenStream, TokenTree};
use quote::ToTokens;
use syn::Item;

use super::tokens::{before, begins_item, is_keyword, is_punct, means_test, plain, starts_globally, strings, use_tree};

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
    /// Lines of `include!`.
    include_lines: Vec<usize>,
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

/// Reads a file. The error says where it is not Rust.
pub fn read(source: &str) -> Result<Scope, String> {
    let file = syn::parse_file(source).map_err(|error| format!("line {}: {error}", error.span().start().line))?;
    let mut scope = Scope { test: for_tests(&file.attrs), ..Scope::default() };
    scope.items(file.items);
    Ok(scope)
}

impl Scope {
    /// The first line outside of tests with this identifier, in this module or one inside of it.
    pub fn names_line(&self, name: &str) -> Option<usize> {
        let segment = format!("::{name}");
        let here = [self.words.get(name), self.words.get(&segment)].into_iter().flatten().copied();
        let inside = self.children.iter().filter_map(|child| child.inline.as_ref()?.names_line(name));
        here.chain(inside).min()
    }

    /// Lines of `include!` in this module and those inside of it.
    pub fn includes(&self) -> Vec<usize> {
        let inside = self.children.iter().filter_map(|child| Some(child.inline.as_ref()?.includes()));
        self.include_lines.iter().copied().chain(inside.flatten()).collect()
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
                    let test = self.test || for_tests(&item.attrs);
                    let public = !matches!(item.vis, syn::Visibility::Inherited);
                    self.imports.push(Import { path, name: Some(name), public, line, test });
                }
                other => self.scan(other.to_token_stream(), self.test, None),
            }
        }
    }

    fn module(&mut self, module: syn::ItemMod) {
        let test = self.test || for_tests(&module.attrs);
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

    /// All paths of these tokens. `line` replaces the tokens' own lines if they were a string.
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

    /// An attribute; if it is `#[cfg(test)]`, also what it applies to.
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
        // A field, a variant or an argument ends with a comma; an item may have commas in `<…>`.
        let is_item = begins_item(&tokens[at..]);
        while at < tokens.len() {
            let ends = match &tokens[at] {
                TokenTree::Group(group) => group.delimiter() == Delimiter::Brace,
                TokenTree::Punct(mark) => mark.as_char() == ';' || (mark.as_char() == ',' && !is_item),
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
        if meta_variable || (colons && !global) || is_keyword(&word) {
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
        let is_call = end == at + 1 && is_punct(tokens.get(end), '!') && !is_punct(tokens.get(end + 1), '=');
        if is_call && word == "include" {
            self.include_lines.push(line);
        }
        if !field && !test {
            self.words.entry(word.clone()).or_insert(line);
            if is_call {
                self.calls.entry(word).or_insert(line);
            }
        }
        if path.len() > 1 || has_tail {
            self.paths.push(PathUse { path, line, test });
        }
        // The other segments count as words too, for the rule about names.
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
            let line = line.unwrap_or(leaf.line);
            if !test {
                for segment in &leaf.path {
                    self.words.entry(format!("::{segment}")).or_insert(line);
                }
            }
            self.imports.push(Import { path: leaf.path, name: leaf.name, public, line, test });
        }
        Some(at + length + 1)
    }
}

fn for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| means_test(&attribute.meta.to_token_stream()))
}
