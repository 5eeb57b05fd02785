//! A source file, read into what it declares, imports and names.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use proc_macro2::{TokenStream, TokenTree};
use syn::visit::{self, Visit};

/// A module path from the crate's root, `["app", "state"]`, or the segments of any other path.
pub type Segments = Vec<String>;

/// A path as it is written in a module: `super::state::State` in `["app", "update"]`.
pub struct Reference {
    pub module: Segments,
    pub path: Segments,
}

/// What a `use` brings into a file.
pub struct Import {
    pub reference: Reference,
    /// The name that it has in this file; `*` if it brings all of a module.
    pub name: String,
    /// Whether it is a `pub use` of any kind, which other files can see.
    pub is_reexport: bool,
}

/// A file of `src`.
#[derive(Default)]
pub struct Source {
    pub module: Segments,
    /// The file, from `src` on.
    pub path: PathBuf,
    pub lines: usize,
    /// Names of the items that the file defines.
    pub items: BTreeSet<String>,
    pub imports: Vec<Import>,
    /// Paths in the code besides imports.
    pub references: Vec<Reference>,
    /// Modules that are built for tests only, and may be files of their own.
    pub test_modules: Vec<Segments>,
    pub allows_unsafe: bool,
}

/// Whether `#[cfg(test)]` parts of a file count.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Tests {
    Included,
    Left,
}

/// Every file of `src` but `lib.rs` and `main.rs`, which belong to no room.
pub fn read_all(tests: Tests) -> Vec<Source> {
    fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    walk(&root, &mut found);
    found.sort();
    found
        .iter()
        .map(|path| (path.strip_prefix(&root).unwrap(), fs::read_to_string(path).unwrap()))
        .filter(|(path, _)| *path != Path::new("lib.rs") && *path != Path::new("main.rs"))
        .map(|(path, text)| parse(path, &text, tests))
        .collect()
}

/// Reads one file.
///
/// # Panics
/// If the text is no Rust.
pub fn parse(path: &Path, text: &str, tests: Tests) -> Source {
    let file = syn::parse_file(text).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    let mut module: Segments =
        path.with_extension("").iter().map(|part| part.to_string_lossy().into_owned()).collect();
    module.pop_if(|last| last == "mod");
    let source = Source {
        module: module.clone(),
        path: path.to_owned(),
        lines: text.lines().count(),
        ..Source::default()
    };
    let mut reader = Reader { source, module, tests };
    reader.visit_file(&file);
    reader.source
}

struct Reader {
    source: Source,
    /// The module that is being read: the file's, or one within the file.
    module: Segments,
    tests: Tests,
}

impl Reader {
    fn refer(&mut self, path: Segments) {
        self.source.references.push(Reference { module: self.module.clone(), path });
    }

    fn import(&mut self, prefix: &Segments, tree: &syn::UseTree, is_reexport: bool) {
        let (mut path, mut name) = (prefix.clone(), None);
        match tree {
            syn::UseTree::Path(deeper) => {
                path.push(deeper.ident.to_string());
                return self.import(&path, &deeper.tree, is_reexport);
            }
            syn::UseTree::Group(group) => {
                return group.items.iter().for_each(|tree| self.import(prefix, tree, is_reexport));
            }
            syn::UseTree::Name(item) => path.push(item.ident.to_string()),
            syn::UseTree::Rename(item) => {
                path.push(item.ident.to_string());
                name = Some(item.rename.to_string());
            }
            syn::UseTree::Glob(_) => path.push("*".to_owned()),
        }
        if path.len() > 1 {
            path.pop_if(|last| last == "self");
        }
        let Some(last) = path.last() else { return };
        let name = name.unwrap_or_else(|| last.clone());
        let reference = Reference { module: self.module.clone(), path };
        self.source.imports.push(Import { reference, name, is_reexport });
    }

    /// The paths in what is given to a macro or an attribute, which `syn` doesn't read.
    fn tokens(&mut self, tokens: TokenStream) {
        let mut path = Segments::new();
        let mut is_open = false;
        for token in tokens {
            match token {
                TokenTree::Punct(sign) if sign.as_char() == ':' => is_open = !path.is_empty(),
                TokenTree::Ident(name) => {
                    if !is_open {
                        self.end_of_path(&mut path);
                    }
                    path.push(name.to_string());
                    is_open = false;
                }
                TokenTree::Group(group) => {
                    self.end_of_path(&mut path);
                    self.tokens(group.stream());
                }
                _ => self.end_of_path(&mut path),
            }
        }
        self.end_of_path(&mut path);
    }

    fn end_of_path(&mut self, path: &mut Segments) {
        let path = std::mem::take(path);
        if path.len() > 1 || path.first().is_some_and(|name| is_type(name)) {
            self.refer(path);
        }
    }
}

/// A lone name that begins with a capital is no local variable.
fn is_type(name: &str) -> bool {
    name.starts_with(|first: char| first.is_uppercase())
}

fn segments(path: &syn::Path) -> Segments {
    path.segments.iter().map(|segment| segment.ident.to_string()).collect()
}

fn is_for_tests(attributes: &[syn::Attribute]) -> bool {
    attributes.iter().any(|attribute| match &attribute.meta {
        syn::Meta::List(list) if list.path.is_ident("cfg") => {
            let condition = list.tokens.to_string();
            condition == "test" || condition.replace(' ', "").starts_with("all(test,")
        }
        _ => false,
    })
}

fn attributes(item: &syn::Item) -> &[syn::Attribute] {
    match item {
        syn::Item::Const(item) => &item.attrs,
        syn::Item::Enum(item) => &item.attrs,
        syn::Item::Fn(item) => &item.attrs,
        syn::Item::Impl(item) => &item.attrs,
        syn::Item::Macro(item) => &item.attrs,
        syn::Item::Mod(item) => &item.attrs,
        syn::Item::Static(item) => &item.attrs,
        syn::Item::Struct(item) => &item.attrs,
        syn::Item::Trait(item) => &item.attrs,
        syn::Item::Type(item) => &item.attrs,
        syn::Item::Use(item) => &item.attrs,
        _ => &[],
    }
}

fn name(item: &syn::Item) -> Option<&syn::Ident> {
    match item {
        syn::Item::Const(item) => Some(&item.ident),
        syn::Item::Enum(item) => Some(&item.ident),
        syn::Item::Fn(item) => Some(&item.sig.ident),
        syn::Item::Macro(item) => item.ident.as_ref(),
        syn::Item::Static(item) => Some(&item.ident),
        syn::Item::Struct(item) => Some(&item.ident),
        syn::Item::Trait(item) => Some(&item.ident),
        syn::Item::Type(item) => Some(&item.ident),
        syn::Item::Union(item) => Some(&item.ident),
        _ => None,
    }
}

impl<'ast> Visit<'ast> for Reader {
    fn visit_item(&mut self, item: &'ast syn::Item) {
        if self.tests == Tests::Left && is_for_tests(attributes(item)) {
            if let syn::Item::Mod(tests) = item {
                let module = [self.module.clone(), vec![tests.ident.to_string()]].concat();
                self.source.test_modules.push(module);
            }
            return;
        }
        self.source.items.extend(name(item).map(ToString::to_string));
        visit::visit_item(self, item);
    }

    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        self.module.push(item.ident.to_string());
        visit::visit_item_mod(self, item);
        self.module.pop();
    }

    fn visit_item_use(&mut self, item: &'ast syn::ItemUse) {
        let is_reexport = !matches!(item.vis, syn::Visibility::Inherited);
        self.import(&Segments::new(), &item.tree, is_reexport);
    }

    fn visit_visibility(&mut self, _: &'ast syn::Visibility) {}

    fn visit_path(&mut self, path: &'ast syn::Path) {
        let names = segments(path);
        if names.len() > 1 || is_type(&names[0]) {
            self.refer(names);
        }
        visit::visit_path(self, path);
    }

    fn visit_expr_call(&mut self, call: &'ast syn::ExprCall) {
        if let syn::Expr::Path(function) = &*call.func {
            self.refer(segments(&function.path));
        }
        visit::visit_expr_call(self, call);
    }

    fn visit_macro(&mut self, call: &'ast syn::Macro) {
        self.tokens(call.tokens.clone());
        visit::visit_macro(self, call);
    }

    fn visit_attribute(&mut self, attribute: &'ast syn::Attribute) {
        if let syn::Meta::List(list) = &attribute.meta {
            self.source.allows_unsafe |=
                list.path.is_ident("allow") && list.tokens.to_string().contains("unsafe_code");
            self.tokens(list.tokens.clone());
        }
    }
}
